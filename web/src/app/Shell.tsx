import { lazy, Suspense, useEffect, useState } from 'react';
import { ActionIcon } from '@mantine/core';
import { IconMenu2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useMatches, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { capabilitiesQuery } from '@/api/queries';
import { useSession } from '@/api/session';
import { DisplayContext } from '@/components/preferences';
import { ProblemBanner } from '@/components/ProblemBanner';
import { useStoredPreferences } from '@/components/usePreferences';
import { Forbidden } from './Forbidden';
import { Mark } from './Mark';
import { Rail } from './Rail';
import { Sidebar } from './Sidebar';
import { useShortcuts } from './useShortcuts';
import styles from './Shell.module.css';

/** Not needed for the first paint: loaded right after it. */
const Overlays = lazy(() => import('./Overlays'));

/** The frame of every page behind sign-in: rail, page list, content, palette, dialogs. */
export function Shell() {
  const { t } = useTranslation();
  const preferences = useStoredPreferences();
  const capabilities = useQuery(capabilitiesQuery);
  const [menu, setMenu] = useState(false);
  const [help, setHelp] = useState(false);
  useShortcuts(capabilities.data, () => setHelp(true));
  useLeaveWhenSignedOut();
  return (
    <DisplayContext value={{ timeZone: preferences?.timeZone ?? '' }}>
      <a className={styles.skip} href="#main">
        {t('skipToContent')}
      </a>
      <div className={styles.shell}>
        <Rail capabilities={capabilities.data} onHelp={() => setHelp(true)} />
        <Sidebar capabilities={capabilities.data} />
        <div className={styles.topbar}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('menu')}
            onClick={() => setMenu(true)}
          >
            <IconMenu2 size={20} />
          </ActionIcon>
          <Link to="/" className={styles.brand}>
            <Mark size={22} /> Gantry
          </Link>
        </div>
        <main id="main" className={styles.main} tabIndex={-1}>
          {capabilities.error && (
            <div className={styles.problem}>
              <ProblemBanner
                error={capabilities.error}
                onRetry={() => void capabilities.refetch()}
              />
            </div>
          )}
          <Guarded granted={capabilities.data?.capabilities} />
        </main>
      </div>
      <Suspense>
        <Overlays
          capabilities={capabilities.data}
          menu={menu}
          help={help}
          onMenu={setMenu}
          onHelp={setHelp}
        />
      </Suspense>
    </DisplayContext>
  );
}

/** The page, or why it stays closed. Nothing is asked of the server for a closed page. */
function Guarded({ granted }: { granted: string[] | undefined }) {
  const needed = useMatches({
    select: (matches) => matches.map((match) => match.staticData.capability).find(Boolean),
  });
  if (!needed) return <Outlet />;
  if (!granted) return null;
  return granted.includes(needed) ? <Outlet /> : <Forbidden capability={needed} />;
}

function useLeaveWhenSignedOut() {
  const { status } = useSession();
  const navigate = useNavigate();
  const { href } = useLocation();
  useEffect(() => {
    if (status === 'anonymous') void navigate({ to: '/sign-in', search: { next: href } });
    // Where one was when signing out is all that matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [status]);
}
