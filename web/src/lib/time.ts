/** Time formatting. Instants are RFC 3339 strings; an absent or broken one gives ''. */

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

const clockLag = 15;

/** "3 minutes ago", "in 2 days"; a date beyond 30 days. */
export function relativeTime(iso: string | undefined, now: number, locale: string): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return '';
  const ahead = Math.round((at - now) / 1000);
  // The page's clock is a little behind: what has just happened is now, not in the future.
  const seconds = ahead > 0 && ahead <= clockLag ? 0 : ahead;
  if (Math.abs(seconds) > 30 * 86_400) {
    return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at);
  }
  const [unit, size] = steps.find(([, s]) => Math.abs(seconds) >= s) ?? ['second', 1];
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' });
  return format.format(Math.trunc(seconds / size), unit);
}

/** Date, time with seconds, and zone. An empty zone is the browser's. */
export function absoluteTime(iso: string | undefined, locale: string, timeZone?: string): string {
  const at = iso ? Date.parse(iso) : NaN;
  if (Number.isNaN(at)) return '';
  const format = new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    timeZone: timeZone || undefined,
  });
  const parts = format.formatToParts(at);
  const zone = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const digits = parts.filter((part) => part.type !== 'timeZoneName').map((part) => part.value);
  return `${digits.join('').trim().replace(/\s+/g, ' ')} ${zone}`.trim();
}

/** Milliseconds for a cell: "840 ms", "3.24 s", "2 min 05 s". */
export function duration(ms: number | undefined): string | undefined {
  if (ms === undefined || !Number.isFinite(ms)) return undefined;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

const relative = /^-(\d+)(m|h|d)$/;
const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Turns "-24h" of a URL into an instant counted from now; passes anything else on. */
export function resolveInstant(value: string | undefined, now: number): string | undefined {
  const match = value ? relative.exec(value) : null;
  if (!match) return value || undefined;
  const unit = match[2] as keyof typeof unitMs;
  return new Date(now - Number(match[1]) * unitMs[unit]).toISOString();
}
