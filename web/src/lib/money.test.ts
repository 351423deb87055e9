import { describe, expect, it } from 'vitest';
import { formatMoney, moneyParts } from './money';

describe('formatMoney', () => {
  it.each([
    ['1234.5', 'USD', 'balance', '$1,234.50 USD'],
    ['0', 'CNY', 'balance', '¥0.00 CNY'],
    ['99.999', 'SIM', 'balance', '99.99 SIM'],
    ['0.0004', 'USD', 'balance', '$0.0004 USD'],
    ['0.012345', 'USD', 'charge', '$0.0123 USD'],
    ['0.01', 'USD', 'charge', '$0.0100 USD'],
    ['0.000042', 'USD', 'charge', '$0.000042 USD'],
    ['0.00123456789', 'USD', 'charge', '$0.00123457 USD'],
    ['-12.5', 'CNY', 'charge', '−¥12.5000 CNY'],
    ['0.000000001', 'SIM', 'charge', '0.000000001 SIM'],
    ['2.50', 'USD', 'price', '$2.50 USD'],
    ['0.0750', 'USD', 'price', '$0.075 USD'],
    ['1234567.000000001', 'USD', 'exact', '$1,234,567.000000001 USD'],
  ] as const)('%s %s as %s is %s', (text, currency, kind, shown) => {
    expect(formatMoney(text, currency, kind)).toBe(shown);
  });

  it('shows what it cannot read as it is', () => {
    expect(formatMoney('n/a', 'USD', 'charge')).toBe('n/a');
  });
});

describe('moneyParts', () => {
  it('splits at the decimal point', () => {
    expect(moneyParts('-1234.5', 'USD', 'charge')).toEqual({
      sign: '−',
      symbol: '$',
      whole: '1,234',
      fraction: '.5000',
      currency: 'USD',
    });
  });
});
