import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import {
  IconHelp,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconRocket,
  IconSearch,
  IconSun,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { signOut } from '@/api/session';
import type { Capabilities } from '@/api/types';
import { usePreferences } from '@/components/usePreferences';
import { pagesFor } from './pages';

interface PaletteProps {
  capabilities: Capabilities | undefined;
  onHelp: () => void;
}

/** ⌘K: go to a page, find a request, switch theme and language. */
export function Palette({ capabilities, onHelp }: PaletteProps) {
  const { t } = useTranslation();
  const [query, setQuery] = useState('');
  const groups = [
    { group: t('palette.go'), actions: useGoActions(capabilities) },
    { group: t('palette.find'), actions: useFindActions(query) },
    { group: t('palette.settings'), actions: useSettingActions(onHelp) },
  ];
  return (
    <Spotlight
      actions={groups.filter(({ actions }) => actions.length > 0)}
      query={query}
      onQueryChange={setQuery}
      attributes={{ content: { 'aria-label': t('palette.open') } }}
      shortcut={['mod + K']}
      nothingFound={t('palette.nothing')}
      transitionProps={{ duration: 80 }}
      overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: t('palette.placeholder'),
        'aria-label': t('palette.placeholder'),
      }}
    />
  );
}

function useGoActions(capabilities: Capabilities | undefined): SpotlightActionData[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const entries = pagesFor(capabilities).map(({ name, to, icon: Icon, ...page }) => ({
    id: name,
    label: t(`page.${name}`),
    keywords: [name],
    leftSection: <Icon size={18} stroke={1.6} />,
    rightSection: 'key' in page ? <kbd>g {page.key}</kbd> : undefined,
    onClick: () => void navigate({ to }),
  }));
  const welcome = {
    id: 'welcome',
    label: t('page.welcome'),
    leftSection: <IconRocket size={18} stroke={1.6} />,
    onClick: () => void navigate({ to: '/welcome' }),
  };
  return [...entries, welcome];
}

/** Whatever was typed can be looked up among the requests. */
function useFindActions(query: string): SpotlightActionData[] {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const text = query.trim();
  if (text.length < 3) return [];
  return [
    {
      id: 'find-request',
      label: t('palette.findRequest', { text }),
      leftSection: <IconSearch size={18} stroke={1.6} />,
      onClick: () => void navigate({ to: '/requests', search: { q: text } }),
    },
  ];
}

function useSettingActions(onHelp: () => void): SpotlightActionData[] {
  const { t, i18n } = useTranslation();
  const { change } = usePreferences();
  const other = i18n.language === 'en' ? 'zh-CN' : 'en';
  const icon = { size: 18, stroke: 1.6 };
  return [
    {
      id: 'theme-light',
      label: t('palette.themeLight'),
      leftSection: <IconSun {...icon} />,
      onClick: () => change({ theme: 'light' }),
    },
    {
      id: 'theme-dark',
      label: t('palette.themeDark'),
      leftSection: <IconMoon {...icon} />,
      onClick: () => change({ theme: 'dark' }),
    },
    {
      id: 'language',
      label: t('otherLanguage'),
      keywords: ['language', 'locale'],
      leftSection: <IconLanguage {...icon} />,
      onClick: () => change({ locale: other }),
    },
    {
      id: 'help',
      label: t('help.title'),
      leftSection: <IconHelp {...icon} />,
      rightSection: <kbd>?</kbd>,
      onClick: onHelp,
    },
    {
      id: 'sign-out',
      label: t('signOut'),
      leftSection: <IconLogout {...icon} />,
      onClick: () => void signOut(),
    },
  ];
}
