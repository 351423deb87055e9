import { useEffect, useMemo } from 'react';
import { Button, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Task } from '@/api/types';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';
import { ColumnChooser } from '@/components/table/ColumnChooser';
import { DataTable } from '@/components/table/DataTable';
import { ChoiceFilter, Filters, RangeFilter, SearchFilter } from '@/components/table/Filters';
import { Pager } from '@/components/table/Pager';
import { isFiltered, withoutFilters } from '@/lib/search';
import { useRequestColumns } from './columns';
import { rememberList } from './neighbours';
import { defaultPageSize, requestsQuery } from './queries';
import { statuses, type requestsSearch } from './search';

const route = getRouteApi('/app/requests');
type Search = ReturnType<typeof requestsSearch>;

const kinds = ['chat', 'responses', 'embedding', 'image', 'video', 'audio'];

/** Every call the caller made: served, failed, retried and simulated alike. */
export function RequestsPage() {
  const { t } = useTranslation('requests');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = useNavigate();
  const list = useQuery(requestsQuery(search));
  const columns = useRequestColumns();
  const ids = useMemo(() => list.data?.items.map((task) => task.id ?? ''), [list.data]);
  useEffect(() => ids && rememberList(ids), [ids]);
  const set = (part: Partial<Search>) =>
    void navigate({ search: (old) => ({ ...old, page: undefined, ...part }), replace: true });
  const clear = () => void navigate({ search: withoutFilters(search) });
  const filtered = isFiltered(search);
  return (
    <Page title={t('title')} subtitle={t('subtitle')}>
      <Filters onClear={filtered ? clear : undefined}>
        <SearchFilter
          value={search.q}
          onChange={(q) => set({ q })}
          placeholder={t('filter.search')}
        />
        <ChoiceFilter
          label={t('common:column.status')}
          value={search.status}
          onChange={(status) => set({ status })}
          data={statuses.map((value) => ({ value, label: t(`common:status.${value}`) }))}
        />
        <ChoiceFilter
          label={t('column.kind')}
          value={search.kind}
          onChange={(kind) => set({ kind })}
          data={kinds.map((value) => ({ value, label: t(`kind.${value}`) }))}
        />
        <RangeFilter value={search.from} onChange={(from) => set({ from })} />
        <Switch
          label={t('filter.simulated')}
          checked={search.sim ?? false}
          onChange={(event) => set({ sim: event.currentTarget.checked || undefined })}
        />
        <ColumnChooser columns={columns} cols={search.cols} onCols={(cols) => set({ cols })} />
      </Filters>
      <DataTable<Task>
        caption={t('title')}
        columns={columns}
        cols={search.cols}
        rows={list.data?.items}
        rowId={(task) => task.id ?? ''}
        simulated={(task) => task.simulated ?? false}
        onOpen={(task) => void go({ to: '/requests/$id', params: { id: task.id ?? '' } })}
        error={list.error}
        onRetry={() => void list.refetch()}
        refreshing={list.isPlaceholderData}
        empty={filtered ? <NoMatch onClear={clear} /> : <NoRequests />}
      />
      <Pager
        page={list.data}
        pageSize={search.pageSize ?? defaultPageSize}
        onPage={(page) => set({ page })}
        onPageSize={(pageSize) => set({ pageSize })}
      />
    </Page>
  );
}

function NoMatch({ onClear }: { onClear: () => void }) {
  const { t } = useTranslation('requests');
  return (
    <EmptyState title={t('noMatch')}>
      <Button variant="default" onClick={onClear}>
        {t('common:table.clearFilters')}
      </Button>
    </EmptyState>
  );
}

function NoRequests() {
  const { t } = useTranslation('requests');
  return (
    <EmptyState title={t('empty.title')} hint={t('empty.hint')}>
      <Button component={Link} to="/play/chat">
        {t('empty.action')}
      </Button>
    </EmptyState>
  );
}
