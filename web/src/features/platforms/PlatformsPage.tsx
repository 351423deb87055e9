import { useMemo, useState } from 'react';
import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Platform, PlatformModel } from '@/api/types';
import { Dialog } from '@/components/Dialog';
import { ConnectPlatform } from '@/components/connect/ConnectPlatform';
import { EmptyState } from '@/components/EmptyState';
import { Missing } from '@/components/Missing';
import { Page } from '@/components/Page';
import { SimTag } from '@/components/SimTag';
import type { Column } from '@/components/table/columns';
import { DataTable } from '@/components/table/DataTable';
import { Filters, SearchFilter } from '@/components/table/Filters';
import { Time } from '@/components/Time';
import { isSimulated, platformModelsQuery, platformsQuery } from './queries';
import { PlatformStatus } from './PlatformStatus';
import styles from './Platforms.module.css';

const route = getRouteApi('/app/ops/platforms');

/** The upstreams: which there are, and whether they work. */
export function PlatformsPage() {
  const { t } = useTranslation('platforms');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const go = useNavigate();
  const platforms = useQuery(platformsQuery);
  const models = useQuery(platformModelsQuery);
  const [connecting, setConnecting] = useState(false);
  const columns = useMemo(() => platformColumns(t, models.data), [t, models.data]);
  const rows = useMemo(() => matching(platforms.data, search.q), [platforms.data, search.q]);
  const connect = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setConnecting(true)}>
      {t('connect')}
    </Button>
  );
  const set = (part: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  return (
    <Page title={t('title')} subtitle={t('subtitle')} actions={connect}>
      <Filters onClear={search.q ? () => set({ q: undefined }) : undefined}>
        <SearchFilter value={search.q} onChange={(q) => set({ q })} placeholder={t('search')} />
      </Filters>
      <DataTable
        caption={t('title')}
        columns={columns}
        rows={rows}
        rowId={(platform) => platform.id ?? ''}
        simulated={isSimulated}
        onOpen={({ id = '' }) => void go({ to: '/ops/platforms/$id', params: { id } })}
        sort={search.sort}
        onSort={(sort) => set({ sort })}
        error={platforms.error}
        onRetry={() => void platforms.refetch()}
        empty={
          <EmptyState title={t('empty.title')} hint={t('empty.hint')}>
            {connect}
          </EmptyState>
        }
      />
      <Dialog
        opened={connecting}
        onClose={() => setConnecting(false)}
        title={t('connect')}
        size={960}
        closeOnClickOutside={false}
      >
        <ConnectPlatform />
      </Dialog>
    </Page>
  );
}

function matching(platforms: Platform[] | undefined, q: string | undefined) {
  if (!platforms || !q) return platforms;
  const wanted = q.toLowerCase();
  return platforms.filter(({ name, provider, baseUrl }) =>
    [name, provider, baseUrl].some((value) => value?.toLowerCase().includes(wanted)),
  );
}

function platformColumns(
  t: TFunction<'platforms'>,
  models: PlatformModel[] | undefined,
): Column<Platform>[] {
  return [
    {
      id: 'name',
      header: t('column.name'),
      sortBy: (platform) => platform.name ?? '',
      cell: (platform) => (
        <span className={styles.name}>
          <Link to="/ops/platforms/$id" params={{ id: platform.id ?? '' }}>
            {platform.name}
          </Link>
          {isSimulated(platform) && <SimTag />}
        </span>
      ),
    },
    {
      id: 'status',
      header: t('common:column.status'),
      cell: (platform) => <PlatformStatus platform={platform} />,
    },
    {
      id: 'provider',
      header: t('column.provider'),
      sortBy: (platform) => platform.provider ?? '',
      cell: (platform) => platform.provider,
    },
    {
      id: 'url',
      header: t('column.baseUrl'),
      grow: true,
      cell: (platform) => <span className={styles.quiet}>{platform.baseUrl || <Missing />}</span>,
    },
    {
      id: 'priority',
      header: t('column.priority'),
      align: 'right',
      sortBy: (platform) => platform.effectivePriority ?? platform.priority ?? 0,
      cell: (platform) => <Priority platform={platform} />,
    },
    {
      id: 'models',
      header: t('column.models'),
      align: 'right',
      cell: (platform) => <ModelsOn models={models} platform={platform} />,
    },
    {
      id: 'discount',
      header: t('column.discount'),
      align: 'right',
      cell: ({ defaultDiscountFactor }) =>
        defaultDiscountFactor === undefined ? <Missing /> : `× ${defaultDiscountFactor}`,
    },
    {
      id: 'updated',
      header: t('column.updated'),
      cell: (platform) => <Time at={platform.updatedAt} />,
    },
  ];
}

/** Effective priority; when it was moved at run time, the configured one beside it. */
function Priority({ platform }: { platform: Platform }) {
  const { t } = useTranslation('platforms');
  const { priority, effectivePriority = priority } = platform;
  if (effectivePriority === undefined) return <Missing />;
  if (effectivePriority === priority) return <>{effectivePriority}</>;
  return (
    <span title={t('demoted', { priority })} className={styles.demoted}>
      {effectivePriority} <s>{priority}</s>
    </span>
  );
}

function ModelsOn({
  models,
  platform,
}: {
  models: PlatformModel[] | undefined;
  platform: Platform;
}) {
  if (!models) return <Missing />;
  const own = models.filter((model) => model.platformId === platform.id);
  const on = own.filter((model) => model.enabled).length;
  return (
    <>
      {on}
      {on !== own.length && <span className={styles.quiet}> / {own.length}</span>}
    </>
  );
}
