import { useState } from 'react';
import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { User, WalletAccount } from '@/api/types';
import { Dialog } from '@/components/Dialog';
import { Money } from '@/components/Money';
import { ProblemBanner } from '@/components/ProblemBanner';
import { randomId } from '@/lib/browser';
import { compareDecimals, decimalDelta, parseDecimal } from '@/lib/decimal';
import { adjustWallet, usersQuery } from './queries';
import styles from './People.module.css';

interface AdjustWalletDialogProps {
  user: User | undefined;
  onClose: () => void;
}

/** Sets a balance: current → target → difference, with a reason, once per dialog. */
export function AdjustWalletDialog({ user, onClose }: AdjustWalletDialogProps) {
  const { t } = useTranslation('people');
  const name = user?.displayName || user?.username;
  return (
    <Dialog
      opened={user !== undefined}
      onClose={onClose}
      title={t('adjust.title', { name })}
      size={480}
      closeOnClickOutside={false}
    >
      {user && <AdjustForm user={user} onClose={onClose} />}
    </Dialog>
  );
}

const currencies = ['USD', 'CNY', 'SIM'];

function AdjustForm({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation('people');
  const client = useQueryClient();
  const [idempotencyKey] = useState(randomId);
  const accounts = user.walletAccounts ?? [];
  const form = useForm({
    initialValues: { currency: accounts[0]?.currency ?? 'USD', target: '', reason: '' },
    validate: {
      target: (value) => (isTarget(value) ? null : t('adjust.targetRule')),
      reason: (value) => (value.trim() ? null : t('adjust.reasonNeeded')),
    },
    validateInputOnBlur: true,
  });
  const { currency, target } = form.values;
  const current = accounts.find((account) => account.currency === currency)?.balanceText ?? '0';
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      adjustWallet({ ...values, reason: values.reason.trim(), userID: user.id!, idempotencyKey }),
    onSuccess: () => client.invalidateQueries({ queryKey: usersQuery.queryKey }),
  });
  if (save.data) {
    return (
      <Done shown={current} before={save.data.before} after={save.data.account} onClose={onClose} />
    );
  }
  const choices = [...new Set([...accounts.map((a) => a.currency ?? ''), ...currencies])];
  return (
    <form className={styles.form} onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Select
        label={t('adjust.currency')}
        data={choices}
        allowDeselect={false}
        {...form.getInputProps('currency')}
      />
      <TextInput
        label={t('adjust.target')}
        inputMode="decimal"
        autoComplete="off"
        data-autofocus
        required
        {...form.getInputProps('target')}
      />
      <Preview current={current} target={target} currency={currency} />
      <Textarea
        label={t('adjust.reason')}
        description={t('adjust.reasonHint')}
        minRows={2}
        autosize
        required
        {...form.getInputProps('reason')}
      />
      {save.error && <ProblemBanner error={save.error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onClose}>
          {t('common:cancel')}
        </Button>
        <Button type="submit" loading={save.isPending}>
          {t('adjust.action')}
        </Button>
      </div>
    </form>
  );
}

/** Not negative and at most nine digits after the point. */
function isTarget(value: string): boolean {
  const decimal = parseDecimal(value);
  return decimal !== undefined && decimal.units >= 0n && decimal.scale <= 9;
}

interface PreviewProps {
  current: string;
  target: string;
  currency: string;
}

function Preview({ current, target, currency }: PreviewProps) {
  const { t } = useTranslation('people');
  const delta = isTarget(target) ? decimalDelta(current, target) : undefined;
  const direction = delta === undefined ? 'none' : compareDecimals(delta, '0') < 0 ? 'down' : 'up';
  return (
    <dl className={styles.preview}>
      <div>
        <dt>{t('adjust.current')}</dt>
        <dd>
          <Money text={current} currency={currency} kind="exact" />
        </dd>
      </div>
      <div>
        <dt>{t('adjust.target')}</dt>
        <dd>
          <Money text={delta === undefined ? undefined : target} currency={currency} kind="exact" />
        </dd>
      </div>
      <div data-direction={direction}>
        <dt>{t('adjust.delta')}</dt>
        <dd>
          <Money text={delta} currency={currency} kind="exact" signed />
        </dd>
      </div>
    </dl>
  );
}

interface DoneProps {
  /** The balance that the dialog showed. */
  shown: string;
  before: WalletAccount | undefined;
  after: WalletAccount;
  onClose: () => void;
}

/** What happened; and whether the balance had moved since it was shown. */
function Done({ shown, before, after, onClose }: DoneProps) {
  const { t } = useTranslation('people');
  const [promised] = useState(shown);
  const actual = before?.balanceText;
  const moved = actual !== undefined && compareDecimals(actual, promised) !== 0;
  return (
    <div className={styles.form}>
      <p className={styles.done}>{t('adjust.done')}</p>
      <dl className={styles.preview}>
        <div>
          <dt>{t('adjust.before')}</dt>
          <dd>
            <Money text={actual} currency={after.currency} kind="exact" />
          </dd>
        </div>
        <div>
          <dt>{t('adjust.after')}</dt>
          <dd>
            <Money text={after.balanceText} currency={after.currency} kind="exact" />
          </dd>
        </div>
      </dl>
      {moved && <p className={styles.moved}>{t('adjust.moved')}</p>}
      <div className={styles.buttons}>
        <Button onClick={onClose}>{t('common:close')}</Button>
      </div>
    </div>
  );
}
