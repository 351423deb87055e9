import { expect, it } from 'vitest';
import { signInSearch } from './search';

it('returns only to addresses of the console itself', () => {
  expect(signInSearch({ next: '/requests?status=failed' })).toEqual({
    next: '/requests?status=failed',
  });
  expect(signInSearch({ next: '//evil.example' })).toEqual({});
  expect(signInSearch({ next: '/\\evil.example' })).toEqual({});
  expect(signInSearch({ next: 'https://evil.example' })).toEqual({});
});

it('keeps only what can be the code of a problem', () => {
  expect(signInSearch({ problem: 'tenant_unknown' })).toEqual({ problem: 'tenant_unknown' });
  expect(signInSearch({ problem: '<b>call 555</b>' })).toEqual({});
});
