/** One page of a list, whatever dialect of paging the surface speaks. */
export interface Page<T> {
  items: T[];
  /** Rows of the whole filter. */
  total: number;
  /** From 1. */
  page: number;
  pageSize: number;
  /** Whether another page follows. */
  next: boolean;
}

/** Reads the gateway's dialect: `{items, total, page, pageSize}`, or a bare `{items}`. */
export function pageFrom<T>(answer: {
  items?: unknown[] | null;
  total?: number;
  page?: number;
  pageSize?: number;
}): Page<T> {
  const items = (answer.items ?? []) as T[];
  const total = answer.total ?? items.length;
  const page = answer.page ?? 1;
  const pageSize = answer.pageSize ?? Math.max(items.length, 1);
  return { items, total, page, pageSize, next: page * pageSize < total };
}
