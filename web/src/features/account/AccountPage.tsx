import { useState } from 'react';
import { SegmentedControl, Select, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { capabilitiesQuery } from '@/api/queries';
import type { Preferences } from '@/api/types';
import { Facts } from '@/components/Facts';
import { Id } from '@/components/Id';
import { Missing } from '@/components/Missing';
import { Card, Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { usePreferences } from '@/components/usePreferences';
import { enableShortcuts, shortcutsEnabled } from '@/lib/keys';
import styles from './Account.module.css';

/** Who I am, and how I like to see the console. */
export function AccountPage() {
  const { t } = useTranslation('account');
  return (
    <Page title={t('title')} width="narrow">
      <Profile />
      <Display />
      <Keyboard />
    </Page>
  );
}

function Profile() {
  const { t } = useTranslation('account');
  const me = useQuery(capabilitiesQuery);
  const user = me.data?.user;
  return (
    <Card title={t('profile')}>
      {me.error && <ProblemBanner error={me.error} onRetry={() => void me.refetch()} />}
      {user && (
        <Facts
          rows={[
            [t('displayName'), user.displayName || <Missing />],
            [t('username'), user.username],
            [t('email'), user.email || <Missing />],
            [t('roles'), user.roles.join(' · ')],
            ['ID', <Id key="id" value={user.id} label="ID" whole />],
          ]}
        />
      )}
    </Card>
  );
}

function Display() {
  const { t } = useTranslation('account');
  const { preferences, change, error } = usePreferences();
  if (!preferences) return null;
  return (
    <Card title={t('display')}>
      <div className={styles.rows}>
        <Row label={t('language')}>
          <SegmentedControl
            aria-label={t('language')}
            value={preferences.locale}
            onChange={(value) => change({ locale: value as Preferences['locale'] })}
            data={[
              { value: 'zh-CN', label: '简体中文' },
              { value: 'en', label: 'English' },
            ]}
          />
        </Row>
        <Row label={t('common:theme.label')}>
          <SegmentedControl
            aria-label={t('common:theme.label')}
            value={preferences.theme}
            onChange={(value) => change({ theme: value as Preferences['theme'] })}
            data={(['light', 'dark', 'system'] as const).map((value) => ({
              value,
              label: t(`common:theme.${value}`),
            }))}
          />
        </Row>
        <Row label={t('density')}>
          <SegmentedControl
            aria-label={t('density')}
            value={preferences.density}
            onChange={(value) => change({ density: value as Preferences['density'] })}
            data={(['compact', 'comfortable'] as const).map((value) => ({
              value,
              label: t(`densities.${value}`),
            }))}
          />
        </Row>
        <Row label={t('timeZone')}>
          <Select
            w={260}
            aria-label={t('timeZone')}
            searchable
            value={preferences.timeZone}
            onChange={(value) => change({ timeZone: value ?? '' })}
            data={[
              { value: '', label: t('browserZone', { zone: browserZone() }) },
              ...Intl.supportedValuesOf('timeZone'),
            ]}
            allowDeselect={false}
            limit={60}
          />
        </Row>
      </div>
      {error && <ProblemBanner error={error} />}
    </Card>
  );
}

function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function Keyboard() {
  const { t } = useTranslation('account');
  const [enabled, setEnabled] = useState(shortcutsEnabled);
  return (
    <Card title={t('keyboard')}>
      <Switch
        label={t('singleKeys')}
        description={t('singleKeysHint')}
        checked={enabled}
        onChange={(event) => {
          enableShortcuts(event.currentTarget.checked);
          setEnabled(event.currentTarget.checked);
        }}
      />
    </Card>
  );
}

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className={styles.row}>
      <span>{label}</span>
      {children}
    </div>
  );
}
