import { useState } from 'react';
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { consoleApi, unwrap } from '@/api/client';
import { bootstrapQuery } from '@/api/queries';
import { accept } from '@/api/session';
import type { Bootstrap, Preferences } from '@/api/types';
import { ProblemBanner } from '@/components/ProblemBanner';
import { AuthLayout } from './AuthLayout';
import { credentialRules, showAtField } from './fields';
import styles from './AuthLayout.module.css';

/** Takes the one-time token out of the fragment and out of the history at once. */
function takeToken(): string {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token') ?? '';
  if (token) window.history.replaceState(window.history.state, '', window.location.pathname);
  return token;
}

/** First run: the first administrator, created with the link printed at start. */
export function SetupPage() {
  const { t } = useTranslation('session');
  const [token] = useState(takeToken);
  const { data: bootstrap, error } = useQuery(bootstrapQuery);
  if (bootstrap && !bootstrap.needsSetup) {
    return (
      <AuthLayout title={t('setup.title')} lead={t('setup.closed')}>
        <p className={styles.foot}>
          <Link to="/sign-in">{t('signUp.toSignIn')}</Link>
        </p>
      </AuthLayout>
    );
  }
  return (
    <AuthLayout title={t('setup.title')} lead={t('setup.lead')}>
      {error && <ProblemBanner error={error} />}
      <SetupForm token={token} />
    </AuthLayout>
  );
}

function SetupForm({ token }: { token: string }) {
  const { t, i18n } = useTranslation('session');
  const router = useRouter();
  const client = useQueryClient();
  const form = useForm({
    initialValues: { token, username: 'admin', password: '' },
    validate: credentialRules(t),
    validateInputOnBlur: true,
  });
  const attempt = useMutation({
    mutationFn: (values: typeof form.values) => {
      const body = { ...values, locale: i18n.language as Preferences['locale'] };
      return unwrap(consoleApi.POST('/api/console/setup', { body }), 'console');
    },
    onSuccess: (answer) => {
      accept(answer);
      client.setQueryData(bootstrapQuery.queryKey, (old: Bootstrap | undefined) =>
        old ? { ...old, needsSetup: false } : old,
      );
      return router.navigate({ to: '/welcome' });
    },
    onError: (error) => showAtField(form, error),
  });
  return (
    <form className={styles.form} onSubmit={form.onSubmit((values) => attempt.mutate(values))}>
      {!token && (
        <PasswordInput
          label={t('field.setupToken')}
          description={t('field.setupTokenHint')}
          autoComplete="one-time-code"
          required
          {...form.getInputProps('token')}
        />
      )}
      <TextInput
        label={t('field.username')}
        autoComplete="username"
        required
        {...form.getInputProps('username')}
      />
      <PasswordInput
        label={t('field.password')}
        description={t('rule.password')}
        autoComplete="new-password"
        required
        autoFocus
        {...form.getInputProps('password')}
      />
      {attempt.error && <ProblemBanner error={attempt.error} />}
      <Button type="submit" loading={attempt.isPending}>
        {t('setup.action')}
      </Button>
    </form>
  );
}
