import { useTranslation } from 'react-i18next';
import type { PriceLine } from '@/api/types';
import { Money } from './Money';
import { useUnit } from './useUnit';
import styles from './PriceLines.module.css';

/** Prices with their unit always written. */
export function PriceLines({ lines }: { lines: PriceLine[] }) {
  const { t } = useTranslation();
  const unit = useUnit();
  if (lines.length === 0) return <span>{t('noPrice')}</span>;
  return (
    <span className={styles.lines}>
      {lines.map((line) => (
        <span key={`${line.resource}/${line.unit}`}>
          <span className={styles.resource}>
            {t(`resource.${line.resource}`, { defaultValue: line.resource })}
          </span>{' '}
          <Money text={line.priceText} currency={line.currency} kind="price" />{' '}
          <span className={styles.unit}>{unit.per(line.unit)}</span>
        </span>
      ))}
    </span>
  );
}
