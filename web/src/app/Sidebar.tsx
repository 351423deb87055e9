import { UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Area, Capabilities } from '@/api/types';
import { areasFor, pagesFor } from './pages';
import { areaOf } from './Rail';
import styles from './Sidebar.module.css';

interface SidebarProps {
  capabilities: Capabilities | undefined;
  /** In the drawer of a narrow screen: no rail there, so all areas are listed; called to close it. */
  onLeave?: () => void;
}

/** The palette comes with the overlays, so it is no part of the first paint either. */
async function openPalette() {
  const { spotlight } = await import('@mantine/spotlight');
  spotlight.open();
}

const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The pages of the current area, and the way into the palette. */
export function Sidebar({ capabilities, onLeave }: SidebarProps) {
  const { t } = useTranslation();
  const current = areaOf(useLocation().pathname);
  const areas = onLeave ? areasFor(capabilities) : [current];
  return (
    <nav
      className={styles.sidebar}
      data-drawer={onLeave !== undefined || undefined}
      onClick={onLeave}
      aria-label={t('pages')}
    >
      <UnstyledButton className={styles.search} onClick={() => void openPalette()}>
        <IconSearch size={15} aria-hidden="true" />
        <span>{t('palette.open')}</span>
        <kbd>{mac ? '⌘K' : 'Ctrl K'}</kbd>
      </UnstyledButton>
      {areas.map((area) => (
        <Section key={area} area={area} capabilities={capabilities} />
      ))}
    </nav>
  );
}

function Section({ area, capabilities }: { area: Area; capabilities: Capabilities | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={styles.area}>{t(`area.${area}`)}</p>
      {pagesFor(capabilities)
        .filter((page) => page.area === area)
        .map(({ name, to, icon: Icon }) => (
          <Link
            key={name}
            to={to}
            className={styles.link}
            activeOptions={{ exact: to === '/', includeSearch: false }}
          >
            <Icon size={17} stroke={1.6} aria-hidden="true" />
            {t(`page.${name}`)}
          </Link>
        ))}
    </>
  );
}
