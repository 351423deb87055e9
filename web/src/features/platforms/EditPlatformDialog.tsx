import { Button, NumberInput, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Platform } from '@/api/types';
import { Dialog } from '@/components/Dialog';
import { ProblemBanner } from '@/components/ProblemBanner';
import { platformsQuery, updatePlatform } from './queries';
import styles from './Platforms.module.css';

interface EditPlatformDialogProps {
  platform: Platform;
  opened: boolean;
  onClose: () => void;
}

export function EditPlatformDialog({ platform, opened, onClose }: EditPlatformDialogProps) {
  const { t } = useTranslation('platforms');
  return (
    <Dialog opened={opened} onClose={onClose} title={t('edit.title', { name: platform.name })}>
      <EditForm platform={platform} onClose={onClose} />
    </Dialog>
  );
}

type EditFormProps = Omit<EditPlatformDialogProps, 'opened'>;

function EditForm({ platform, onClose }: EditFormProps) {
  const { t } = useTranslation('platforms');
  const client = useQueryClient();
  const form = useForm({
    initialValues: {
      name: platform.name ?? '',
      baseUrl: platform.baseUrl ?? '',
      priority: platform.priority ?? 0,
      apiKey: '',
    },
    validate: { name: (value) => (value.trim() ? null : t('edit.nameNeeded')) },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => updatePlatform(platform, values),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: platformsQuery.queryKey });
      onClose();
    },
  });
  return (
    <form className={styles.form} onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <TextInput label={t('column.name')} required {...form.getInputProps('name')} />
      <TextInput label={t('column.baseUrl')} type="url" {...form.getInputProps('baseUrl')} />
      <NumberInput
        label={t('edit.priority')}
        description={t('edit.priorityHint')}
        allowDecimal={false}
        {...form.getInputProps('priority')}
      />
      <PasswordInput
        label={t('edit.apiKey')}
        description={t('edit.apiKeyHint')}
        autoComplete="off"
        {...form.getInputProps('apiKey')}
      />
      {save.error && <ProblemBanner error={save.error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {t('common:cancel')}
        </Button>
        <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
          {t('common:save')}
        </Button>
      </div>
    </form>
  );
}
