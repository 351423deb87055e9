import { useState } from 'react';
import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { modelsQuery, playableKeysQuery } from '@/api/queries';
import { Dialog } from '@/components/Dialog';
import { CopyButton } from '@/components/CopyButton';
import { ProblemBanner } from '@/components/ProblemBanner';
import { Snippets } from '@/components/Snippets';
import { createKey, keysQuery } from './queries';
import styles from './Keys.module.css';

const scopes = [
  'chat',
  'responses',
  'embeddings',
  'images',
  'audio',
  'video',
  'realtime',
  'models',
  'tasks',
];
const lifetimes = ['never', '7', '30', '90', '365'];

interface CreateKeyDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Creates a key and shows its secret once, with a call that already carries it. */
export function CreateKeyDialog({ opened, onClose }: CreateKeyDialogProps) {
  const { t } = useTranslation('keys');
  const [created, setCreated] = useState<{ name: string; secret: string }>();
  const close = () => {
    setCreated(undefined);
    onClose();
  };
  return (
    <Dialog
      opened={opened}
      onClose={close}
      size={created ? 680 : 480}
      title={created ? t('created.title', { name: created.name }) : t('create.title')}
      closeOnClickOutside={!created}
    >
      {created ? (
        <Secret secret={created.secret} onDone={close} />
      ) : (
        <CreateForm onCreated={setCreated} onCancel={close} />
      )}
    </Dialog>
  );
}

interface CreateFormProps {
  onCreated: (key: { name: string; secret: string }) => void;
  onCancel: () => void;
}

function CreateForm({ onCreated, onCancel }: CreateFormProps) {
  const { t } = useTranslation('keys');
  const client = useQueryClient();
  const form = useForm({
    initialValues: { name: '', everything: true, scopes: ['chat', 'models'], days: 'never' },
    validate: {
      name: (value) => (value.trim() ? null : t('create.nameNeeded')),
      scopes: (value, { everything }) =>
        everything || value.length ? null : t('create.scopeNeeded'),
    },
    validateInputOnBlur: true,
  });
  const create = useMutation({
    mutationFn: (values: typeof form.values) =>
      createKey({
        name: values.name.trim(),
        scopes: values.everything ? ['*'] : values.scopes,
        ...(values.days !== 'never' && { expiresAt: inDays(Number(values.days)) }),
      }),
    onSuccess: (answer, { name }) => {
      void client.invalidateQueries({ queryKey: keysQuery.queryKey });
      void client.invalidateQueries({ queryKey: playableKeysQuery.queryKey });
      onCreated({ name, secret: answer.secret ?? '' });
    },
  });
  return (
    <form className={styles.form} onSubmit={form.onSubmit((values) => create.mutate(values))}>
      <TextInput
        label={t('column.name')}
        placeholder={t('create.namePlaceholder')}
        autoComplete="off"
        data-autofocus
        required
        {...form.getInputProps('name')}
      />
      <Checkbox
        label={t('create.everything')}
        {...form.getInputProps('everything', { type: 'checkbox' })}
      />
      {!form.values.everything && (
        <Checkbox.Group label={t('column.scopes')} {...form.getInputProps('scopes')}>
          <div className={styles.scopeGrid}>
            {scopes.map((scope) => (
              <Checkbox key={scope} value={scope} label={t(`scope.${scope}`)} size="xs" />
            ))}
          </div>
        </Checkbox.Group>
      )}
      <Select
        label={t('column.expires')}
        data={lifetimes.map((value) => ({ value, label: t(`lifetime.${value}`) }))}
        allowDeselect={false}
        {...form.getInputProps('days')}
      />
      {create.error && <ProblemBanner error={create.error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onCancel}>
          {t('common:cancel')}
        </Button>
        <Button type="submit" loading={create.isPending}>
          {t('create.action')}
        </Button>
      </div>
    </form>
  );
}

function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString();
}

function Secret({ secret, onDone }: { secret: string; onDone: () => void }) {
  const { t } = useTranslation('keys');
  const { data: models } = useQuery(modelsQuery);
  const chat = models?.find((model) => model.types.includes('chat'));
  const messages = [{ role: 'user', content: t('created.prompt') }];
  return (
    <div className={styles.form}>
      <p className={styles.once}>{t('created.once')}</p>
      <div className={styles.secret}>
        <code>{secret}</code>
        <CopyButton value={secret} label={t('created.copy')} text />
      </div>
      {chat && (
        <Snippets call={{ apiKey: secret, body: { model: chat.alias, messages, stream: true } }} />
      )}
      <div className={styles.buttons}>
        <Button onClick={onDone}>{t('created.done')}</Button>
      </div>
    </div>
  );
}
