import { useEffect } from 'react';
import { useNavigate } from '@tanstack/react-router';
import type { Capabilities } from '@/api/types';
import { onGoKey, onKey } from '@/lib/keys';
import { areasFor, pagesFor } from './pages';

/** `g` and a letter goes to a page, `g` and a digit to an area, `?` opens help. */
export function useShortcuts(capabilities: Capabilities | undefined, onHelp: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    const open = pagesFor(capabilities);
    const go = (to: string) => () => void navigate({ to });
    const byLetter = open.flatMap((page) =>
      'key' in page ? [[page.key, go(page.to)] as const] : [],
    );
    const byDigit = areasFor(capabilities).map((area, index) => {
      const first = open.find((page) => page.area === area)!;
      return [String(index + 1), go(first.to)] as const;
    });
    const stopGo = onGoKey(Object.fromEntries([...byLetter, ...byDigit]));
    const stopHelp = onKey({ '?': onHelp });
    return () => {
      stopGo();
      stopHelp();
    };
  }, [capabilities, navigate, onHelp]);
}
