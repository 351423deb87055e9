import { useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './CopyButton';
import styles from './Markdown.module.css';

/**
 * Markdown as elements: HTML inside the text stays text, links may only be http, https or mailto,
 * and a remote picture is loaded when the reader asks for it.
 */
export default function Markdown({ text }: { text: string }) {
  return (
    <div className={styles.markdown}>
      <ReactMarkdown remarkPlugins={plugins} components={components} skipHtml>
        {text}
      </ReactMarkdown>
    </div>
  );
}

const plugins = [remarkGfm];

const components: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  ),
  img: ({ src, alt }) => <Picture src={typeof src === 'string' ? src : ''} alt={alt ?? ''} />,
  pre: ({ children, node }) => (
    <div className={styles.code}>
      <pre tabIndex={0}>{children}</pre>
      <CopyCode text={textOf(node)} />
    </div>
  ),
  table: ({ children }) => (
    <div className={styles.table}>
      <table>{children}</table>
    </div>
  ),
};

function CopyCode({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <span className={styles.copy}>
      <CopyButton value={text} label={t('code')} />
    </span>
  );
}

function Picture({ src, alt }: { src: string; alt: string }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(src.startsWith('/') && !src.startsWith('//'));
  if (wanted) return <img src={src} alt={alt} referrerPolicy="no-referrer" />;
  return (
    <button type="button" className={styles.picture} onClick={() => setWanted(true)}>
      {t('loadPicture', { alt: alt || src })}
    </button>
  );
}

interface TreeNode {
  value?: unknown;
  children?: TreeNode[];
}

/** All text below a node of the tree. */
function textOf(node: unknown): string {
  const { value, children = [] } = (node ?? {}) as TreeNode;
  return typeof value === 'string' ? value : children.map(textOf).join('');
}
