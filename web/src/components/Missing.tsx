import { useTranslation } from 'react-i18next';
import styles from './Missing.module.css';

/** A value that was not recorded. Never drawn as 0. */
export function Missing() {
  const { t } = useTranslation();
  return (
    <span
      className={styles.missing}
      title={t('notRecorded')}
      aria-label={t('notRecorded')}
      role="img"
    >
      –
    </span>
  );
}
