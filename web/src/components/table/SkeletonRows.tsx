import { useEffect, useState } from 'react';
import type { Column } from './columns';
import styles from './DataTable.module.css';

/** Grey rows of the final geometry; they appear after 150 ms, so that quick loads do not flash. */
export function SkeletonRows<T>({ columns }: { columns: Column<T>[] }) {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return Array.from({ length: 8 }, (_, row) => (
    <tr key={row} className={styles.row} aria-hidden="true">
      {columns.map((column, index) => (
        <td key={column.id} data-align={column.align}>
          {visible && (
            <span
              className={styles.bone}
              style={{ width: `${50 + ((row * 29 + index * 37) % 45)}%` }}
            />
          )}
        </td>
      ))}
    </tr>
  ));
}
