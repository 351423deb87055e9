import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';

/** 403: names what is missing, so that the right person can grant it. */
export function Forbidden({ capability }: { capability: string }) {
  const { t } = useTranslation();
  return (
    <Page title={t('forbidden.title')}>
      <EmptyState title={t('forbidden.text')} hint={t('forbidden.capability', { capability })} />
    </Page>
  );
}
