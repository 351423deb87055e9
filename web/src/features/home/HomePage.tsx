import { Button } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { gateway, unwrap } from '@/api/client';
import { pageFrom } from '@/api/page';
import { capabilitiesQuery, walletQuery } from '@/api/queries';
import { chargeText, totalMs } from '@/api/task';
import type { Task } from '@/api/types';
import { EmptyState } from '@/components/EmptyState';
import { Money } from '@/components/Money';
import { Card, Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SimTag } from '@/components/SimTag';
import { Status } from '@/components/Status';
import { Time } from '@/components/Time';
import { SIM } from '@/lib/money';
import { duration } from '@/lib/time';
import { Missing } from '@/components/Missing';
import { Checklist } from './Checklist';
import styles from './Home.module.css';

const recentQuery = queryOptions({
  queryKey: ['requests', 'recent'],
  queryFn: async ({ signal }) => {
    const query = { page: 1, pageSize: 8 };
    return pageFrom<Task>(
      await unwrap(gateway.GET('/api/workspace/tasks', { params: { query }, signal })),
    );
  },
});

/** Is my integration healthy, and what do I have? */
export function HomePage() {
  const { t } = useTranslation('home');
  const { data: capabilities } = useQuery(capabilitiesQuery);
  const name = capabilities?.user.displayName || capabilities?.user.username;
  const recent = useQuery(recentQuery);
  return (
    <Page
      title={name ? t('titleFor', { name }) : t('title')}
      actions={
        <Button component={Link} to="/play/chat">
          {t('continue')}
        </Button>
      }
    >
      <Balances />
      <div className={styles.columns}>
        <Card
          flush
          title={t('recent.title')}
          actions={<Link to="/requests">{t('recent.all')}</Link>}
        >
          {recent.error && (
            <ProblemBanner error={recent.error} onRetry={() => void recent.refetch()} />
          )}
          {recent.data?.items.length === 0 && (
            <EmptyState title={t('recent.empty')} hint={t('recent.emptyHint')} />
          )}
          <ul className={styles.calls}>
            {recent.data?.items.map((task) => (
              <Call key={task.id} task={task} />
            ))}
          </ul>
        </Card>
        <Checklist firstTask={recent.data?.items[0]} />
      </div>
    </Page>
  );
}

function Balances() {
  const { t } = useTranslation('home');
  const wallet = useQuery(walletQuery);
  if (wallet.error) {
    return <ProblemBanner error={wallet.error} onRetry={() => void wallet.refetch()} />;
  }
  return (
    <div className={styles.balances}>
      {wallet.data?.map((account) => (
        <Link
          key={account.currency}
          to="/wallet"
          className={styles.balance}
          data-sim={account.currency === SIM || undefined}
        >
          <span className={styles.label}>
            {t('balance')} {account.currency === SIM && <SimTag />}
          </span>
          <span className={styles.figure}>
            <Money text={account.balanceText} currency={account.currency} kind="balance" />
          </span>
          <span className={styles.label}>
            {t('frozen')}{' '}
            <Money
              text={account.frozenBalanceText}
              currency={account.currency}
              kind="balance"
              bare
            />
            {' · '}
            {t('spent')}{' '}
            <Money text={account.totalSpentText} currency={account.currency} kind="balance" bare />
          </span>
        </Link>
      ))}
    </div>
  );
}

function Call({ task }: { task: Task }) {
  return (
    <li>
      <Link to="/requests/$id" params={{ id: task.id ?? '' }} className={styles.call}>
        <Status value={task.status} />
        <span className={styles.model}>
          {task.requestedModel || task.model} {task.simulated && <SimTag />}
        </span>
        <span className={styles.figures}>{duration(totalMs(task)) ?? <Missing />}</span>
        <span className={styles.figures}>
          <Money text={chargeText(task)} currency={task.currency} aligned />
        </span>
        <span className={styles.when}>
          <Time at={task.createdAt} />
        </span>
      </Link>
    </li>
  );
}
