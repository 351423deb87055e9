import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Answer } from '@/components/Answer';
import { CodeBlock } from '@/components/CodeBlock';
import { Card } from '@/components/Page';
import type { Surface } from './queries';
import { useTexts } from './texts';
import styles from './Reference.module.css';

/** What a surface is, and its document to take along. */
export function Overview({ surface }: { surface: Surface }) {
  const { t } = useTranslation('reference');
  const { prose } = useTexts();
  const { info } = surface.spec;
  const download = (
    <Button
      component="a"
      variant="default"
      href={surface.url}
      download={`${surface.name}.openapi.json`}
      leftSection={<IconDownload size={16} />}
    >
      {t('download')}
    </Button>
  );
  return (
    <article className={`${styles.article} ${styles.overview}`}>
      <Card title={surface.title} actions={download}>
        <p className={styles.meta}>
          {t('version', { version: info.version })} ·{' '}
          {t('operations', { count: surface.operations.length })}
        </p>
        {info.description && <Answer text={prose(info.description) ?? ''} />}
      </Card>
      <Card title={t('document')}>
        <p className={styles.note}>{t('documentHint')}</p>
        <CodeBlock code={`curl ${window.location.origin}${surface.url}`} label="curl" />
      </Card>
    </article>
  );
}
