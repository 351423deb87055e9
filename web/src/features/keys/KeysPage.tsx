import { useMemo, useState } from 'react';
import { Button, Menu, ActionIcon } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ApiKey } from '@/api/types';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';
import { Status } from '@/components/Status';
import type { Column } from '@/components/table/columns';
import { DataTable } from '@/components/table/DataTable';
import { Time } from '@/components/Time';
import { useNow } from '@/components/useNow';
import { CreateKeyDialog } from './CreateKeyDialog';
import { deleteKey, disableKey, isInUse, keysQuery, keyState } from './queries';
import styles from './Keys.module.css';

/** Who may call what: the keys of the caller. */
export function KeysPage() {
  const { t } = useTranslation('keys');
  const keys = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<ApiKey>();
  const navigate = useNavigate();
  const columns = useMemo(
    () => keyColumns(t, (key) => <KeyMenu apiKey={key} onDelete={() => setDeleting(key)} />),
    [t],
  );
  const create = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      {t('create.open')}
    </Button>
  );
  return (
    <Page title={t('title')} subtitle={t('subtitle')} actions={create}>
      <DataTable
        caption={t('title')}
        columns={columns}
        rows={keys.data}
        rowId={(key) => key.id ?? ''}
        error={keys.error}
        onRetry={() => void keys.refetch()}
        empty={
          <EmptyState title={t('empty.title')} hint={t('empty.hint')}>
            {create}
          </EmptyState>
        }
        onOpen={(key) => void navigate({ to: '/requests', search: { key: key.id } })}
      />
      <CreateKeyDialog opened={creating} onClose={() => setCreating(false)} />
      <DeleteDialog apiKey={deleting} onClose={() => setDeleting(undefined)} />
    </Page>
  );
}

function keyColumns(
  t: TFunction<'keys'>,
  menu: (key: ApiKey) => React.ReactNode,
): Column<ApiKey>[] {
  return [
    {
      id: 'name',
      header: t('column.name'),
      cell: (key) => <strong className={styles.name}>{key.name}</strong>,
    },
    { id: 'prefix', header: t('column.prefix'), cell: (key) => <code>{key.keyPrefix}…</code> },
    {
      id: 'status',
      header: t('column.status'),
      cell: (key) => <KeyStatus apiKey={key} />,
    },
    {
      id: 'scopes',
      header: t('column.scopes'),
      grow: true,
      cell: (key) => <Scopes scopes={key.scopes} />,
    },
    {
      id: 'expires',
      header: t('column.expires'),
      cell: (key) => (key.expiresAt ? <Time at={key.expiresAt} /> : t('never')),
    },
    {
      id: 'used',
      header: t('column.lastUsed'),
      cell: (key) => (key.lastUsedAt ? <Time at={key.lastUsedAt} /> : t('neverUsed')),
    },
    { id: 'created', header: t('column.created'), cell: (key) => <Time at={key.createdAt} /> },
    { id: 'menu', header: '', align: 'right', width: '48px', cell: menu },
  ];
}

function KeyStatus({ apiKey }: { apiKey: ApiKey }) {
  return <Status value={keyState(apiKey, useNow())} />;
}

function Scopes({ scopes }: { scopes: string[] | undefined }) {
  const { t } = useTranslation('keys');
  if (!scopes?.length || scopes.includes('*')) return <span>{t('scope.all')}</span>;
  return (
    <span className={styles.scopes}>
      {scopes.map((scope) => (
        <code key={scope}>{scope}</code>
      ))}
    </span>
  );
}

function KeyMenu({ apiKey, onDelete }: { apiKey: ApiKey; onDelete: () => void }) {
  const { t } = useTranslation('keys');
  const client = useQueryClient();
  const disable = useMutation({
    mutationFn: () => disableKey(apiKey.id!),
    onSuccess: () => client.invalidateQueries({ queryKey: keysQuery.queryKey }),
  });
  return (
    <Menu position="bottom-end" width={160}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={t('actionsOf', { name: apiKey.name })}
          loading={disable.isPending}
        >
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item disabled={apiKey.status !== 'active'} onClick={() => disable.mutate()}>
          {t('disable')}
        </Menu.Item>
        <Menu.Item color="red" onClick={onDelete}>
          {t('delete.open')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

interface DeleteDialogProps {
  apiKey: ApiKey | undefined;
  onClose: () => void;
}

function DeleteDialog({ apiKey, onClose }: DeleteDialogProps) {
  const { t } = useTranslation('keys');
  const client = useQueryClient();
  const now = useNow();
  const inUse = apiKey !== undefined && isInUse(apiKey, now);
  return (
    <ConfirmDialog
      opened={apiKey !== undefined}
      onClose={onClose}
      title={t('delete.title', { name: apiKey?.name })}
      consequence={inUse ? t('delete.inUse') : t('delete.unused')}
      action={t('delete.action')}
      typeToConfirm={inUse ? apiKey.name : undefined}
      onConfirm={async () => {
        await deleteKey(apiKey!.id!);
        await client.invalidateQueries({ queryKey: keysQuery.queryKey });
      }}
    />
  );
}
