/** A column of a DataTable. */
export interface Column<T> {
  id: string;
  /** Heading; also names the column in the chooser. */
  header: string;
  cell: (row: T) => React.ReactNode;
  /** Figures stand right. */
  align?: 'left' | 'right';
  /** CSS width; without one the column takes what its content needs. */
  width?: string;
  /** Takes the room that is left, and cuts text that does not fit. */
  grow?: boolean;
  /** Makes the column sortable in the browser; only for lists that come whole. */
  sortBy?: (row: T) => string | number;
  /** Always shown. */
  fixed?: boolean;
}

/** Sort order as it stands in the URL: "name" ascending, "-name" descending. */
export function parseSort(sort: string | undefined): { id: string; desc: boolean }[] {
  if (!sort) return [];
  return sort.startsWith('-') ? [{ id: sort.slice(1), desc: true }] : [{ id: sort, desc: false }];
}

/** The next order when the heading is pressed: ascending, descending, none. */
export function nextSort(sort: string | undefined, id: string): string | undefined {
  if (sort === id) return `-${id}`;
  return sort === `-${id}` ? undefined : id;
}

/** Hidden columns as they stand in the URL: "kind.key". */
export function parseHidden(cols: string | undefined): string[] {
  return cols ? cols.split('.').filter(Boolean) : [];
}

/** The hidden columns after one was toggled; undefined when all are shown. */
export function toggleHidden(cols: string | undefined, id: string): string | undefined {
  const hidden = parseHidden(cols);
  const next = hidden.includes(id) ? hidden.filter((other) => other !== id) : [...hidden, id];
  return next.length > 0 ? next.join('.') : undefined;
}
