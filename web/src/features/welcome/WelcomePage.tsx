import { useRef, useState } from 'react';
import { Button } from '@mantine/core';
import { IconPlayerPlayFilled, IconPlayerStopFilled } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { gateway, unwrap } from '@/api/client';
import { streamChat, type ChatResult } from '@/api/chat';
import { capabilitiesQuery, modelsQuery, playableKeysQuery } from '@/api/queries';
import type { CallableModel, PlayableKey } from '@/api/types';
import { Answer } from '@/components/Answer';
import { CallFacts } from '@/components/CallFacts';
import { ConnectPlatform } from '@/components/connect/ConnectPlatform';
import { EmptyState } from '@/components/EmptyState';
import { Card, Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { SimTag } from '@/components/SimTag';
import { Snippets } from '@/components/Snippets';
import styles from './Welcome.module.css';

/** From nothing to a first answer: run it, copy it, connect a real provider. */
export function WelcomePage() {
  const { t } = useTranslation('welcome');
  const models = useQuery(modelsQuery);
  const keys = useQuery(playableKeysQuery);
  const capabilities = useQuery(capabilitiesQuery);
  const error = models.error ?? keys.error;
  const model = pickModel(models.data);
  const key = keys.data?.find((candidate) => candidate.status === 'active' && candidate.secret);
  const mayConnect = capabilities.data?.capabilities.includes('platforms.write');
  return (
    <Page title={t('title')} subtitle={t('subtitle')} width="content">
      {error && <ProblemBanner error={error} />}
      {models.data && !model && <EmptyState title={t('noModel.title')} hint={t('noModel.hint')} />}
      {keys.data && !key && <CreateFirstKey />}
      {model && key && <FirstCall model={model} apiKey={key} />}
      {mayConnect && (
        <Card title={t('connect.title')}>
          <p className={styles.lead}>{t('connect.lead')}</p>
          <ConnectPlatform />
        </Card>
      )}
    </Page>
  );
}

/** Nothing to call with yet: one click makes the key. */
function CreateFirstKey() {
  const { t } = useTranslation('welcome');
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: () =>
      unwrap(gateway.POST('/api/v1/api-keys', { body: { name: 'first-key', scopes: ['*'] } })),
    onSuccess: () => client.invalidateQueries({ queryKey: playableKeysQuery.queryKey }),
  });
  return (
    <EmptyState title={t('noKey.title')} hint={t('noKey.hint')}>
      {create.error ? (
        <ProblemBanner error={create.error} onRetry={() => create.mutate()} />
      ) : (
        <Button loading={create.isPending} onClick={() => create.mutate()}>
          {t('noKey.action')}
        </Button>
      )}
    </EmptyState>
  );
}

/** The simulator's plain chat model if it is there, else any chat model. */
function pickModel(models: CallableModel[] | undefined): CallableModel | undefined {
  const chat = models?.filter((model) => model.types.includes('chat'));
  return chat?.find((model) => model.alias === 'sim-chat') ?? chat?.[0];
}

function FirstCall({ model, apiKey }: { model: CallableModel; apiKey: PlayableKey }) {
  const { t } = useTranslation('welcome');
  const body = {
    model: model.alias,
    messages: [{ role: 'user', content: t('prompt') }],
    stream: true,
  };
  const run = useRun(apiKey.secret!, body);
  return (
    <div className={styles.columns}>
      <Card title={t('call.title')} actions={model.simulated && <SimTag />}>
        <Snippets call={{ apiKey: apiKey.secret!, body }} />
        <p className={styles.note}>{t('call.key', { name: apiKey.name })}</p>
      </Card>
      <Card title={t('answer.title')} actions={<RunButton run={run} />} simulated={model.simulated}>
        <div className={styles.answer} aria-live="off">
          {run.text ? (
            <Answer text={run.text} />
          ) : (
            <span className={styles.placeholder}>{t('answer.placeholder')}</span>
          )}
        </div>
        {run.result?.problem && <ProblemBanner error={run.result.problem} />}
        {run.result && (
          <div className={styles.facts}>
            <CallFacts result={run.result} inspect={t('answer.inspect')} />
          </div>
        )}
        <span className={styles.announce} role="status">
          {run.running ? t('answer.running') : run.result && t('answer.done')}
        </span>
      </Card>
    </div>
  );
}

function useRun(apiKey: string, body: { model: string }) {
  const [text, setText] = useState('');
  const [result, setResult] = useState<ChatResult>();
  const [running, setRunning] = useState(false);
  const abort = useRef<AbortController>(null);
  const start = async () => {
    abort.current = new AbortController();
    setText('');
    setResult(undefined);
    setRunning(true);
    const { signal } = abort.current;
    setResult(await streamChat({ apiKey, body, signal, onText: setText }));
    setRunning(false);
  };
  return { text, result, running, start, stop: () => abort.current?.abort() };
}

function RunButton({ run }: { run: ReturnType<typeof useRun> }) {
  const { t } = useTranslation('welcome');
  if (run.running) {
    return (
      <Button variant="default" leftSection={<IconPlayerStopFilled size={14} />} onClick={run.stop}>
        {t('stop')}
      </Button>
    );
  }
  return (
    <Button leftSection={<IconPlayerPlayFilled size={14} />} onClick={() => void run.start()}>
      {t(run.result ? 'runAgain' : 'run')}
    </Button>
  );
}
