import { absoluteTime, relativeTime } from '@/lib/time';
import { Missing } from './Missing';
import { useDisplay } from './preferences';
import { useNow } from './useNow';

/** An instant: relative to now, absolute with its zone on hover; or absolute outright. */
export function Time({ at, absolute }: { at: string | undefined; absolute?: boolean }) {
  const { locale, timeZone } = useDisplay();
  const now = useNow();
  const full = absoluteTime(at, locale, timeZone);
  if (!full) return <Missing />;
  return (
    <time dateTime={at} title={full}>
      {absolute ? full : relativeTime(at, now, locale)}
    </time>
  );
}
