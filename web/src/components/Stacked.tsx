import styles from './Stacked.module.css';

/** Two lines in one cell: what it is, and a quieter second fact. */
export function Stacked({ main, sub }: { main: React.ReactNode; sub?: React.ReactNode }) {
  return (
    <span className={styles.stacked}>
      <span className={styles.main}>{main}</span>
      {sub && <span className={styles.sub}>{sub}</span>}
    </span>
  );
}
