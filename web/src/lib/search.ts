import * as z from 'zod/mini';

/**
 * Filter state of lists lives in the URL. These pieces make a route's search schema: what is
 * missing, empty or nonsense is simply absent, so that an old or edited link never breaks a page.
 */

const absent = undefined;

/** Optional text; numbers in the URL are text again (`?q=42`). */
export const text = z.catch(
  z.optional(z.pipe(z.union([z.string(), z.number()]), z.transform(toText))),
  absent,
);

/** Optional choice among fixed words. */
export function choice<const T extends [string, ...string[]]>(words: T) {
  return z.catch(z.optional(z.enum(words)), absent);
}

/** Optional page number from 1; page 1 is left out of the URL. */
export const page = z.catch(
  z.optional(
    z.pipe(
      z.number().check(z.int(), z.minimum(1)),
      z.transform((n) => (n === 1 ? undefined : n)),
    ),
  ),
  absent,
);

/** Optional rows per page. */
export const pageSize = z.catch(
  z.optional(
    z.pipe(
      z.number(),
      z.transform((n) => ([20, 50, 100, 200].includes(n) ? n : undefined)),
    ),
  ),
  absent,
);

/** Optional flag, present only when true. */
export const flag = z.catch(z.optional(z.literal(true)), absent);

/** Makes a validator for a route's `validateSearch`. Keys without a value are dropped. */
export function searchSchema<T extends z.core.$ZodLooseShape>(shape: T) {
  const schema = z.object(shape);
  return (input: Record<string, unknown>): z.infer<typeof schema> => {
    const parsed = schema.parse(input) as Record<string, unknown>;
    const kept = Object.entries(parsed).filter(([, value]) => value !== undefined);
    return Object.fromEntries(kept) as z.infer<typeof schema>;
  };
}

function toText(value: string | number): string | undefined {
  return String(value).trim() || undefined;
}

/** The search without its filters; paging and layout stay. Used by "clear filters". */
export function withoutFilters<T extends object>(search: T): Partial<T> {
  const layout = ['pageSize', 'cols', 'sort'];
  return Object.fromEntries(
    Object.entries(search).filter(([key]) => layout.includes(key)),
  ) as Partial<T>;
}

/** Whether any filter is set, paging and layout aside. */
export function isFiltered(search: object): boolean {
  return Object.entries(search).some(
    ([key, value]) => value !== undefined && !['page', 'pageSize', 'cols', 'sort'].includes(key),
  );
}
