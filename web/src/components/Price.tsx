import type { PriceLine } from '@/api/types';
import { Money } from './Money';
import { useUnit } from './useUnit';
import styles from './Price.module.css';

/** A price with its unit always written. */
export function Price({ line }: { line: PriceLine }) {
  const unit = useUnit();
  return (
    <span className={styles.price}>
      <Money text={line.priceText} currency={line.currency} kind="price" />{' '}
      <span className={styles.unit}>{unit.per(line.unit)}</span>
    </span>
  );
}
