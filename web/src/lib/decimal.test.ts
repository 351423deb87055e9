import { describe, expect, it } from 'vitest';
import {
  compareDecimals,
  decimalDelta,
  decimalText,
  parseDecimal,
  rescale,
  shiftRight,
} from './decimal';

describe('shiftRight', () => {
  it('moves the point exactly', () => {
    expect(shiftRight('0.001804', 6)).toBe('1804');
    expect(shiftRight('1.5', 3)).toBe('1500');
    expect(shiftRight('0.0000005', 6)).toBe('0.5');
    expect(shiftRight('12', 0)).toBe('12');
  });
});

describe('decimalDelta', () => {
  it.each([
    ['100.00', '250.5', '150.5'],
    ['0.1', '0.3', '0.2'],
    ['12.345678901', '12.345678900', '-0.000000001'],
    ['9007199254740993.000000001', '9007199254740993.000000002', '0.000000001'],
    ['5', '5.000', '0'],
  ])('from %s to %s is %s', (current, target, delta) => {
    expect(decimalDelta(current, target)).toBe(delta);
  });

  it.each(['', '1e3', '1,000', 'abc', '.5', '5.'])('refuses %j', (text) => {
    expect(decimalDelta('1', text)).toBeUndefined();
  });
});

describe('compareDecimals', () => {
  it('compares across scales and signs', () => {
    expect(compareDecimals('1.50', '1.5')).toBe(0);
    expect(compareDecimals('-2', '0.001')).toBe(-1);
    expect(compareDecimals('0.0000000011', '0.000000001')).toBe(1);
  });
});

describe('rescale', () => {
  it('rounds halves away from zero and cuts towards zero', () => {
    const text = (value: string, scale: number, mode: 'round' | 'cut') =>
      decimalText(rescale(parseDecimal(value)!, scale, mode));
    expect(text('0.125', 2, 'round')).toBe('0.13');
    expect(text('-0.125', 2, 'round')).toBe('-0.13');
    expect(text('0.129', 2, 'cut')).toBe('0.12');
    expect(text('3', 2, 'cut')).toBe('3.00');
  });
});
