import styles from './EmptyState.module.css';

interface EmptyStateProps {
  title: string;
  hint?: string;
  children?: React.ReactNode;
}

/** Says why there is nothing, and what to do about it. */
export function EmptyState({ title, hint, children }: EmptyStateProps) {
  return (
    <div className={styles.empty}>
      <svg width="40" height="28" viewBox="0 0 40 28" aria-hidden="true">
        <path d="M2 26h36M7 26V9h26v17M7 15h26M13 9V3h14v6" fill="none" stroke="currentColor" />
      </svg>
      <p className={styles.title}>{title}</p>
      {hint && <p className={styles.hint}>{hint}</p>}
      {children && <div className={styles.actions}>{children}</div>}
    </div>
  );
}
