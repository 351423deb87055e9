import { Menu, Tooltip, UnstyledButton } from '@mantine/core';
import { IconHelp } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { signOut } from '@/api/session';
import type { Area, Capabilities } from '@/api/types';
import { Mark } from './Mark';
import { areaIcons, areasFor, pagesFor } from './pages';
import styles from './Rail.module.css';

interface RailProps {
  capabilities: Capabilities | undefined;
  onHelp: () => void;
}

/** The area of an address. */
export function areaOf(pathname: string): Area {
  return pathname.startsWith('/ops') ? 'operate' : 'workspace';
}

/** Areas on the left edge, help and the person at its foot. */
export function Rail({ capabilities, onHelp }: RailProps) {
  const { t } = useTranslation();
  const current = areaOf(useLocation().pathname);
  return (
    <nav className={styles.rail} aria-label={t('areas')}>
      <Link to="/" className={styles.mark} aria-label={t('page.home')}>
        <Mark size={26} />
      </Link>
      {areasFor(capabilities).map((area) => {
        const Icon = areaIcons[area];
        const first = pagesFor(capabilities).find((page) => page.area === area)!;
        return (
          <Link
            key={area}
            to={first.to}
            className={styles.area}
            data-active={area === current || undefined}
          >
            <Icon size={20} stroke={1.6} aria-hidden="true" />
            <span>{t(`area.${area}`)}</span>
          </Link>
        );
      })}
      <span className={styles.gap} />
      <Tooltip label={t('help.title')} position="right">
        <UnstyledButton className={styles.help} onClick={onHelp} aria-label={t('help.title')}>
          <IconHelp size={20} stroke={1.6} />
        </UnstyledButton>
      </Tooltip>
      <UserMenu capabilities={capabilities} />
    </nav>
  );
}

function UserMenu({ capabilities }: { capabilities: Capabilities | undefined }) {
  const { t } = useTranslation();
  const user = capabilities?.user;
  const name = user?.displayName || user?.username || '';
  return (
    <Menu position="right-end" width={208}>
      <Menu.Target>
        <UnstyledButton className={styles.avatar} aria-label={t('userMenu')}>
          {name.slice(0, 1).toUpperCase()}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}
          {user && user.username !== name && ` · ${user.username}`}
        </Menu.Label>
        <Menu.Item component={Link} to="/account">
          {t('page.account')}
        </Menu.Item>
        <Menu.Item component={Link} to="/welcome">
          {t('page.welcome')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()}>{t('signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
