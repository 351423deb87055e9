import { useMantineColorScheme } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { consoleApi, unwrap } from '@/api/client';
import { preferencesQuery } from '@/api/queries';
import { useSession } from '@/api/session';
import type { Preferences } from '@/api/types';
import { isLocale, setLocale } from '@/i18n';

const densityKey = 'gantry.density';

/** Applies the density of the last visit before the first paint. */
export function restoreDensity(): void {
  const density = localStorage.getItem(densityKey);
  if (density) document.documentElement.dataset.density = density;
}

function applyDensity(density: Preferences['density']) {
  localStorage.setItem(densityKey, density);
  document.documentElement.dataset.density = density;
}

/** Applies preferences to the page: colour scheme, density, language. */
function useApply() {
  const { setColorScheme } = useMantineColorScheme();
  return (preferences: Partial<Preferences>) => {
    const { theme, density, locale } = preferences;
    if (theme) setColorScheme(theme === 'system' ? 'auto' : theme);
    if (density) applyDensity(density);
    if (isLocale(locale)) void setLocale(locale);
  };
}

/**
 * The preferences of the person, and the way to change some of them. A change shows at once;
 * when signed in it is also kept on the server, and taken back if the server refuses.
 */
export function usePreferences() {
  const signedIn = useSession().status === 'signed-in';
  const { data } = useQuery({ ...preferencesQuery, enabled: signedIn });
  const client = useQueryClient();
  const apply = useApply();
  const save = useMutation({
    mutationFn: (body: Preferences) =>
      unwrap(consoleApi.PUT('/api/console/preferences', { body }), 'console'),
    onSuccess: (saved) => client.setQueryData(preferencesQuery.queryKey, saved),
    onError: () => data && apply(data),
  });
  const change = (part: Partial<Preferences>) => {
    apply(part);
    if (data) save.mutate({ ...data, ...part });
  };
  return { preferences: data, change, saving: save.isPending, error: save.error };
}

/** Applies the stored preferences once they are known. */
export function useStoredPreferences(): Preferences | undefined {
  const { preferences } = usePreferences();
  const apply = useApply();
  useEffect(() => {
    if (preferences) apply(preferences);
    // Applying is idempotent; only new preferences matter, not a new function.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [preferences]);
  return preferences;
}
