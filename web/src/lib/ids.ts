/** Shortens an id in the middle: "0193…7f2c". Short ids stay whole. */
export function middle(id: string, head = 6, tail = 4): string {
  return id.length <= head + tail + 1 ? id : `${id.slice(0, head)}…${id.slice(-tail)}`;
}

/** A key as it may be seen on a screen: its prefix and dots, never the secret. */
export function maskKey(secret: string): string {
  const prefix = secret.slice(0, Math.min(10, Math.floor(secret.length / 3)));
  return `${prefix}••••••••••••`;
}
