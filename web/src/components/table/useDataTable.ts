import { useMemo } from 'react';
import {
  columnVisibilityFeature,
  createSortedRowModel,
  rowSortingFeature,
  sortFn_alphanumeric,
  tableFeatures,
  useTable,
  type ColumnDef,
} from '@tanstack/react-table';
import { parseHidden, parseSort, type Column } from './columns';

const features = tableFeatures({
  columnVisibilityFeature,
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
});

interface Input<T> {
  columns: Column<T>[];
  rows: T[] | undefined;
  rowId: (row: T) => string;
  sort?: string;
  cols?: string;
}

const none: never[] = [];

/** Rows in their order and the columns to show; sorting and visibility come from the URL. */
export function useDataTable<T extends object>({ columns, rows, rowId, sort, cols }: Input<T>) {
  const definitions = useMemo(() => columns.map(defineColumn), [columns]);
  const sorting = useMemo(() => parseSort(sort), [sort]);
  const columnVisibility = useMemo(
    () => Object.fromEntries(parseHidden(cols).map((id) => [id, false])),
    [cols],
  );
  const table = useTable({
    features,
    data: rows ?? (none as T[]),
    columns: definitions,
    getRowId: rowId,
    state: { sorting, columnVisibility },
  });
  const visible = new Set(table.getVisibleLeafColumns().map((column) => column.id));
  return {
    rows: table.getRowModel().rows.map((row) => ({ id: row.id, value: row.original })),
    columns: columns.filter((column) => visible.has(column.id)),
  };
}

function defineColumn<T extends object>(column: Column<T>): ColumnDef<typeof features, T> {
  const shared = { id: column.id, header: column.header, enableHiding: !column.fixed };
  if (!column.sortBy) return shared;
  return { ...shared, accessorFn: column.sortBy, sortFn: 'alphanumeric' };
}
