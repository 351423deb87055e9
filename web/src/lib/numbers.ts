/** Whole numbers with separators; undefined stays undefined: not recorded is not 0. */
export function count(value: number | undefined, locale: string): string | undefined {
  return value === undefined ? undefined : new Intl.NumberFormat(locale).format(value);
}

/** Tokens per second while streaming, one digit; undefined when it cannot be told. */
export function tokensPerSecond(tokens?: number, ms?: number): string | undefined {
  if (!tokens || !ms || ms <= 0) return undefined;
  return (tokens / (ms / 1000)).toFixed(1);
}
