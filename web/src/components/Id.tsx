import { middle } from '@/lib/ids';
import { CopyButton } from './CopyButton';
import styles from './Id.module.css';

/** An id in mono, shortened in the middle, whole on hover and on copy. */
export function Id({ value, label, whole }: { value: string; label: string; whole?: boolean }) {
  return (
    <span className={styles.id}>
      <code title={value}>{whole ? value : middle(value)}</code>
      <CopyButton value={value} label={label} />
    </span>
  );
}
