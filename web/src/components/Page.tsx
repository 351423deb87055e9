import { useEffect } from 'react';
import styles from './Page.module.css';

interface PageProps {
  title: string;
  /** Beside the title: a tag, a status. */
  badge?: React.ReactNode;
  subtitle?: React.ReactNode;
  actions?: React.ReactNode;
  /** Above the title. */
  crumbs?: React.ReactNode;
  /** Tables use the full width; reading pages are narrower. */
  width?: 'full' | 'content' | 'narrow';
  /** The content takes the height of the window and scrolls by itself. */
  fill?: boolean;
  children: React.ReactNode;
}

/** A screen: heading, actions, content. Sets the title of the document. */
export function Page({
  title,
  badge,
  subtitle,
  actions,
  crumbs,
  width = 'full',
  fill,
  children,
}: PageProps) {
  useEffect(() => {
    document.title = `${title} · Gantry`;
  }, [title]);
  return (
    <div className={styles.page} data-width={width} data-fill={fill || undefined}>
      <header className={styles.header}>
        <div className={styles.heading}>
          {crumbs && <div className={styles.crumbs}>{crumbs}</div>}
          <div className={styles.title}>
            <h1>{title}</h1>
            {badge}
          </div>
          {subtitle && <div className={styles.subtitle}>{subtitle}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface CardProps {
  title?: React.ReactNode;
  actions?: React.ReactNode;
  /** Content touches the border: tables, code. */
  flush?: boolean;
  simulated?: boolean;
  children: React.ReactNode;
}

/** A bordered section with an optional heading. */
export function Card({ title, actions, flush, simulated, children }: CardProps) {
  return (
    <section
      className={styles.card}
      data-flush={flush || undefined}
      data-sim={simulated || undefined}
    >
      {(title || actions) && (
        <div className={styles.cardHead}>
          {title && <h2>{title}</h2>}
          {actions && <div className={styles.actions}>{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}
