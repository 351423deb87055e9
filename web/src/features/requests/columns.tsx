import { useMemo } from 'react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { chargeText, totalMs } from '@/api/task';
import type { Task } from '@/api/types';
import { Figure } from '@/components/Figure';
import { Missing } from '@/components/Missing';
import { Money } from '@/components/Money';
import { SimTag } from '@/components/SimTag';
import { Stacked } from '@/components/Stacked';
import { Status } from '@/components/Status';
import type { Column } from '@/components/table/columns';
import { Time } from '@/components/Time';
import { duration } from '@/lib/time';
import styles from './Requests.module.css';

/** Columns of the list of requests. */
export function useRequestColumns(): Column<Task>[] {
  const { t } = useTranslation('requests');
  return useMemo(
    () => [
      {
        id: 'time',
        header: t('common:column.time'),
        fixed: true,
        cell: (task) => (
          <Link to="/requests/$id" params={{ id: task.id ?? '' }} className={styles.time}>
            <Time at={task.createdAt} />
          </Link>
        ),
      },
      {
        id: 'status',
        header: t('common:column.status'),
        cell: (task) => <Status value={task.status} />,
      },
      { id: 'kind', header: t('column.kind'), cell: (task) => <Kind value={task.modelType} /> },
      {
        id: 'model',
        header: t('column.model'),
        grow: true,
        cell: (task) => <Models task={task} />,
      },
      {
        id: 'platform',
        header: t('column.platformKey'),
        cell: (task) => (
          <Stacked
            main={task.platformName ?? <Missing />}
            sub={task.apiKeyName || task.apiKeyPrefix}
          />
        ),
      },
      {
        id: 'attempts',
        header: t('column.attempts'),
        align: 'right',
        cell: (task) => <Attempts count={task.attemptCount} />,
      },
      {
        id: 'latency',
        header: t('column.latency'),
        align: 'right',
        cell: (task) => (
          <>
            {duration(task.ttftMs) ?? <Missing />}
            <span className={styles.slash}>/</span>
            {duration(totalMs(task)) ?? <Missing />}
          </>
        ),
      },
      {
        id: 'tokens',
        header: t('column.tokens'),
        align: 'right',
        cell: (task) => (
          <>
            <Figure value={task.inputTokens} />
            <span className={styles.slash}>/</span>
            <Figure value={task.outputTokens} />
          </>
        ),
      },
      {
        id: 'charge',
        header: t('column.charge'),
        align: 'right',
        cell: (task) => <Money text={chargeText(task)} currency={task.currency} aligned />,
      },
    ],
    [t],
  );
}

function Sub({ other, errorCode }: { other?: string; errorCode?: string }) {
  return (
    <>
      {errorCode && <code className={styles.error}>{errorCode}</code>} {other}
    </>
  );
}

/** What was asked and, when another answered, what served. */
export function Models({ task }: { task: Task }) {
  const asked = task.requestedModel || task.model || '';
  const served = task.resolvedModel;
  const other = served && served !== asked ? `→ ${served}` : undefined;
  return (
    <span title={[asked, other, task.errorMessage].filter(Boolean).join(' ')}>
      <Stacked
        main={
          <>
            <span className={styles.asked}>{asked}</span> {task.simulated && <SimTag />}
          </>
        }
        sub={(other || task.errorCode) && <Sub other={other} errorCode={task.errorCode} />}
      />
    </span>
  );
}

function Kind({ value }: { value: string | undefined }) {
  const { t } = useTranslation('requests');
  if (!value) return <Missing />;
  return <span title={value}>{t(`kind.${value}`, { defaultValue: value })}</span>;
}

function Attempts({ count }: { count: number | undefined }) {
  if (count === undefined) return <Missing />;
  return (
    <span data-retried={count > 1 || undefined} className={styles.attempts}>
      {count}
    </span>
  );
}
