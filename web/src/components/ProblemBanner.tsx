import { useEffect, useState } from 'react';
import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { TFunction } from 'i18next';
import { asProblem, type Problem } from '@/api/problem';
import { Id } from './Id';
import styles from './ProblemBanner.module.css';

/** What went wrong, in the reader's language; the server's sentence when the code is unknown. */
export function problemText(problem: Problem, t: TFunction): string {
  return t(`errors.${problem.code}`, {
    ns: 'common',
    defaultValue: problem.message || t('errors.unknown', { ns: 'common' }),
  });
}

interface ProblemBannerProps {
  error: unknown;
  onRetry?: () => void;
}

/** An error with its sentence, code, request id and next step. */
export function ProblemBanner({ error, onRetry }: ProblemBannerProps) {
  const { t } = useTranslation();
  const problem = asProblem(error);
  const sentence = problemText(problem, t);
  return (
    <div className={styles.banner} role="alert">
      <IconAlertTriangle size={18} className={styles.icon} aria-hidden="true" />
      <div className={styles.body}>
        <p className={styles.sentence}>{sentence}</p>
        {problem.message && problem.message !== sentence && (
          <p className={styles.detail}>{problem.message}</p>
        )}
        <p className={styles.meta}>
          <code>{problem.code}</code>
          {problem.status > 0 && <span>HTTP {problem.status}</span>}
          {problem.requestId && <Id value={problem.requestId} label={t('requestId')} />}
        </p>
      </div>
      <NextStep problem={problem} onRetry={onRetry} />
    </div>
  );
}

function NextStep({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  const { t } = useTranslation();
  const wait = useCountdown(problem);
  if (problem.status === 402) return <Link to="/wallet">{t('openWallet')}</Link>;
  if (!onRetry) return null;
  return (
    <Button variant="default" size="xs" onClick={onRetry} disabled={wait > 0}>
      {wait > 0 ? t('retryIn', { seconds: wait }) : t('retry')}
    </Button>
  );
}

/** Seconds left of Retry-After. */
function useCountdown(problem: Problem): number {
  const [left, setLeft] = useState(problem.retryAfter ?? 0);
  useEffect(() => {
    const seconds = problem.retryAfter ?? 0;
    const end = Date.now() + seconds * 1000;
    const tick = () => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000)));
    tick();
    if (seconds === 0) return;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}
