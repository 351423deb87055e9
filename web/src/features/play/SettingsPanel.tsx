import { useState } from 'react';
import { NumberInput, Select, Textarea } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { CallableModel, PlayableKey } from '@/api/types';
import { Figure } from '@/components/Figure';
import { Facts } from '@/components/Facts';
import { Price } from '@/components/Price';
import { SimTag } from '@/components/SimTag';
import { changedParams, type ChatParams } from './params';
import styles from './Chat.module.css';

interface SettingsPanelProps {
  models: CallableModel[];
  model: CallableModel;
  onModel: (alias: string) => void;
  keys: PlayableKey[];
  apiKey: PlayableKey;
  onKey: (id: string) => void;
  params: ChatParams;
  onParams: (params: ChatParams) => void;
  children: React.ReactNode;
}

/** Model, key and settings beside the conversation. */
export function SettingsPanel(props: SettingsPanelProps) {
  const { models, model, keys, apiKey } = props;
  const { t } = useTranslation('play');
  const [open, setOpen] = useState(false);
  const noPrice: [string, React.ReactNode] = [t('price'), t('common:noPrice')];
  return (
    <aside className={styles.settings} data-open={open} aria-label={t('settings')}>
      <button
        type="button"
        className={styles.toggle}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {t('settings')} · {model.alias}
      </button>
      <Select
        label={t('model')}
        data={models.map(({ alias }) => alias)}
        value={model.alias}
        onChange={(value) => value && props.onModel(value)}
        searchable
        allowDeselect={false}
        rightSection={model.simulated ? <SimTag /> : undefined}
        rightSectionWidth={48}
      />
      <Facts
        rows={[
          [t('context'), <Figure key="context" value={model.contextWindow} />],
          ...model.pricing.map((line): [string, React.ReactNode] => [
            t(`common:resource.${line.resource}`, { defaultValue: line.resource }),
            <Price key={line.resource} line={line} />,
          ]),
          ...(model.pricing.length === 0 ? [noPrice] : []),
        ]}
      />
      <Select
        label={t('key')}
        data={keys.map(({ id = '', name = '' }) => ({ value: id, label: name }))}
        value={apiKey.id}
        onChange={(value) => value && props.onKey(value)}
        allowDeselect={false}
      />
      <Params {...props} />
      {props.children}
    </aside>
  );
}

function Params({ params, onParams, model }: SettingsPanelProps) {
  const { t } = useTranslation('play');
  const changed = changedParams(params);
  return (
    <>
      <Textarea
        label={t('system')}
        placeholder={t('systemPlaceholder')}
        autosize
        minRows={2}
        maxRows={8}
        value={params.system}
        onChange={(event) => onParams({ ...params, system: event.currentTarget.value })}
      />
      <div className={styles.pair}>
        <NumberInput
          label={t('temperature')}
          placeholder={t('modelDefault')}
          min={0}
          max={2}
          step={0.1}
          decimalScale={2}
          value={params.temperature}
          onChange={(value) => onParams({ ...params, temperature: String(value) })}
        />
        <NumberInput
          label={t('maxTokens')}
          placeholder={t('modelDefault')}
          min={1}
          max={model.maxOutputTokens}
          allowDecimal={false}
          value={params.maxTokens}
          onChange={(value) => onParams({ ...params, maxTokens: String(value) })}
        />
      </div>
      {changed > 0 && <p className={styles.changed}>{t('changed', { count: changed })}</p>}
    </>
  );
}
