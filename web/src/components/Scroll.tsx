import styles from './Scroll.module.css';

/** Content that may be wider than its place: it scrolls by itself, by keyboard too. */
export function Scroll({ children }: { children: React.ReactNode }) {
  return (
    <div className={styles.scroll} tabIndex={0}>
      {children}
    </div>
  );
}
