import { Button } from '@mantine/core';
import { useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';

/** A page that could not be drawn; most often its code is of an older version than the server. */
export function RouteError({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const router = useRouter();
  if (isMissingChunk(error)) {
    return (
      <Page title={t('newVersion.title')}>
        <EmptyState title={t('newVersion.text')}>
          <Button onClick={() => window.location.reload()}>{t('newVersion.reload')}</Button>
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page title={t('crash.title')}>
      <ProblemBanner error={error} onRetry={() => void router.invalidate()} />
    </Page>
  );
}

function isMissingChunk(error: unknown): boolean {
  return (
    error instanceof TypeError && /dynamically imported module|module script/.test(error.message)
  );
}
