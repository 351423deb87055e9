import { useState } from 'react';
import { SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { maskKey } from '@/lib/ids';
import { languages, snippet, type Call, type Language } from '@/lib/snippets';
import { CodeBlock } from './CodeBlock';
import styles from './Snippets.module.css';

const titles: Record<Language, string> = {
  curl: 'curl',
  python: 'Python',
  node: 'Node',
  go: 'Go',
};

/** The call in four languages: the key is masked on the screen and real in the copy. */
export function Snippets({ call }: { call: Omit<Call, 'origin'> }) {
  const { t } = useTranslation();
  const [language, setLanguage] = useState<Language>('curl');
  const full = { ...call, origin: window.location.origin };
  return (
    <div className={styles.snippets}>
      <div className={styles.bar}>
        <SegmentedControl
          size="xs"
          value={language}
          onChange={(value) => setLanguage(value as Language)}
          data={languages.map((value) => ({ value, label: titles[value] }))}
          aria-label={t('snippet.language')}
        />
        <span className={styles.note}>{t('snippet.keyOnCopy')}</span>
      </div>
      <CodeBlock
        label={t('snippet.code', { language: titles[language] })}
        code={snippet(language, { ...full, apiKey: maskKey(call.apiKey) })}
        copyValue={snippet(language, full)}
      />
    </div>
  );
}
