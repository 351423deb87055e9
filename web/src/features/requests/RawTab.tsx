import { useTranslation } from 'react-i18next';
import type { Task } from '@/api/types';
import { JsonView } from '@/components/JsonView';
import styles from './Inspector.module.css';

/** Bodies as recorded; loaded with the one request, never with the list. */
export function RawTab({ task }: { task: Task }) {
  const { t } = useTranslation('requests');
  const { request, result, ...rest } = task;
  return (
    <div className={styles.raw}>
      <Body title={t('raw.request')} value={request} />
      <Body title={t('raw.result')} value={result} />
      <Body title={t('raw.record')} value={rest} />
    </div>
  );
}

function Body({ title, value }: { title: string; value: unknown }) {
  const { t } = useTranslation('requests');
  const empty = value === undefined || value === null || Object.keys(value).length === 0;
  return (
    <section>
      <h3>{title}</h3>
      {empty ? (
        <p className={styles.quiet}>{t('raw.notRetained')}</p>
      ) : (
        <JsonView value={value} label={title} />
      )}
    </section>
  );
}
