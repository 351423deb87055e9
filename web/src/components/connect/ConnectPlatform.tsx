import { useState } from 'react';
import { Button, Collapse, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { consoleApi, unwrap } from '@/api/client';
import { modelsQuery } from '@/api/queries';
import type { Adapter, PlatformTestReport } from '@/api/types';
import { ProblemBanner } from '../ProblemBanner';
import { Field } from './Field';
import { draftFor, isComplete, requestFrom, split, type Draft } from './draft';
import { ModelPicker } from './ModelPicker';
import { TestSteps } from './TestSteps';
import styles from './Connect.module.css';

interface ConnectPlatformProps {
  onConnected?: () => void;
}

/** Connects a real provider: three fields, a stepwise test, the models to take. */
export function ConnectPlatform({ onConnected }: ConnectPlatformProps) {
  const adapters = useQuery({
    queryKey: ['adapters'],
    queryFn: async ({ signal }) =>
      (await unwrap(consoleApi.GET('/api/console/adapters', { signal }), 'console')).items,
    staleTime: Infinity,
  });
  if (adapters.error) {
    return <ProblemBanner error={adapters.error} onRetry={() => void adapters.refetch()} />;
  }
  const real = adapters.data?.filter((adapter) => adapter.name !== 'simulation');
  if (!real?.[0]) return null;
  return <ConnectForm adapters={real} onConnected={onConnected} />;
}

interface ConnectFormProps extends ConnectPlatformProps {
  adapters: Adapter[];
}

function ConnectForm({ adapters, onConnected }: ConnectFormProps) {
  const { t } = useTranslation('connect');
  const [draft, setDraft] = useState(() => draftFor(adapters[0]!));
  const [connected, setConnected] = useState<string>();
  const adapter = adapters.find(({ name }) => name === draft.provider) ?? adapters[0]!;
  const test = useMutation({
    mutationFn: () => {
      const body = requestFrom(adapter, draft);
      return unwrap(consoleApi.POST('/api/console/platforms/test', { body }), 'console');
    },
  });
  const change = (next: Draft) => {
    setDraft(next);
    setConnected(undefined);
    test.reset();
  };
  return (
    <div className={styles.connect}>
      <form
        className={styles.fields}
        onSubmit={(event) => {
          event.preventDefault();
          test.mutate();
        }}
      >
        <Fields adapters={adapters} adapter={adapter} draft={draft} onChange={change} />
        <div>
          <Button
            type="submit"
            variant={test.data?.ok ? 'default' : 'filled'}
            disabled={!isComplete(adapter, draft)}
            loading={test.isPending}
          >
            {t('test')}
          </Button>
        </div>
      </form>
      <div className={styles.result}>
        {test.error && <ProblemBanner error={test.error} />}
        <TestSteps report={test.data} running={test.isPending} />
        {connected && <p className={styles.done}>{connected}</p>}
        {test.data?.ok && !connected && (
          <Models
            adapter={adapter}
            draft={draft}
            report={test.data}
            onDone={(message) => {
              setConnected(message);
              onConnected?.();
            }}
          />
        )}
      </div>
    </div>
  );
}

interface FieldsProps extends ConnectFormProps {
  adapter: Adapter;
  draft: Draft;
  onChange: (draft: Draft) => void;
}

function Fields({ adapters, adapter, draft, onChange }: FieldsProps) {
  const { t } = useTranslation('connect');
  const [more, setMore] = useState(false);
  const { asked, optional } = split(adapter);
  const setValue = (name: string) => (value: string) =>
    onChange({ ...draft, values: { ...draft.values, [name]: value } });
  const needsUrl = adapter.defaultBaseUrl === '';
  const url = (
    <TextInput
      label={t('baseUrl')}
      type="url"
      value={draft.baseUrl}
      onChange={(event) => onChange({ ...draft, baseUrl: event.currentTarget.value })}
      required={needsUrl}
    />
  );
  return (
    <>
      <Select
        label={t('provider')}
        data={adapters.map(({ name, title }) => ({ value: name, label: title }))}
        value={adapter.name}
        onChange={(value) => {
          const next = adapters.find(({ name }) => name === value);
          if (next) onChange(draftFor(next));
        }}
        searchable
        allowDeselect={false}
      />
      {needsUrl && url}
      {asked.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={draft.values[field.name] ?? ''}
          onChange={setValue(field.name)}
        />
      ))}
      <TextInput
        label={t('name')}
        value={draft.name}
        onChange={(event) => onChange({ ...draft, name: event.currentTarget.value })}
        required
      />
      <button
        type="button"
        className={styles.more}
        aria-expanded={more}
        onClick={() => setMore(!more)}
      >
        {t(more ? 'less' : 'more')}
      </button>
      <Collapse expanded={more}>
        <div className={styles.fields}>
          {!needsUrl && url}
          {optional.map((field) => (
            <Field
              key={field.name}
              field={field}
              value={draft.values[field.name] ?? ''}
              onChange={setValue(field.name)}
            />
          ))}
        </div>
      </Collapse>
    </>
  );
}

interface ModelsProps {
  adapter: Adapter;
  draft: Draft;
  report: PlatformTestReport;
  onDone: (message: string) => void;
}

function Models({ adapter, draft, report, onDone }: ModelsProps) {
  const { t } = useTranslation('connect');
  const client = useQueryClient();
  const offered = report.models.length > 0 ? report.models : suggestions(adapter);
  const [picked, setPicked] = useState(() => offered.map((model) => model.id));
  const connect = useMutation({
    mutationFn: () => {
      const body = { ...requestFrom(adapter, draft), name: draft.name.trim(), models: picked };
      return unwrap(consoleApi.POST('/api/console/platforms/connect', { body }), 'console');
    },
    onSuccess: ({ platform, models }) => {
      void client.invalidateQueries({ queryKey: ['platforms'] });
      void client.invalidateQueries({ queryKey: modelsQuery.queryKey });
      onDone(t('connected', { name: platform.name, count: models.length }));
    },
  });
  return (
    <>
      <ModelPicker models={offered} picked={picked} onPick={setPicked} />
      {connect.error && <ProblemBanner error={connect.error} />}
      <div>
        <Button
          onClick={() => connect.mutate()}
          loading={connect.isPending}
          disabled={picked.length === 0}
        >
          {t('connect', { count: picked.length })}
        </Button>
      </div>
    </>
  );
}

/** What to offer when the provider cannot list its models. */
function suggestions(adapter: Adapter): PlatformTestReport['models'] {
  return adapter.models.map((id) => ({ id, suggestedTypes: [] }));
}
