import { Button, PasswordInput, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { giveUp, signIn, useSession } from '@/api/session';
import { Dialog } from '@/components/Dialog';
import { ProblemBanner } from '@/components/ProblemBanner';

/** The page's own dialog may be open: this one lies over it. */
const aboveDialogs = 400;

/** Signs in again over the page when the session has ended; what was typed there survives. */
export function ReLogin() {
  const { t } = useTranslation();
  const session = useSession();
  const expired = session.status === 'expired';
  return (
    <Dialog
      opened={expired}
      onClose={giveUp}
      title={t('reLogin.title')}
      closeOnClickOutside={false}
      zIndex={aboveDialogs}
    >
      {expired && <Form account={session.username} />}
    </Dialog>
  );
}

function Form({ account }: { account: string }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState('');
  const attempt = useMutation({ mutationFn: () => signIn(account, password) });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        attempt.mutate();
      }}
    >
      <Stack gap={12}>
        <p>{t('reLogin.text')}</p>
        <input type="hidden" name="username" autoComplete="username" value={account} readOnly />
        <PasswordInput
          label={t('reLogin.passwordOf', { account })}
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          required
          data-autofocus
        />
        {attempt.error && <ProblemBanner error={attempt.error} />}
        <Button type="submit" loading={attempt.isPending}>
          {t('reLogin.action')}
        </Button>
      </Stack>
    </form>
  );
}
