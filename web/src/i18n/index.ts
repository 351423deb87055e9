import i18next, { type BackendModule } from 'i18next';
import { initReactI18next } from 'react-i18next';

export const locales = ['zh-CN', 'en'] as const;
export type Locale = (typeof locales)[number];

/** Namespaces: `common` comes with the shell, each other one with the screens that use it. */
export type Namespace =
  | 'common'
  | 'account'
  | 'connect'
  | 'home'
  | 'keys'
  | 'people'
  | 'platforms'
  | 'play'
  | 'reference'
  | 'requests'
  | 'session'
  | 'wallet'
  | 'welcome';

const catalogues = import.meta.glob<{ default: Record<string, unknown> }>('./locales/*/*.json');

const backend: BackendModule = {
  type: 'backend',
  init: () => undefined,
  read: (locale, namespace, done) => {
    const load = catalogues[`./locales/${locale}/${namespace}.json`];
    if (!load) return done(new Error(`no catalogue ${locale}/${namespace}`), false);
    load().then(
      (module) => done(null, module.default),
      (error: Error) => done(error, false),
    );
  },
};

const remembered = 'gantry.locale';

/** Locale: what the user chose here, else the browser's language, else Chinese. */
function initialLocale(): Locale {
  const chosen = localStorage.getItem(remembered);
  if (isLocale(chosen)) return chosen;
  const wanted = navigator.languages ?? [navigator.language];
  for (const language of wanted) {
    if (language.startsWith('zh')) return 'zh-CN';
    if (language.startsWith('en')) return 'en';
  }
  return 'zh-CN';
}

export function isLocale(value: unknown): value is Locale {
  return locales.includes(value as Locale);
}

/** Starts translation and loads the catalogue of the shell. */
export async function startI18n(): Promise<void> {
  i18next.on('languageChanged', (locale) => {
    document.documentElement.lang = locale;
  });
  await i18next
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: initialLocale(),
      fallbackLng: false,
      supportedLngs: locales,
      load: 'currentOnly',
      ns: ['common'],
      defaultNS: 'common',
      interpolation: { escapeValue: false },
      returnEmptyString: false,
    });
}

/** Switches the language now and remembers it in this browser. */
export async function setLocale(locale: Locale): Promise<void> {
  localStorage.setItem(remembered, locale);
  await i18next.changeLanguage(locale);
}

/** Loads the catalogues of a route before it is drawn. */
export function loadCatalogues(...names: Namespace[]): Promise<void> {
  return i18next.loadNamespaces(names);
}
