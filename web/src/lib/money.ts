import { decimalText, parseDecimal, rescale, trimZeros, type Decimal } from './decimal';

/** The currency of simulated calls; never mixes with real money. */
export const SIM = 'SIM';

/** How an amount is to be read: what one has, what one paid, what one unit costs, or every digit. */
export type MoneyKind = 'balance' | 'charge' | 'price' | 'exact';

/** A formatted amount in parts, so that a table can align it on the decimal point. */
export interface MoneyParts {
  sign: string;
  symbol: string;
  whole: string;
  fraction: string;
  currency: string;
}

const symbols: Record<string, string> = { USD: '$', CNY: '¥', EUR: '€', GBP: '£', JPY: '¥' };
const significantDigits = 6;

/**
 * Formats an exact decimal. Balances show 2 digits and are cut, never rounded up: nobody
 * has what is not there. Charges show 4, below 0.01 up to 6 significant digits. A value
 * that is not zero never shows as zero. Undefined when the text is no decimal.
 */
export function moneyParts(
  text: string,
  currency: string,
  kind: MoneyKind,
): MoneyParts | undefined {
  const value = parseDecimal(text);
  if (!value) return undefined;
  const [whole = '0', fraction = ''] = digits(value, kind).replace('-', '').split('.');
  return {
    sign: value.units < 0n ? '−' : '',
    symbol: symbols[currency] ?? '',
    whole: whole.replace(/\B(?=(\d{3})+$)/g, ','),
    fraction: fraction && `.${fraction}`,
    currency,
  };
}

/** The parts in one line: "−$1,234.5678 USD", "12.00 SIM"; the text itself when it is no decimal. */
export function formatMoney(text: string, currency: string, kind: MoneyKind): string {
  const parts = moneyParts(text, currency, kind);
  if (!parts) return text;
  const { sign, symbol, whole, fraction } = parts;
  return `${sign}${symbol}${whole}${fraction} ${currency}`.trim();
}

function digits(value: Decimal, kind: MoneyKind): string {
  if (kind === 'exact') return decimalText(value);
  if (kind === 'price') return padFraction(trimZeros(decimalText(value)), 2);
  const usual = kind === 'balance' ? 2 : 4;
  const scale = isBelowCent(value) ? Math.max(usual, significantScale(value)) : usual;
  const text = decimalText(rescale(value, scale, kind === 'balance' ? 'cut' : 'round'));
  return padFraction(trimZeros(text), usual);
}

function isBelowCent({ units, scale }: Decimal): boolean {
  const magnitude = units < 0n ? -units : units;
  return magnitude !== 0n && magnitude * 100n < 10n ** BigInt(scale);
}

/** Digits after the point that keep six significant ones. */
function significantScale({ units, scale }: Decimal): number {
  const length = (units < 0n ? -units : units).toString().length;
  return Math.min(scale, scale - length + significantDigits);
}

function padFraction(text: string, least: number): string {
  const [whole = '', fraction = ''] = text.split('.');
  return least === 0 && !fraction ? whole : `${whole}.${fraction.padEnd(least, '0')}`;
}
