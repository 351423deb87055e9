import { Drawer } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Capabilities } from '@/api/types';
import { HelpDialog } from './HelpDialog';
import { Palette } from './Palette';
import { ReLogin } from './ReLogin';
import { Sidebar } from './Sidebar';

interface OverlaysProps {
  capabilities: Capabilities | undefined;
  menu: boolean;
  help: boolean;
  onMenu: (opened: boolean) => void;
  onHelp: (opened: boolean) => void;
}

/** What may lie over a page: menu of narrow screens, palette, help, signing in again. */
export default function Overlays({ capabilities, menu, help, onMenu, onHelp }: OverlaysProps) {
  const { t } = useTranslation();
  return (
    <>
      <Drawer
        opened={menu}
        onClose={() => onMenu(false)}
        size={272}
        title="Gantry"
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        <Sidebar capabilities={capabilities} onLeave={() => onMenu(false)} />
      </Drawer>
      <Palette capabilities={capabilities} onHelp={() => onHelp(true)} />
      <HelpDialog capabilities={capabilities} opened={help} onClose={() => onHelp(false)} />
      <ReLogin />
    </>
  );
}
