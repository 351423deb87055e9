import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { gateway, unwrap } from '@/api/client';
import { bootstrapQuery } from '@/api/queries';
import { signIn } from '@/api/session';
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

/** Creates the account, then opens a browser session with it. */
async function register(values: typeof blank) {
  const { username, email, password, invitationCode } = values;
  const body = {
    username,
    password,
    ...(email && { email }),
    ...(invitationCode && { invitationCode }),
  };
  await unwrap(gateway.POST('/api/v1/auth/register', { body }));
  await signIn(username, password);
}

function SignUpForm() {
  const { t } = useTranslation('session');
  const router = useRouter();
  const form = useForm({
    initialValues: blank,
    validate: credentialRules(t),
    validateInputOnBlur: true,
  });
  const attempt = useMutation({
    mutationFn: register,
    onSuccess: () => router.navigate({ to: '/welcome' }),
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
