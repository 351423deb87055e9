import { useEffect, useState } from 'react';
import { onKey } from '@/lib/keys';

/** j and k move through the rows, ↵ opens one. Gives the index of the active row, −1 for none. */
export function useRowKeys(count: number, open: (index: number) => void): number {
  const [active, setActive] = useState(-1);
  useEffect(
    () =>
      onKey({
        j: () => setActive((index) => Math.min(count - 1, index + 1)),
        k: () => setActive((index) => Math.max(0, index - 1)),
        Enter: (event) => {
          if (active < 0 || active >= count || event.target !== document.body) return;
          open(active);
        },
      }),
    [count, active, open],
  );
  return Math.min(active, count - 1);
}
