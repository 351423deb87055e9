import styles from './Reference.module.css';

/** The method of a request, in the same place and width everywhere. */
export function Method({ method }: { method: string }) {
  return (
    <code className={styles.method} data-method={method}>
      {method === 'DELETE' ? 'DEL' : method}
    </code>
  );
}
