import { useTranslation } from 'react-i18next';
import english from './english.json';
import type { Operation } from './spec';

const translations: Record<string, string> = english;

/** What the documents say, in the reader's language where they have it. */
export function textsIn(language: string) {
  const chinese = language.startsWith('zh');
  return {
    summary: ({ summary }: Pick<Operation, 'summary'>) => (chinese ? summary.zh : summary.en),
    prose: (text: string | undefined) => (chinese ? text : text && (translations[text] ?? text)),
  };
}

export function useTexts() {
  return textsIn(useTranslation().i18n.language);
}
