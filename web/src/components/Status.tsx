import { useTranslation } from 'react-i18next';
import styles from './Status.module.css';

export type Tone = 'ok' | 'warn' | 'error' | 'run' | 'idle';

/** The one vocabulary of states; what a surface calls them otherwise maps here. */
const known: Record<string, { word: string; tone: Tone }> = {
  queued: { word: 'queued', tone: 'idle' },
  initial: { word: 'queued', tone: 'idle' },
  waiting: { word: 'queued', tone: 'idle' },
  running: { word: 'running', tone: 'run' },
  retrying: { word: 'retrying', tone: 'warn' },
  succeeded: { word: 'succeeded', tone: 'ok' },
  success: { word: 'succeeded', tone: 'ok' },
  failed: { word: 'failed', tone: 'error' },
  error: { word: 'failed', tone: 'error' },
  cancelled: { word: 'cancelled', tone: 'idle' },
  active: { word: 'active', tone: 'ok' },
  enabled: { word: 'enabled', tone: 'ok' },
  disabled: { word: 'disabled', tone: 'idle' },
  expired: { word: 'expired', tone: 'warn' },
  cooling: { word: 'cooling', tone: 'warn' },
  auto_disabled: { word: 'autoDisabled', tone: 'error' },
};

/** A state as shape, word and colour. Values it does not know are shown as they are. */
export function Status({ value }: { value: string | undefined }) {
  const { t } = useTranslation();
  if (!value) return null;
  const entry = known[value.toLowerCase()];
  return (
    <Badge tone={entry?.tone ?? 'idle'} title={value}>
      {entry ? t(`status.${entry.word}`) : value}
    </Badge>
  );
}

interface BadgeProps {
  tone: Tone;
  title?: string;
  children: React.ReactNode;
}

/** Shape, word and colour, for states outside the common vocabulary. */
export function Badge({ tone, title, children }: BadgeProps) {
  return (
    <span className={styles.badge} data-tone={tone} title={title}>
      <Shape tone={tone} />
      {children}
    </span>
  );
}

/** The shape of a tone: circle, triangle, cross, half circle, ring. */
export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg className={styles.shape} data-tone={tone} viewBox="0 0 10 10" aria-hidden="true">
      {shapes[tone]}
    </svg>
  );
}

const shapes: Record<Tone, React.ReactNode> = {
  ok: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  warn: <path d="M5 .8 9.6 9.2H.4Z" fill="currentColor" />,
  error: <path d="M1.5 1.5l7 7m0-7l-7 7" stroke="currentColor" strokeWidth="2" />,
  run: (
    <>
      <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M5 1.4a3.6 3.6 0 0 1 0 7.2Z" fill="currentColor" />
    </>
  ),
  idle: <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" strokeWidth="1.6" />,
};
