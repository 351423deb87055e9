import { useMemo, useState } from 'react';
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { capabilitiesQuery } from '@/api/queries';
import type { User } from '@/api/types';
import { EmptyState } from '@/components/EmptyState';
import { Money } from '@/components/Money';
import { Page } from '@/components/Page';
import { Stacked } from '@/components/Stacked';
import { Status } from '@/components/Status';
import type { Column } from '@/components/table/columns';
import { DataTable } from '@/components/table/DataTable';
import { Filters, SearchFilter } from '@/components/table/Filters';
import { Time } from '@/components/Time';
import { AdjustWalletDialog } from './AdjustWalletDialog';
import { usersQuery } from './queries';
import styles from './People.module.css';

const route = getRouteApi('/app/ops/people/users');

/** Who there is, and what they have. */
export function UsersPage() {
  const { t } = useTranslation('people');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const users = useQuery(usersQuery);
  const { data: capabilities } = useQuery(capabilitiesQuery);
  const [adjusting, setAdjusting] = useState<User>();
  const mayAdjust = capabilities?.capabilities.includes('wallets.adjust') ?? false;
  const columns = useMemo(
    () => userColumns(t, mayAdjust ? setAdjusting : undefined),
    [t, mayAdjust],
  );
  const rows = useMemo(() => matching(users.data, search.q), [users.data, search.q]);
  const set = (part: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  return (
    <Page title={t('title')} subtitle={t('subtitle')}>
      <Filters onClear={search.q ? () => set({ q: undefined }) : undefined}>
        <SearchFilter value={search.q} onChange={(q) => set({ q })} placeholder={t('search')} />
      </Filters>
      <DataTable
        caption={t('title')}
        columns={columns}
        rows={rows}
        rowId={(user) => user.id ?? ''}
        sort={search.sort}
        onSort={(sort) => set({ sort })}
        error={users.error}
        onRetry={() => void users.refetch()}
        empty={<EmptyState title={t('empty')} />}
      />
      <AdjustWalletDialog user={adjusting} onClose={() => setAdjusting(undefined)} />
    </Page>
  );
}

function matching(users: User[] | undefined, q: string | undefined) {
  if (!users || !q) return users;
  const wanted = q.toLowerCase();
  return users.filter(({ username, displayName, email, id }) =>
    [username, displayName, email, id].some((value) => value?.toLowerCase().includes(wanted)),
  );
}

function userColumns(
  t: TFunction<'people'>,
  onAdjust: ((user: User) => void) | undefined,
): Column<User>[] {
  const columns: Column<User>[] = [
    {
      id: 'user',
      header: t('column.user'),
      sortBy: (user) => user.username ?? '',
      grow: true,
      cell: (user) => (
        <Stacked
          main={<strong className={styles.name}>{user.displayName || user.username}</strong>}
          sub={[user.username, user.email].filter(Boolean).join(' · ')}
        />
      ),
    },
    { id: 'roles', header: t('column.roles'), cell: (user) => user.roles?.join(' · ') },
    {
      id: 'status',
      header: t('common:column.status'),
      cell: (user) => <Status value={user.status} />,
    },
    {
      id: 'balances',
      header: t('column.balances'),
      align: 'right',
      cell: (user) => <Balances user={user} />,
    },
    {
      id: 'login',
      header: t('column.lastLogin'),
      sortBy: (user) => user.lastLoginAt ?? '',
      cell: (user) => (user.lastLoginAt ? <Time at={user.lastLoginAt} /> : t('neverIn')),
    },
    {
      id: 'created',
      header: t('column.created'),
      sortBy: (user) => user.createdAt ?? '',
      cell: (user) => <Time at={user.createdAt} />,
    },
  ];
  if (!onAdjust) return columns;
  return [
    ...columns,
    {
      id: 'adjust',
      header: '',
      align: 'right',
      cell: (user) => (
        <Button variant="default" size="xs" onClick={() => onAdjust(user)}>
          {t('adjust.open')}
        </Button>
      ),
    },
  ];
}

function Balances({ user }: { user: User }) {
  const { t } = useTranslation('people');
  if (!user.walletAccounts?.length) return <span className={styles.quiet}>{t('noAccount')}</span>;
  return (
    <span className={styles.balances}>
      {user.walletAccounts.map((account) => (
        <Money
          key={account.currency}
          text={account.balanceText}
          currency={account.currency}
          kind="balance"
        />
      ))}
    </span>
  );
}
