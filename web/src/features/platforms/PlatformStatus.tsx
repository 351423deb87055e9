import type { Platform } from '@/api/types';
import { Status } from '@/components/Status';
import { useNow } from '@/components/useNow';
import { platformState } from './queries';

export function PlatformStatus({ platform }: { platform: Platform }) {
  return <Status value={platformState(platform, useNow())} />;
}
