import { useMemo } from 'react';
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { gateway, unwrap } from '@/api/client';
import { pageFrom } from '@/api/page';
import { walletQuery } from '@/api/queries';
import type { WalletTransaction } from '@/api/types';
import { EmptyState } from '@/components/EmptyState';
import { Money } from '@/components/Money';
import { Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SimTag } from '@/components/SimTag';
import type { Column } from '@/components/table/columns';
import { DataTable } from '@/components/table/DataTable';
import { ChoiceFilter, Filters, RangeFilter, SearchFilter } from '@/components/table/Filters';
import { Pager } from '@/components/table/Pager';
import { Time } from '@/components/Time';
import { SIM } from '@/lib/money';
import { isFiltered, withoutFilters } from '@/lib/search';
import { resolveInstant } from '@/lib/time';
import { AccountCard } from './AccountCard';
import type { walletSearch } from './search';
import styles from './Wallet.module.css';

const route = getRouteApi('/app/wallet');
type Search = ReturnType<typeof walletSearch>;

function transactionsQuery(search: Search) {
  return queryOptions({
    queryKey: ['wallet-transactions', search],
    queryFn: async ({ signal }) => {
      const { q, direction, type, from, page = 1, pageSize = 50 } = search;
      const createdFrom = resolveInstant(from, Date.now());
      const query = { q, direction, transactionType: type, createdFrom, page, pageSize };
      const call = gateway.GET('/api/workspace/wallet/transactions', { params: { query }, signal });
      return pageFrom<WalletTransaction>(await unwrap(call));
    },
    placeholderData: keepPreviousData,
  });
}

/** What one has, per currency, and every entry that made it so. */
export function WalletPage() {
  const { t } = useTranslation('wallet');
  const accounts = useQuery(walletQuery);
  return (
    <Page title={t('title')} subtitle={t('subtitle')}>
      {accounts.error && (
        <ProblemBanner error={accounts.error} onRetry={() => void accounts.refetch()} />
      )}
      <div className={styles.accounts}>
        {accounts.data?.map((account) => (
          <AccountCard key={account.currency} account={account} />
        ))}
        {accounts.isPending && <div className={styles.bone} />}
      </div>
      <h2>{t('ledger')}</h2>
      <Transactions />
    </Page>
  );
}

function Transactions() {
  const { t } = useTranslation('wallet');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery(transactionsQuery(search));
  const columns = useMemo(() => transactionColumns(t), [t]);
  const set = (part: Partial<Search>) =>
    void navigate({ search: (old) => ({ ...old, page: undefined, ...part }), replace: true });
  const clear = () => void navigate({ search: withoutFilters(search) });
  return (
    <>
      <Filters onClear={isFiltered(search) ? clear : undefined}>
        <SearchFilter
          value={search.q}
          onChange={(q) => set({ q })}
          placeholder={t('filter.search')}
        />
        <ChoiceFilter
          label={t('column.direction')}
          value={search.direction}
          onChange={(direction) => set({ direction: direction as Search['direction'] })}
          data={(['credit', 'debit'] as const).map((value) => ({
            value,
            label: t(`direction.${value}`),
          }))}
        />
        <ChoiceFilter
          label={t('column.type')}
          value={search.type}
          onChange={(type) => set({ type })}
          data={types.map((value) => ({ value, label: t(`type.${value}`) }))}
        />
        <RangeFilter value={search.from} onChange={(from) => set({ from })} />
      </Filters>
      <DataTable
        caption={t('ledger')}
        columns={columns}
        rows={list.data?.items}
        rowId={(row) => row.id ?? ''}
        simulated={(row) => row.currency === SIM}
        error={list.error}
        onRetry={() => void list.refetch()}
        refreshing={list.isPlaceholderData}
        empty={<EmptyState title={t('empty.title')} hint={t('empty.hint')} />}
      />
      <Pager
        page={list.data}
        pageSize={search.pageSize ?? 50}
        onPage={(page) => set({ page })}
        onPageSize={(pageSize) => set({ pageSize })}
      />
    </>
  );
}

const types = ['capture', 'overrun', 'refund', 'recharge', 'grant', 'adjustment'];

function transactionColumns(t: TFunction<'wallet'>): Column<WalletTransaction>[] {
  const money = (row: WalletTransaction, text: string | undefined) => (
    <Money text={text} currency={row.currency} aligned />
  );
  return [
    { id: 'time', header: t('common:column.time'), cell: (row) => <Time at={row.createdAt} /> },
    {
      id: 'type',
      header: t('column.type'),
      cell: (row) => <TypeCell row={row} />,
    },
    {
      id: 'reference',
      header: t('column.reference'),
      grow: true,
      cell: (row) => <Reference row={row} />,
    },
    {
      id: 'amount',
      header: t('column.amount'),
      align: 'right',
      cell: (row) => <Signed row={row} />,
    },
    {
      id: 'before',
      header: t('column.before'),
      align: 'right',
      cell: (row) => money(row, row.balanceBeforeText),
    },
    {
      id: 'after',
      header: t('column.after'),
      align: 'right',
      cell: (row) => money(row, row.balanceAfterText),
    },
  ];
}

function TypeCell({ row }: { row: WalletTransaction }) {
  const { t } = useTranslation('wallet');
  const type = row.transactionType ?? '';
  return (
    <span className={styles.type}>
      <span title={type}>{types.includes(type) ? t(`type.${type}`) : type}</span>
      {row.currency === SIM && <SimTag />}
    </span>
  );
}

/** The amount with the sign that its direction gives it. */
function Signed({ row }: { row: WalletTransaction }) {
  const debit = row.direction === 'debit';
  const text = debit && row.amountText ? `-${row.amountText}` : row.amountText;
  return (
    <span data-direction={row.direction} className={styles.amount}>
      <Money text={text} currency={row.currency} aligned signed={!debit} />
    </span>
  );
}

function Reference({ row }: { row: WalletTransaction }) {
  const { t } = useTranslation('wallet');
  const { referenceType, referenceId } = row;
  if (!referenceId || referenceType !== 'task')
    return <span className={styles.quiet}>{row.reason}</span>;
  return (
    <Link to="/requests/$id" params={{ id: referenceId }} search={{ tab: 'ledger' }}>
      {t('request')} <code>{referenceId.slice(-8)}</code>
    </Link>
  );
}
