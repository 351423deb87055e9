import { Missing } from '@/components/Missing';
import { Time } from '@/components/Time';
import { useNow } from '@/components/useNow';

/** When a cooldown ends; one that is over is none. */
export function Cooldown({ until }: { until: string | undefined }) {
  const now = useNow();
  if (!until || Date.parse(until) <= now) return <Missing />;
  return <Time at={until} />;
}
