import { useTranslation } from 'react-i18next';
import type { Capabilities } from '@/api/types';
import { Dialog } from '@/components/Dialog';
import { pagesFor } from './pages';
import styles from './HelpDialog.module.css';

interface HelpDialogProps {
  capabilities: Capabilities | undefined;
  opened: boolean;
  onClose: () => void;
}

const general = [
  ['⌘/Ctrl K', 'palette'],
  ['/', 'filter'],
  ['j k', 'rows'],
  ['↵', 'open'],
  ['[ ]', 'neighbours'],
  ['?', 'help'],
  ['Esc', 'close'],
] as const;

/** The keyboard, on one page. */
export function HelpDialog({ capabilities, opened, onClose }: HelpDialogProps) {
  const { t } = useTranslation();
  return (
    <Dialog opened={opened} onClose={onClose} title={t('help.title')} size={560}>
      <div className={styles.columns}>
        <dl className={styles.keys}>
          {general.map(([keys, name]) => (
            <Entry key={name} keys={keys} text={t(`help.${name}`)} />
          ))}
        </dl>
        <dl className={styles.keys}>
          {pagesFor(capabilities).map(
            (page) =>
              'key' in page && (
                <Entry key={page.name} keys={`g ${page.key}`} text={t(`page.${page.name}`)} />
              ),
          )}
        </dl>
      </div>
      <p className={styles.note}>{t('help.note')}</p>
    </Dialog>
  );
}

function Entry({ keys, text }: { keys: string; text: string }) {
  return (
    <div className={styles.entry}>
      <dt>
        <kbd>{keys}</kbd>
      </dt>
      <dd>{text}</dd>
    </div>
  );
}
