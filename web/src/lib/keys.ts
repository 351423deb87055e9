/** Single-key shortcuts. They are inert while one types, under a dialog, and when switched off. */

const off = 'gantry.keys.off';

export function shortcutsEnabled(): boolean {
  return localStorage.getItem(off) === null;
}

export function enableShortcuts(enabled: boolean): void {
  if (enabled) localStorage.removeItem(off);
  else localStorage.setItem(off, '1');
}

type Handlers = Record<string, (event: KeyboardEvent) => void>;

/** Listens for single keys by `event.key`. Returns the function that stops listening. */
export function onKey(handlers: Handlers): () => void {
  const listener = (event: KeyboardEvent) => {
    if (!isFree(event)) return;
    handlers[event.key]?.(event);
  };
  document.addEventListener('keydown', listener);
  return () => document.removeEventListener('keydown', listener);
}

/**
 * Listens for `g` followed by a second key within a second.
 * Returns the function that stops listening.
 */
export function onGoKey(handlers: Record<string, () => void>): () => void {
  let pressedAt = -Infinity;
  const listener = (event: KeyboardEvent) => {
    if (!isFree(event)) return;
    if (event.key === 'g') {
      pressedAt = event.timeStamp;
      return;
    }
    if (event.timeStamp - pressedAt < 1000) handlers[event.key]?.();
    pressedAt = -Infinity;
  };
  document.addEventListener('keydown', listener);
  return () => document.removeEventListener('keydown', listener);
}

function isFree(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  if (!shortcutsEnabled() || document.querySelector('[aria-modal="true"]')) return false;
  const target = event.target as HTMLElement | null;
  return !target?.closest?.('input,textarea,select,[contenteditable="true"],[role="combobox"]');
}
