import { useTranslation } from 'react-i18next';
import { chargeText, totalMs } from '@/api/task';
import type { Task } from '@/api/types';
import { Figure } from '@/components/Figure';
import { Id } from '@/components/Id';
import { Missing } from '@/components/Missing';
import { Money } from '@/components/Money';
import { Time } from '@/components/Time';
import { duration } from '@/lib/time';
import styles from './Inspector.module.css';

/** The figures of a request in one row, and its error where there is one. */
export function Headline({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const figures: [string, React.ReactNode][] = [
    [t('column.platform'), task.platformName ?? <Missing />],
    [t('figure.total'), duration(totalMs(task)) ?? <Missing />],
    [t('figure.ttft'), duration(task.ttftMs) ?? <Missing />],
    [t('figure.input'), <Figure key="in" value={task.inputTokens} />],
    [t('figure.output'), <Figure key="out" value={task.outputTokens} />],
    [t('column.charge'), <Money key="charge" text={chargeText(task)} currency={task.currency} />],
    [t('column.key'), task.apiKeyName || task.apiKeyPrefix || <Missing key="key" />],
  ];
  return (
    <>
      <dl className={styles.headline}>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className={styles.ids}>
        <span>
          {t('inspector.taskId')} <Id value={task.id ?? ''} label={t('inspector.taskId')} whole />
        </span>
        {task.requestId && (
          <span>
            {t('common:requestId')}{' '}
            <Id value={task.requestId} label={t('common:requestId')} whole />
          </span>
        )}
        <span>
          <Time at={task.createdAt} /> · <Time at={task.createdAt} absolute />
        </span>
      </p>
      {(task.errorCode || task.errorMessage) && (
        <div className={styles.error} role="note">
          <code>{task.errorCode}</code> {task.errorMessage}
        </div>
      )}
    </>
  );
}
