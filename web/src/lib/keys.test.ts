import { afterEach, expect, it, vi } from 'vitest';
import { enableShortcuts, onGoKey, onKey } from './keys';

const press = (key: string, init: KeyboardEventInit = {}, target: Element = document.body) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...init }));

let stop = () => undefined as void;
afterEach(() => {
  stop();
  enableShortcuts(true);
  document.body.innerHTML = '';
});

it('hears single keys, but not while typing or with a modifier', () => {
  const down = vi.fn();
  stop = onKey({ j: down });
  const input = document.body.appendChild(document.createElement('input'));
  press('j');
  press('j', {}, input);
  press('j', { ctrlKey: true });
  expect(down).toHaveBeenCalledTimes(1);
});

it('can be switched off', () => {
  const down = vi.fn();
  stop = onKey({ j: down });
  enableShortcuts(false);
  press('j');
  expect(down).not.toHaveBeenCalled();
});

it('is inert under a dialog', () => {
  const down = vi.fn();
  stop = onKey({ j: down });
  document.body.innerHTML = '<div aria-modal="true"></div>';
  press('j');
  expect(down).not.toHaveBeenCalled();
});

it('goes with g and a second key', () => {
  const go = vi.fn();
  stop = onGoKey({ r: go });
  press('r');
  press('g');
  press('r');
  press('r');
  expect(go).toHaveBeenCalledTimes(1);
});
