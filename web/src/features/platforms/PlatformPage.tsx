import { useMemo, useState } from 'react';
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Platform, PlatformModel } from '@/api/types';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { EmptyState } from '@/components/EmptyState';
import { Facts } from '@/components/Facts';
import { Id } from '@/components/Id';
import { Missing } from '@/components/Missing';
import { Card, Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SimTag } from '@/components/SimTag';
import { Status } from '@/components/Status';
import type { Column } from '@/components/table/columns';
import { DataTable } from '@/components/table/DataTable';
import { Time } from '@/components/Time';
import { Cooldown } from './Cooldown';
import { EditPlatformDialog } from './EditPlatformDialog';
import { PlatformStatus } from './PlatformStatus';
import {
  deletePlatform,
  isSimulated,
  platformModelsQuery,
  platformsQuery,
  updatePlatform,
} from './queries';
import styles from './Platforms.module.css';

const route = getRouteApi('/app/ops/platforms/$id');

/** One upstream with its models. */
export function PlatformPage() {
  const { t } = useTranslation('platforms');
  const { id } = route.useParams();
  const platforms = useQuery(platformsQuery);
  const platform = platforms.data?.find((candidate) => candidate.id === id);
  return (
    <Page
      title={platform?.name ?? t('title')}
      badge={platform && <Badges platform={platform} />}
      crumbs={<Link to="/ops/platforms">{t('title')}</Link>}
      actions={platform && <Actions platform={platform} />}
    >
      {platforms.error && (
        <ProblemBanner error={platforms.error} onRetry={() => void platforms.refetch()} />
      )}
      {platforms.data && !platform && <EmptyState title={t('notFound')} hint={id} />}
      {platform && <Details platform={platform} />}
      {platform && <Models platform={platform} />}
    </Page>
  );
}

function Badges({ platform }: { platform: Platform }) {
  return (
    <>
      <PlatformStatus platform={platform} />
      {isSimulated(platform) && <SimTag />}
    </>
  );
}

function Details({ platform }: { platform: Platform }) {
  const { t } = useTranslation('platforms');
  return (
    <Card simulated={isSimulated(platform)}>
      <div className={styles.details}>
        <Facts
          rows={[
            [t('column.provider'), platform.provider],
            [t('column.baseUrl'), platform.baseUrl || <Missing />],
            [t('authType'), platform.authType || <Missing />],
            [t('credentials'), <Preview key="preview" preview={platform.credentialsPreview} />],
          ]}
        />
        <Facts
          rows={[
            [t('column.priority'), platform.effectivePriority ?? platform.priority],
            [t('column.discount'), platform.defaultDiscountFactor],
            [t('pricingMode'), platform.defaultPricingMode || <Missing />],
            [t('cooldown'), <Cooldown key="cooldown" until={platform.cooldownUntil} />],
            [t('column.updated'), <Time key="updated" at={platform.updatedAt} />],
            ['ID', <Id key="id" value={platform.id ?? ''} label="ID" />],
          ]}
        />
      </div>
    </Card>
  );
}

/** Secrets are write-only; what is shown is what the server masked. */
function Preview({ preview }: { preview: Platform['credentialsPreview'] }) {
  const entries = Object.entries(preview ?? {});
  if (entries.length === 0) return <Missing />;
  return (
    <>
      {entries.map(([name, value]) => (
        <div key={name}>
          {name} <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
        </div>
      ))}
    </>
  );
}

function Actions({ platform }: { platform: Platform }) {
  const { t } = useTranslation('platforms');
  const client = useQueryClient();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete'>();
  const enabled = platform.status === 'enabled';
  const toggle = useMutation({
    mutationFn: () => updatePlatform(platform, { status: enabled ? 'disabled' : 'enabled' }),
    onSuccess: () => client.invalidateQueries({ queryKey: platformsQuery.queryKey }),
  });
  const close = () => setDialog(undefined);
  return (
    <>
      <Button variant="default" onClick={() => toggle.mutate()} loading={toggle.isPending}>
        {t(enabled ? 'disable' : 'enable')}
      </Button>
      <Button variant="default" onClick={() => setDialog('edit')}>
        {t('edit.open')}
      </Button>
      <Button variant="outline" color="red" onClick={() => setDialog('delete')}>
        {t('delete.open')}
      </Button>
      <EditPlatformDialog platform={platform} opened={dialog === 'edit'} onClose={close} />
      <ConfirmDialog
        opened={dialog === 'delete'}
        onClose={close}
        title={t('delete.title', { name: platform.name })}
        consequence={t('delete.consequence')}
        action={t('delete.action')}
        typeToConfirm={platform.name ?? ''}
        onConfirm={async () => {
          await deletePlatform(platform.id!);
          await client.invalidateQueries({ queryKey: platformsQuery.queryKey });
          await navigate({ to: '/ops/platforms' });
        }}
      />
    </>
  );
}

function Models({ platform }: { platform: Platform }) {
  const { t } = useTranslation('platforms');
  const models = useQuery(platformModelsQuery);
  const columns = useMemo(() => modelColumns(t), [t]);
  const own = useMemo(
    () => models.data?.filter((model) => model.platformId === platform.id),
    [models.data, platform.id],
  );
  return (
    <>
      <h2>{t('models.title')}</h2>
      <DataTable
        caption={t('models.title')}
        columns={columns}
        rows={own}
        rowId={(model) => model.id ?? ''}
        error={models.error}
        onRetry={() => void models.refetch()}
        empty={<EmptyState title={t('models.empty')} />}
      />
    </>
  );
}

function modelColumns(t: TFunction<'platforms'>): Column<PlatformModel>[] {
  return [
    {
      id: 'alias',
      header: t('models.alias'),
      cell: (model) => (
        <Id value={model.modelAlias || model.modelName || ''} label={t('models.alias')} whole />
      ),
    },
    {
      id: 'provider',
      header: t('models.providerName'),
      grow: true,
      cell: (model) => <code>{model.providerModelName || model.modelName}</code>,
    },
    { id: 'types', header: t('models.types'), cell: (model) => model.modelType?.join(' · ') },
    {
      id: 'status',
      header: t('common:column.status'),
      cell: (model) => <Status value={model.enabled ? 'enabled' : 'disabled'} />,
    },
    {
      id: 'discount',
      header: t('column.discount'),
      align: 'right',
      cell: ({ discountFactor }) =>
        discountFactor === undefined ? <Missing /> : `× ${discountFactor}`,
    },
    {
      id: 'cooldown',
      header: t('cooldown'),
      cell: (model) => <Cooldown until={model.cooldownUntil} />,
    },
  ];
}
