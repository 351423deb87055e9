import { queryOptions } from '@tanstack/react-query';
import { gateway, unwrap } from '@/api/client';
import type { Platform, PlatformModel } from '@/api/types';

export const platformsQuery = queryOptions({
  queryKey: ['platforms'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/admin/platforms', { signal }));
    return (answer.items ?? []) as Platform[];
  },
});

/** Models of all platforms at once: a list never asks per row. */
export const platformModelsQuery = queryOptions({
  queryKey: ['platforms', 'models'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(gateway.GET('/api/admin/models', { signal }));
    return (answer.items ?? []) as PlatformModel[];
  },
});

/** What a person may change of a platform; a blank key keeps the stored one. */
export interface PlatformChange {
  name: string;
  baseUrl: string;
  priority: number;
  status: string;
  apiKey: string;
}

/** PATCH overwrites: everything that is not changed is sent as it was. */
export function updatePlatform(platform: Platform, change: Partial<PlatformChange>) {
  const { apiKey, ...fields } = change;
  const body = {
    ...writable(platform),
    ...fields,
    ...(apiKey?.trim() && { credentials: { apiKey: apiKey.trim() } }),
  };
  const params = { path: { platformID: platform.id! } };
  return unwrap(gateway.PATCH('/api/admin/platforms/{platformID}', { params, body }));
}

/** The part of a platform that a PATCH carries. */
export function writable(platform: Platform) {
  const {
    provider,
    name,
    internalName,
    platformKey,
    baseUrl,
    authType,
    config,
    priority,
    status,
    defaultDiscountFactor,
    defaultPricingMode,
    pricingRuleSetId,
    rateLimitPolicy,
    retryPolicy,
  } = platform;
  return {
    provider,
    name,
    internalName,
    platformKey,
    baseUrl,
    authType,
    config,
    priority,
    status,
    defaultDiscountFactor,
    defaultPricingMode,
    pricingRuleSetId,
    rateLimitPolicy,
    retryPolicy,
  };
}

export function deletePlatform(platformID: string) {
  const params = { path: { platformID } };
  return unwrap(gateway.DELETE('/api/admin/platforms/{platformID}', { params }));
}

/** The state to show: a cooldown that has not ended outweighs "enabled". */
export function platformState(platform: Platform, now: number): string {
  const cooling = platform.cooldownUntil && Date.parse(platform.cooldownUntil) > now;
  return cooling ? 'cooling' : (platform.status ?? '');
}

export function isSimulated(platform: Platform): boolean {
  return platform.provider === 'simulation';
}
