import { expect, it } from 'vitest';
import { jsonWithDecimals } from './json';

it('keeps every digit of an amount', () => {
  expect(jsonWithDecimals({ currency: 'USD' }, { balance: '9007199254740993.000000001' })).toBe(
    '{"currency":"USD","balance":9007199254740993.000000001}',
  );
});

it('writes valid JSON numbers', () => {
  expect(jsonWithDecimals({}, { a: '+007.50' })).toBe('{"a":7.50}');
  expect(jsonWithDecimals({}, { a: '0.5' })).toBe('{"a":0.5}');
});

it('refuses text that is no decimal', () => {
  expect(() => jsonWithDecimals({}, { balance: '1,"admin":true' })).toThrow(TypeError);
});
