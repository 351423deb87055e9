import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Attempt, Task } from '@/api/types';
import { Card } from '@/components/Page';
import { SimTag } from '@/components/SimTag';
import { Badge, type Tone } from '@/components/Status';
import { duration } from '@/lib/time';
import { ticks, timelineOf, type Bar, type Timeline } from './timeline';
import styles from './Timeline.module.css';

/** One bar per attempt on a common axis, each with the verdict that followed it. */
export function TimelineView({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const [opened] = useState(() => Date.now());
  const timeline = timelineOf(task, Math.max(opened, Date.parse(task.updatedAt ?? '') || 0));
  return (
    <Card title={t('timeline.title')} actions={<Legend />}>
      {timeline ? (
        <Bars timeline={timeline} />
      ) : (
        <p className={styles.none}>{t('timeline.none')}</p>
      )}
    </Card>
  );
}

function Legend() {
  const { t } = useTranslation('requests');
  return (
    <span className={styles.legend} aria-hidden="true">
      {(['wait', 'stream'] as const).map((phase) => (
        <span key={phase}>
          <i data-phase={phase} /> {t(`timeline.${phase}`)}
        </span>
      ))}
    </span>
  );
}

function Bars({ timeline }: { timeline: Timeline }) {
  return (
    <ol className={styles.rows}>
      {timeline.bars.map((bar) => (
        <Row key={bar.attempt.id ?? bar.attempt.attemptNo} bar={bar} span={timeline.span} />
      ))}
      <li className={styles.axis} aria-hidden="true">
        <span />
        <span className={styles.track}>
          {ticks(timeline.span).map((ms) => (
            <span key={ms} className={styles.tick} style={{ left: percent(ms, timeline.span) }}>
              {duration(ms)}
            </span>
          ))}
        </span>
        <span />
      </li>
    </ol>
  );
}

function Row({ bar, span }: { bar: Bar; span: number }) {
  const { t } = useTranslation('requests');
  const { attempt } = bar;
  const failed = isFailed(attempt);
  return (
    <li className={styles.row}>
      <span className={styles.who}>
        <span className={styles.number}>{attempt.attemptNo}</span>
        <span className={styles.platform}>
          <span>
            {attempt.platformName || attempt.provider} {attempt.simulated && <SimTag />}
          </span>
          <span className={styles.model}>{attempt.providerModelName || attempt.modelName}</span>
        </span>
      </span>
      <span className={styles.track}>
        {bar.segments.map((segment) => (
          <span
            key={segment.phase}
            className={styles.segment}
            data-phase={segment.phase}
            data-failed={failed || undefined}
            title={`${t(`timeline.${segment.phase}`)} · ${duration(segment.to - segment.from)}`}
            style={{
              left: percent(segment.from, span),
              width: percent(segment.to - segment.from, span),
            }}
          />
        ))}
      </span>
      <span className={styles.outcome}>
        <Verdict verdict={attempt.verdict} />
        <Facts attempt={attempt} ms={bar.ms} />
      </span>
    </li>
  );
}

/** Neither served nor ended by the caller, nor by another attempt. */
function isFailed({ verdict, category }: Attempt): boolean {
  const outrun = verdict === 'hedged_lost' && category === 'canceled';
  return verdict !== undefined && verdict !== 'served' && verdict !== 'caller_left' && !outrun;
}

const tones: Record<NonNullable<Attempt['verdict']>, Tone> = {
  served: 'ok',
  retry_same: 'warn',
  next_key: 'warn',
  next_platform: 'warn',
  stop: 'error',
  exhausted: 'error',
  fallback: 'warn',
  caller_left: 'idle',
  hedged_lost: 'idle',
};

function Verdict({ verdict }: { verdict: Attempt['verdict'] }) {
  const { t } = useTranslation('requests');
  if (!verdict) return null;
  return (
    <Badge tone={tones[verdict] ?? 'idle'} title={verdict}>
      {t(`verdict.${verdict}`)}
    </Badge>
  );
}

/** Length, upstream status, error and whether it may be retried. */
function Facts({ attempt, ms }: { attempt: Attempt; ms: number | undefined }) {
  const { t } = useTranslation('requests');
  const failed = isFailed(attempt);
  const parts = [
    duration(ms),
    attempt.statusCode ? `HTTP ${attempt.statusCode}` : undefined,
    attempt.errorCode || attempt.category,
    failed && attempt.retryable !== undefined
      ? t(attempt.retryable ? 'timeline.retryable' : 'timeline.notRetryable')
      : undefined,
  ];
  return (
    <span className={styles.facts} title={attempt.errorMessage}>
      {parts.filter(Boolean).join(' · ')}
    </span>
  );
}

function percent(ms: number, span: number): string {
  return `${(100 * ms) / span}%`;
}
