import { parseDecimal } from './decimal';

/**
 * JSON of `body` with `decimals` added as number literals exactly as written. A JavaScript
 * number cannot hold every amount; the server reads the literal. Throws on text that is no decimal.
 */
export function jsonWithDecimals(body: object, decimals: Record<string, string>): string {
  const literals = Object.entries(decimals).map(([name, text]) => {
    if (!parseDecimal(text)) throw new TypeError(`${name} is not a decimal`);
    return `${JSON.stringify(name)}:${normalise(text)}`;
  });
  const rest = JSON.stringify(body).slice(1, -1);
  return `{${[rest, ...literals].filter(Boolean).join(',')}}`;
}

/** JSON allows neither a plus sign nor leading zeros. */
function normalise(text: string): string {
  return text
    .trim()
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1');
}
