import { CopyButton } from './CopyButton';
import styles from './CodeBlock.module.css';

interface CodeBlockProps {
  code: string;
  label: string;
  /** What copying gives, when it differs from what is shown (a masked key). */
  copyValue?: string;
}

/** Code with a copy button; scrolls by itself and by keyboard. */
export function CodeBlock({ code, label, copyValue }: CodeBlockProps) {
  return (
    <div className={styles.block}>
      <pre tabIndex={0} aria-label={label}>
        {code}
      </pre>
      <div className={styles.copy}>
        <CopyButton value={copyValue ?? code} label={label} />
      </div>
    </div>
  );
}
