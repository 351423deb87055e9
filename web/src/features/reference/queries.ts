import { queryOptions } from '@tanstack/react-query';
import { referenceApi, unwrap } from '@/api/client';
import { operationsOf, type Operation, type Spec } from './spec';

/** A surface with its document. */
export interface Surface {
  name: string;
  title: string;
  url: string;
  spec: Spec;
  operations: Operation[];
}

/** The documents of all surfaces: together they weigh less than one picture, and searching needs them all. */
export const surfacesQuery = queryOptions({
  queryKey: ['reference'],
  queryFn: async ({ signal }): Promise<Surface[]> => {
    const { items } = await unwrap(referenceApi.GET('/api/openapi', { signal }), 'console');
    return Promise.all(
      items.map(async ({ surface, title, url }) => {
        const params = { path: { surface } };
        const answer = referenceApi.GET('/api/openapi/{surface}.json', { params, signal });
        const spec = (await unwrap(answer, 'console')) as unknown as Spec;
        return { name: surface, title, url, spec, operations: operationsOf(spec) };
      }),
    );
  },
  staleTime: 5 * 60_000,
});
