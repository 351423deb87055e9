import { lazy, Suspense } from 'react';
import styles from './Answer.module.css';

const Markdown = lazy(() => import('./Markdown'));

/** The text of a model; as Markdown once that part of the console has come. */
export function Answer({ text }: { text: string }) {
  return (
    <Suspense fallback={<p className={styles.plain}>{text}</p>}>
      <Markdown text={text} />
    </Suspense>
  );
}
