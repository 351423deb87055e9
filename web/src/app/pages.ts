import {
  IconApps,
  IconBook2,
  IconHome2,
  IconKey,
  IconListDetails,
  IconMessage2,
  IconServer2,
  IconShip,
  IconUserCircle,
  IconUsers,
  IconWallet,
} from '@tabler/icons-react';
import type { Area, Capabilities } from '@/api/types';

/** A page of the navigation. Rail, palette, shortcuts and help are all drawn from this list. */
export interface PageEntry {
  name: string;
  to: string;
  area: Area;
  icon: typeof IconKey;
  /** Second key after `g`. */
  key?: string;
  capability?: string;
}

export const pages = [
  { name: 'home', to: '/', area: 'workspace', icon: IconHome2, key: 'h' },
  { name: 'play', to: '/play/chat', area: 'workspace', icon: IconMessage2, key: 'p' },
  { name: 'requests', to: '/requests', area: 'workspace', icon: IconListDetails, key: 'r' },
  { name: 'keys', to: '/keys', area: 'workspace', icon: IconKey, key: 'k' },
  { name: 'wallet', to: '/wallet', area: 'workspace', icon: IconWallet, key: 'w' },
  { name: 'reference', to: '/reference', area: 'workspace', icon: IconBook2, key: 'd' },
  { name: 'account', to: '/account', area: 'workspace', icon: IconUserCircle },
  {
    name: 'platforms',
    to: '/ops/platforms',
    area: 'operate',
    icon: IconServer2,
    key: 'o',
    capability: 'platforms.write',
  },
  {
    name: 'users',
    to: '/ops/people/users',
    area: 'operate',
    icon: IconUsers,
    capability: 'users.read',
  },
] as const satisfies PageEntry[];

export const areaIcons: Record<Area, typeof IconKey> = {
  workspace: IconApps,
  studio: IconApps,
  supply: IconShip,
  operate: IconServer2,
};

/** Pages that the person may open, by what the server says they can do. */
export function pagesFor(capabilities: Capabilities | undefined) {
  const granted = new Set(capabilities?.capabilities);
  const areas = new Set<Area>(capabilities?.areas ?? ['workspace']);
  return pages.filter(
    (page) => areas.has(page.area) && (!('capability' in page) || granted.has(page.capability)),
  );
}

/** Areas with at least one such page, in the order of the rail. */
export function areasFor(capabilities: Capabilities | undefined): Area[] {
  const open = new Set<Area>(pagesFor(capabilities).map((page) => page.area));
  return (capabilities?.areas ?? ['workspace']).filter((area) => open.has(area));
}
