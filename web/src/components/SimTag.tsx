import { useTranslation } from 'react-i18next';
import styles from './SimTag.module.css';

/** Marks what is simulated: violet, dashed, and in words. */
export function SimTag() {
  const { t } = useTranslation();
  return (
    <span className={styles.tag} title={t('simulated')}>
      SIM
    </span>
  );
}
