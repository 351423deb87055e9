import { Alert, Button, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { bootstrapQuery } from '@/api/queries';
import { signIn } from '@/api/session';
import { ProblemBanner } from '@/components/ProblemBanner';
import { AuthLayout } from './AuthLayout';
import styles from './AuthLayout.module.css';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { t } = useTranslation('session');
  const { next = '/', problem } = route.useSearch();
  const router = useRouter();
  const { data: bootstrap } = useQuery(bootstrapQuery);
  const form = useForm({ initialValues: { account: '', password: '' } });
  const attempt = useMutation({
    mutationFn: ({ account, password }: typeof form.values) => signIn(account, password),
    onSuccess: () => router.history.push(`/console${next}`),
  });
  return (
    <AuthLayout title={t('signIn.title')}>
      {problem && <Refusal code={problem} />}
      <form className={styles.form} onSubmit={form.onSubmit((values) => attempt.mutate(values))}>
        <TextInput
          label={t('field.account')}
          autoComplete="username"
          required
          autoFocus
          {...form.getInputProps('account')}
        />
        <PasswordInput
          label={t('field.password')}
          autoComplete="current-password"
          required
          {...form.getInputProps('password')}
        />
        {attempt.error && <ProblemBanner error={attempt.error} />}
        <Button type="submit" loading={attempt.isPending}>
          {t('signIn.action')}
        </Button>
      </form>
      {bootstrap?.signInProvider && (
        <Button
          component="a"
          variant="default"
          fullWidth
          mt="sm"
          href={`/api/console/oidc/start?next=${encodeURIComponent(next)}`}
        >
          {t('signIn.elsewhere', { provider: bootstrap.signInProvider })}
        </Button>
      )}
      <p className={styles.foot}>
        {bootstrap?.registrationOpen ? (
          <Link to="/sign-up">{t('signIn.toSignUp')}</Link>
        ) : (
          t('signIn.registrationClosed')
        )}
      </p>
    </AuthLayout>
  );
}

/** Why the identity provider did not let somebody in. The link carries a code, never a text. */
function Refusal({ code }: { code: string }) {
  const { t } = useTranslation('session');
  return (
    <Alert color="red" mb="sm" role="alert">
      {t(`refusal.${code}`, { defaultValue: t('refusal.other') })}
    </Alert>
  );
}
