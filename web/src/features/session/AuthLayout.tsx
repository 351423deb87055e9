import { useEffect } from 'react';
import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '@/components/usePreferences';
import type { Locale } from '@/i18n';
import { Harbour } from './Harbour';
import styles from './AuthLayout.module.css';

interface AuthLayoutProps {
  title: string;
  lead?: string;
  children: React.ReactNode;
}

/** The frame of the pages before sign-in: one card, language and theme. */
export function AuthLayout({ title, lead, children }: AuthLayoutProps) {
  useEffect(() => {
    document.title = `${title} · Gantry`;
  }, [title]);
  return (
    <div className={styles.frame}>
      <header className={styles.header}>
        <span className={styles.brand}>Gantry</span>
        <Choices />
      </header>
      <main className={styles.main}>
        <section className={styles.card}>
          <Harbour />
          <div className={styles.body}>
            <h1>{title}</h1>
            {lead && <p className={styles.lead}>{lead}</p>}
            {children}
          </div>
        </section>
      </main>
    </div>
  );
}

function Choices() {
  const { t, i18n } = useTranslation();
  const { colorScheme } = useMantineColorScheme();
  const { change } = usePreferences();
  return (
    <div className={styles.choices}>
      <SegmentedControl
        size="xs"
        aria-label={t('language')}
        value={i18n.language}
        onChange={(locale) => change({ locale: locale as Locale })}
        data={[
          { value: 'zh-CN', label: '中文' },
          { value: 'en', label: 'English' },
        ]}
      />
      <SegmentedControl
        size="xs"
        aria-label={t('theme.label')}
        value={colorScheme === 'auto' ? 'system' : colorScheme}
        onChange={(theme) => change({ theme: theme as 'light' | 'dark' | 'system' })}
        data={(['light', 'dark', 'system'] as const).map((value) => ({
          value,
          label: t(`theme.${value}`),
        }))}
      />
    </div>
  );
}
