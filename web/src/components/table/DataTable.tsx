import { useEffect, useRef } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ProblemBanner } from '../ProblemBanner';
import { nextSort, type Column } from './columns';
import { SkeletonRows } from './SkeletonRows';
import { useDataTable } from './useDataTable';
import { useRowKeys } from './useRowKeys';
import styles from './DataTable.module.css';

/** Above this many rows only those in view are drawn. */
const virtualFrom = 200;
const rowHeight = { compact: 36, comfortable: 44 };

export interface DataTableProps<T> {
  /** Describes the table to assistive technology. */
  caption: string;
  columns: Column<T>[];
  /** Undefined while the first load runs. */
  rows: T[] | undefined;
  rowId: (row: T) => string;
  /** Draws a row as simulated. */
  simulated?: (row: T) => boolean;
  /** Opens a row: click, or ↵ after j and k. */
  onOpen?: (row: T) => void;
  error?: unknown;
  onRetry?: () => void;
  /** Old rows stay, paler, while new ones are fetched. */
  refreshing?: boolean;
  empty: React.ReactNode;
  sort?: string;
  onSort?: (sort: string | undefined) => void;
  /** Hidden columns as in the URL. */
  cols?: string;
}

/** The one table of the console: skeleton, empty and error states, order, row keys, virtual rows. */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { rows, columns } = useDataTable(props);
  const failed = props.error !== undefined && props.error !== null;
  const showTable = props.rows ? props.rows.length > 0 : !failed;
  return (
    <div className={styles.frame}>
      {failed && (
        <div className={styles.problem}>
          <ProblemBanner error={props.error} onRetry={props.onRetry} />
        </div>
      )}
      {props.rows?.length === 0 && !failed && props.empty}
      {showTable && <Grid {...props} columns={columns} ordered={rows} />}
    </div>
  );
}

type GridProps<T> = DataTableProps<T> & { ordered: { id: string; value: T }[] };

function Grid<T extends object>(props: GridProps<T>) {
  const { columns, ordered, onOpen } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const active = useRowKeys(ordered.length, (index) => {
    const row = ordered[index];
    if (row && onOpen) onOpen(row.value);
  });
  const view = useView(ordered.length, scroller);
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      data-virtual={view.virtual || undefined}
      aria-busy={props.rows === undefined || props.refreshing}
    >
      <table className={styles.table} data-refreshing={props.refreshing || undefined}>
        <caption>{props.caption}</caption>
        <Head columns={columns} sort={props.sort} onSort={props.onSort} />
        <tbody>
          {props.rows === undefined && <SkeletonRows columns={columns} />}
          {view.before > 0 && <Spacer height={view.before} span={columns.length} />}
          {ordered.slice(view.from, view.to).map((row, offset) => (
            <Row key={row.id} {...props} row={row.value} active={active === view.from + offset} />
          ))}
          {view.after > 0 && <Spacer height={view.after} span={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

/** Which rows to draw, and how much room stands for the rest. */
function useView(count: number, scroller: React.RefObject<HTMLDivElement | null>) {
  const virtual = count > virtualFrom;
  const comfortable = document.documentElement.dataset.density === 'comfortable';
  const size = comfortable ? rowHeight.comfortable : rowHeight.compact;
  const virtualizer = useVirtualizer({
    count: virtual ? count : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => size,
    overscan: 12,
  });
  if (!virtual) return { virtual, from: 0, to: count, before: 0, after: 0 };
  const items = virtualizer.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  return {
    virtual,
    from: first?.index ?? 0,
    to: (last?.index ?? -1) + 1,
    before: first?.start ?? 0,
    after: virtualizer.getTotalSize() - (last?.end ?? 0),
  };
}

function Spacer({ height, span }: { height: number; span: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={span} className={styles.spacer} style={{ height }} />
    </tr>
  );
}

interface HeadProps<T> {
  columns: Column<T>[];
  sort?: string;
  onSort?: (sort: string | undefined) => void;
}

function Head<T>({ columns, sort, onSort }: HeadProps<T>) {
  return (
    <thead>
      <tr>
        {columns.map((column) => {
          const sortable = column.sortBy && onSort;
          const order = ariaSort(sort, column.id);
          return (
            <th
              key={column.id}
              scope="col"
              data-align={column.align}
              style={{ width: column.grow ? '100%' : column.width }}
              aria-sort={sortable ? order : undefined}
            >
              {sortable ? (
                <button type="button" onClick={() => onSort(nextSort(sort, column.id))}>
                  {column.header}
                  <span aria-hidden="true">{marks[order]}</span>
                </button>
              ) : (
                column.header
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

const marks = { ascending: '↑', descending: '↓', none: '' };

function ariaSort(sort: string | undefined, id: string): keyof typeof marks {
  if (sort === id) return 'ascending';
  return sort === `-${id}` ? 'descending' : 'none';
}

type RowProps<T> = DataTableProps<T> & { row: T; active: boolean };

function Row<T>({ columns, row, active, simulated, onOpen }: RowProps<T>) {
  const ref = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (active) ref.current?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  return (
    <tr
      ref={ref}
      className={styles.row}
      data-active={active || undefined}
      data-openable={onOpen ? true : undefined}
      data-sim={simulated?.(row) || undefined}
      onClick={(event) => {
        if (onOpen && !isControl(event.target)) onOpen(row);
      }}
    >
      {columns.map((column) => (
        <td key={column.id} data-align={column.align} data-grow={column.grow || undefined}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  );
}

/** Links and buttons inside a row act for themselves. */
function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a,button,input,label') !== null;
}
