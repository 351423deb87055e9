import { Button, PasswordInput, TextInput, useMantineColorScheme } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { consoleApi, gateway, unwrap } from '@/api/client';
import { bootstrapQuery, preferencesQuery } from '@/api/queries';
import { signIn } from '@/api/session';
import type { Preferences } from '@/api/types';
import { ProblemBanner } from '@/components/ProblemBanner';
import { AuthLayout } from './AuthLayout';
import { credentialRules, showAtField } from './fields';
import styles from './AuthLayout.module.css';

const blank = { username: '', email: '', password: '', invitationCode: '' };

export function SignUpPage() {
  const { t } = useTranslation('session');
  const { data: bootstrap } = useQuery(bootstrapQuery);
  const closed = bootstrap?.registrationOpen === false;
  return (
    <AuthLayout
      title={t('signUp.title')}
      lead={closed ? t('signIn.registrationClosed') : t('signUp.lead')}
    >
      {!closed && <SignUpForm />}
      <p className={styles.foot}>
        <Link to="/sign-in">{t('signUp.toSignIn')}</Link>
      </p>
    </AuthLayout>
  );
}

/** Creates the account, opens a browser session with it, and keeps what was chosen before. */
async function register(values: typeof blank, preferences: Preferences) {
  const { username, email, password, invitationCode } = values;
  const body = {
    username,
    password,
    ...(email && { email }),
    ...(invitationCode && { invitationCode }),
  };
  await unwrap(gateway.POST('/api/v1/auth/register', { body }));
  await signIn(username, password);
  return unwrap(consoleApi.PUT('/api/console/preferences', { body: preferences }), 'console');
}

function SignUpForm() {
  const { t, i18n } = useTranslation('session');
  const { colorScheme } = useMantineColorScheme();
  const router = useRouter();
  const client = useQueryClient();
  const form = useForm({
    initialValues: blank,
    validate: credentialRules(t),
    validateInputOnBlur: true,
  });
  const attempt = useMutation({
    mutationFn: (values: typeof blank) =>
      register(values, {
        locale: i18n.language as Preferences['locale'],
        theme: colorScheme === 'auto' ? 'system' : colorScheme,
        density: 'compact',
        timeZone: '',
      }),
    onSuccess: async (saved) => {
      // Being signed in has already started a read of the preferences as they were before.
      await client.cancelQueries({ queryKey: preferencesQuery.queryKey });
      client.setQueryData(preferencesQuery.queryKey, saved);
      await router.navigate({ to: '/welcome' });
    },
    onError: (error) => showAtField(form, error),
  });
  return (
    <form className={styles.form} onSubmit={form.onSubmit((values) => attempt.mutate(values))}>
      <TextInput
        label={t('field.username')}
        autoComplete="username"
        required
        {...form.getInputProps('username')}
      />
      <TextInput
        label={t('field.email')}
        description={t('field.optional')}
        type="email"
        autoComplete="email"
        {...form.getInputProps('email')}
      />
      <PasswordInput
        label={t('field.password')}
        description={t('rule.password')}
        autoComplete="new-password"
        required
        {...form.getInputProps('password')}
      />
      <TextInput
        label={t('field.invitationCode')}
        description={t('field.invitationHint')}
        autoComplete="off"
        {...form.getInputProps('invitationCode')}
      />
      {attempt.error && <ProblemBanner error={attempt.error} />}
      <Button type="submit" loading={attempt.isPending}>
        {t('signUp.action')}
      </Button>
    </form>
  );
}
