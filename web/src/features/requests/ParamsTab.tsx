import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { PreprocessingChange, PreprocessingLog, Task } from '@/api/types';
import { ProblemBanner } from '@/components/ProblemBanner';
import { Scroll } from '@/components/Scroll';
import { preprocessingQuery } from './queries';
import styles from './Inspector.module.css';

/** What was changed between the caller's input and what was sent, and by which rule. */
export function ParamsTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const logs = useQuery(preprocessingQuery(task.id ?? ''));
  if (logs.error) return <ProblemBanner error={logs.error} onRetry={() => void logs.refetch()} />;
  if (!logs.data) return null;
  const changed = logs.data.filter((log) => log.changes?.length);
  if (changed.length === 0) return <p className={styles.quiet}>{t('params.unchanged')}</p>;
  return (
    <Scroll>
      {changed.map((log) => (
        <Changes key={log.attemptId ?? log.attemptNo} log={log} />
      ))}
    </Scroll>
  );
}

function Changes({ log }: { log: PreprocessingLog }) {
  const { t } = useTranslation('requests');
  return (
    <table className={styles.table}>
      <caption>{t('params.attempt', { number: log.attemptNo })}</caption>
      <thead>
        <tr>
          <th>{t('params.field')}</th>
          <th>{t('params.before')}</th>
          <th>{t('params.after')}</th>
          <th>{t('params.rule')}</th>
          <th>{t('params.reason')}</th>
        </tr>
      </thead>
      <tbody>
        {log.changes?.map((change) => (
          <Change key={change.path} change={change} />
        ))}
      </tbody>
    </table>
  );
}

function Change({ change }: { change: PreprocessingChange }) {
  const { t } = useTranslation('requests');
  return (
    <tr>
      <td>
        <code>{change.path}</code>
      </td>
      <td>
        <Value value={change.before} absent={t('params.absent')} className={styles.before} />
      </td>
      <td>
        <Value value={change.after} absent={t('params.removed')} className={styles.after} />
      </td>
      <td>
        <code>{change.rule}</code>
      </td>
      <td>{change.reason}</td>
    </tr>
  );
}

interface ValueProps {
  value: unknown;
  absent: string;
  className?: string;
}

function Value({ value, absent, className }: ValueProps) {
  if (value === undefined) return <span className={styles.quiet}>{absent}</span>;
  return <code className={className}>{JSON.stringify(value)}</code>;
}
