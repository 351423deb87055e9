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
