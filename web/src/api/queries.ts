import { queryOptions } from '@tanstack/react-query';
import { SIM } from '@/lib/money';
import { consoleApi, gateway, unwrap } from './client';
import { findTask } from './chat';
import { isFinished } from './task';
import type { PlayableKey, Task, WalletAccount } from './types';

/** Queries that more than one feature reads. A feature's own queries live in the feature. */

export const bootstrapQuery = queryOptions({
  queryKey: ['bootstrap'],
  queryFn: ({ signal }) => unwrap(consoleApi.GET('/api/console/bootstrap', { signal }), 'console'),
  staleTime: Infinity,
});

export const capabilitiesQuery = queryOptions({
  queryKey: ['capabilities'],
  queryFn: ({ signal }) =>
    unwrap(consoleApi.GET('/api/console/capabilities', { signal }), 'console'),
  staleTime: 60_000,
});

export const preferencesQuery = queryOptions({
  queryKey: ['preferences'],
  queryFn: ({ signal }) =>
    unwrap(consoleApi.GET('/api/console/preferences', { signal }), 'console'),
  staleTime: Infinity,
});

export const modelsQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async ({ signal }) =>
    (await unwrap(consoleApi.GET('/api/console/models', { signal }), 'console')).items,
});

/** Keys with their secrets. Fetched only where a secret is used, dropped when nobody looks. */
export const playableKeysQuery = queryOptions({
  queryKey: ['playable-keys'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/playground/api-keys', { signal }));
    return (answer.items ?? []) as PlayableKey[];
  },
  gcTime: 0,
});

/** Accounts by currency, simulated money last. */
export const walletQuery = queryOptions({
  queryKey: ['wallet'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/workspace/wallet', { signal }));
    const accounts = (answer.accounts ?? []) as WalletAccount[];
    return accounts.sort((a, b) => Number(a.currency === SIM) - Number(b.currency === SIM));
  },
});

const waitForRecord = [200, 300, 500, 800, 1200, 2000, 3000];

/** The record of a call that has just ended; asks again until it is written and priced. */
export function taskOfCallQuery(requestId: string | undefined) {
  return queryOptions({
    queryKey: ['task-of-call', requestId],
    queryFn: async ({ signal }): Promise<Task | null> =>
      (await findTask(requestId!, signal)) ?? null,
    enabled: Boolean(requestId),
    staleTime: Infinity,
    refetchInterval: ({ state }) => {
      const settled = state.data && isFinished(state.data);
      return settled ? false : (waitForRecord[state.dataUpdateCount] ?? false);
    },
  });
}
