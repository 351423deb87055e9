import { useEffect, useRef } from 'react';
import { Link } from '@tanstack/react-router';
import { Method } from './Method';
import { byTag, type Operation } from './spec';
import { useTexts } from './texts';
import styles from './Reference.module.css';

interface OperationListProps {
  surface: string;
  operations: Operation[];
  selected: string | undefined;
}

/** Links to operations under their tags; the chosen one is kept in sight. */
export function OperationList({ surface, operations, selected }: OperationListProps) {
  const { summary } = useTexts();
  const chosen = useRef<HTMLAnchorElement>(null);
  useEffect(() => chosen.current?.scrollIntoView?.({ block: 'nearest' }), [selected]);
  return byTag(operations).map(([tag, group]) => (
    <section key={tag} className={styles.group}>
      <h2>{tag}</h2>
      <ul>
        {group.map((operation) => (
          <li key={operation.id}>
            <Link
              ref={operation.id === selected ? chosen : undefined}
              to="/reference"
              search={(old) => ({ ...old, surface, op: operation.id })}
              aria-current={operation.id === selected ? 'page' : undefined}
              preload={false}
            >
              <Method method={operation.method} />
              <span>
                {summary(operation)}
                <code>{operation.path}</code>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  ));
}
