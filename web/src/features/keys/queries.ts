import { queryOptions } from '@tanstack/react-query';
import { gateway, unwrap } from '@/api/client';
import type { ApiKey } from '@/api/types';

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/v1/api-keys', { signal }));
    return (answer.items ?? []) as ApiKey[];
  },
});

interface NewKey {
  name: string;
  scopes: string[];
  /** RFC 3339; absent: never. */
  expiresAt?: string;
}

/** Creates a key. The secret is in this answer and nowhere else. */
export function createKey(body: NewKey) {
  return unwrap(gateway.POST('/api/v1/api-keys', { body }));
}

export function disableKey(apiKeyID: string) {
  const params = { path: { apiKeyID } };
  return unwrap(gateway.PATCH('/api/v1/api-keys/{apiKeyID}/disable', { params }));
}

export function deleteKey(apiKeyID: string) {
  const params = { path: { apiKeyID } };
  return unwrap(gateway.DELETE('/api/v1/api-keys/{apiKeyID}', { params }));
}

/** Whether a key was used in the last day: deleting it then asks for its name. */
export function isInUse(key: ApiKey, now: number): boolean {
  return key.lastUsedAt !== undefined && now - Date.parse(key.lastUsedAt) < 86_400_000;
}

/** The state of a key, expiry included. */
export function keyState(key: ApiKey, now: number): string {
  const expired = key.expiresAt !== undefined && Date.parse(key.expiresAt) <= now;
  return key.status === 'active' && expired ? 'expired' : (key.status ?? '');
}
