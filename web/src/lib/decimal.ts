/**
 * Exact decimals as text. The server sends every amount as an exact decimal string;
 * these functions compare and format such strings without ever making a float of them.
 */

/** A decimal as an integer and the number of digits after the point. */
export interface Decimal {
  units: bigint;
  scale: number;
}

const pattern = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** Parses "12", "-0.0050"; undefined for anything else (exponents, blanks, separators). */
export function parseDecimal(text: string): Decimal | undefined {
  const match = pattern.exec(text.trim());
  if (!match) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction);
  return { units: sign === '-' ? -units : units, scale: fraction.length };
}

/** Writes a decimal with exactly its scale: {units: -50n, scale: 4} is "-0.0050". */
export function decimalText({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const cut = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return units < 0n ? `-${text}` : text;
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  const raise = (d: Decimal) => d.units * 10n ** BigInt(scale - d.scale);
  return [raise(a), raise(b), scale];
}

/** target − current, exact; undefined when either is not a decimal. */
export function decimalDelta(current: string, target: string): string | undefined {
  const from = parseDecimal(current);
  const to = parseDecimal(target);
  if (!from || !to) return undefined;
  const [a, b, scale] = align(from, to);
  return trimZeros(decimalText({ units: b - a, scale }));
}

/** Negative, zero or positive, as a < b, a = b, a > b. Text that is no decimal counts as 0. */
export function compareDecimals(a: string, b: string): number {
  const zero: Decimal = { units: 0n, scale: 0 };
  const [left, right] = align(parseDecimal(a) ?? zero, parseDecimal(b) ?? zero);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Moves the decimal point right: ("0.001804", 6) is "1804". Text that is no decimal stays as it is. */
export function shiftRight(text: string, places: number): string {
  const value = parseDecimal(text);
  if (!value) return text;
  const scale = Math.max(0, value.scale - places);
  const units = value.units * 10n ** BigInt(Math.max(0, places - value.scale));
  return trimZeros(decimalText({ units, scale }));
}

/** Drops zeros after the last significant digit of the fraction: "1.500" is "1.5", "2.0" is "2". */
export function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Brings a decimal to `scale` digits; halves go away from zero, or digits are cut off. */
export function rescale(value: Decimal, scale: number, mode: 'round' | 'cut'): Decimal {
  if (value.scale <= scale) {
    return { units: value.units * 10n ** BigInt(scale - value.scale), scale };
  }
  const divisor = 10n ** BigInt(value.scale - scale);
  const half = mode === 'round' ? divisor / 2n : 0n;
  const shifted = value.units < 0n ? value.units - half : value.units + half;
  return { units: shifted / divisor, scale };
}
