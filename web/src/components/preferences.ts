import { createContext, useContext } from 'react';
import { useTranslation } from 'react-i18next';

/** Display settings that many components read. */
export interface DisplaySettings {
  /** IANA zone; empty: the browser's. */
  timeZone: string;
}

export const DisplayContext = createContext<DisplaySettings>({ timeZone: '' });

/** Locale and zone for formatting numbers and times. */
export function useDisplay(): DisplaySettings & { locale: string } {
  const { i18n } = useTranslation();
  return { ...useContext(DisplayContext), locale: i18n.language };
}
