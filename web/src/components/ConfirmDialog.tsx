import { useState } from 'react';
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Dialog } from './Dialog';
import { ProblemBanner } from './ProblemBanner';
import styles from './ConfirmDialog.module.css';

interface ConfirmDialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, in numbers where there are any. */
  consequence: React.ReactNode;
  action: string;
  /** When given, it must be typed before the action is possible. */
  typeToConfirm?: string;
  onConfirm: () => Promise<unknown>;
}

/** Asks before what cannot be undone. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  return (
    <Dialog opened={props.opened} onClose={props.onClose} title={props.title}>
      <ConfirmBody {...props} />
    </Dialog>
  );
}

function ConfirmBody({
  onClose,
  consequence,
  action,
  typeToConfirm,
  onConfirm,
}: ConfirmDialogProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const run = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  const blocked = typeToConfirm !== undefined && typed !== typeToConfirm;
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        run.mutate();
      }}
    >
      <div className={styles.consequence}>{consequence}</div>
      {typeToConfirm !== undefined && (
        <TextInput
          label={t('typeToConfirm', { name: typeToConfirm })}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
      )}
      {run.error && <ProblemBanner error={run.error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {t('cancel')}
        </Button>
        <Button type="submit" color="red" disabled={blocked} loading={run.isPending}>
          {action}
        </Button>
      </div>
    </form>
  );
}
