import { useTranslation } from 'react-i18next';
import { Answer } from '@/components/Answer';
import { CallFacts } from '@/components/CallFacts';
import { CopyButton } from '@/components/CopyButton';
import { ProblemBanner } from '@/components/ProblemBanner';
import type { Turn } from './useChat';
import styles from './Chat.module.css';

/** A question, its answer, and what the answer took. */
export function TurnView({ turn }: { turn: Turn }) {
  const { t } = useTranslation('play');
  const { result } = turn;
  return (
    <article className={styles.turn}>
      <div className={styles.question}>{turn.question}</div>
      {turn.reasoning && (
        <details className={styles.reasoning}>
          <summary>{t('reasoning')}</summary>
          <p>{turn.reasoning}</p>
        </details>
      )}
      <div className={styles.answer} data-streaming={!result || undefined}>
        <Answer text={turn.text} />
        {!result && !turn.text && <span className={styles.caret} aria-hidden="true" />}
      </div>
      {result?.end === 'stopped' && <p className={styles.stopped}>{t('stopped')}</p>}
      {result?.problem && <ProblemBanner error={result.problem} />}
      {result && (
        <div className={styles.foot}>
          <CallFacts result={result} estimate={turn.estimate} />
          {turn.text && <CopyButton value={turn.text} label={t('answerText')} />}
        </div>
      )}
    </article>
  );
}
