import { useEffect, useRef, useState } from 'react';
import { Button } from '@mantine/core';
import { IconEraser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { modelsQuery, playableKeysQuery } from '@/api/queries';
import type { CallableModel, Estimate, PlayableKey } from '@/api/types';
import { EmptyState } from '@/components/EmptyState';
import { Page } from '@/components/Page';
import { ProblemBanner } from '@/components/ProblemBanner';
import { Composer } from './Composer';
import { defaultParams } from './params';
import { SettingsPanel } from './SettingsPanel';
import { TurnView } from './TurnView';
import { useChat } from './useChat';
import styles from './Chat.module.css';

/** Talk to a model as any caller would, with a real key, and see what it cost. */
export function ChatPage() {
  const { t } = useTranslation('play');
  const models = useQuery(modelsQuery);
  const keys = useQuery(playableKeysQuery);
  const chatModels = models.data?.filter((model) => model.types.includes('chat'));
  const error = models.error ?? keys.error;
  const usable = keys.data?.filter((key) => key.status === 'active' && key.secret);
  return (
    <Page title={t('title')} fill>
      {error && <ProblemBanner error={error} />}
      {usable?.length === 0 && (
        <EmptyState title={t('noKey.title')} hint={t('noKey.hint')}>
          <Button component={Link} to="/keys">
            {t('noKey.action')}
          </Button>
        </EmptyState>
      )}
      {chatModels?.length === 0 && (
        <EmptyState title={t('noModel.title')} hint={t('noModel.hint')} />
      )}
      {chatModels && chatModels.length > 0 && usable && usable.length > 0 && (
        <Playground models={chatModels} keys={usable} />
      )}
    </Page>
  );
}

const route = getRouteApi('/app/play/chat');

interface PlaygroundProps {
  models: CallableModel[];
  keys: PlayableKey[];
}

function Playground({ models, keys }: PlaygroundProps) {
  const { t } = useTranslation('play');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [params, setParams] = useState(defaultParams);
  const [keyId, setKeyId] = useState(keys[0]!.id);
  const chat = useChat();
  const model = models.find((candidate) => candidate.alias === search.model) ?? models[0]!;
  const key = keys.find((candidate) => candidate.id === keyId) ?? keys[0]!;
  const send = (question: string, estimate?: Estimate) =>
    void chat.send({ apiKey: key.secret!, model: model.alias, params, question, estimate });
  return (
    <div className={styles.layout}>
      <section className={styles.pane} aria-label={t('conversation')}>
        <Conversation chat={chat} onPrompt={send} />
        <Composer
          bodyOf={(text) => chat.bodyOf(model.alias, params, text)}
          streaming={chat.streaming}
          onSend={send}
          onStop={chat.stop}
        />
      </section>
      <SettingsPanel
        models={models}
        model={model}
        onModel={(alias) => void navigate({ search: { model: alias }, replace: true })}
        keys={keys}
        apiKey={key}
        onKey={setKeyId}
        params={params}
        onParams={setParams}
      >
        <Button
          variant="default"
          leftSection={<IconEraser size={16} />}
          onClick={chat.clear}
          disabled={chat.turns.length === 0 || chat.streaming}
        >
          {t('clear')}
        </Button>
      </SettingsPanel>
    </div>
  );
}

interface ConversationProps {
  chat: ReturnType<typeof useChat>;
  onPrompt: (text: string) => void;
}

function Conversation({ chat, onPrompt }: ConversationProps) {
  const { t } = useTranslation('play');
  const scroller = useRef<HTMLDivElement>(null);
  const length = chat.turns.at(-1)?.text.length;
  useEffect(() => {
    const box = scroller.current;
    const nearEnd = box && box.scrollHeight - box.scrollTop - box.clientHeight < 160;
    if (nearEnd) box.scrollTop = box.scrollHeight;
  }, [length, chat.turns.length]);
  return (
    <div ref={scroller} className={styles.turns} tabIndex={0} aria-label={t('conversation')}>
      {chat.turns.length === 0 && <Starters onPrompt={onPrompt} />}
      {chat.turns.map((turn) => (
        <TurnView key={turn.id} turn={turn} />
      ))}
      <p className={styles.announce} role="status">
        {chat.turns.length > 0 && t(chat.streaming ? 'answering' : 'answered')}
      </p>
    </div>
  );
}

const starters = ['explain', 'translate', 'code', 'table'] as const;

function Starters({ onPrompt }: { onPrompt: (text: string) => void }) {
  const { t } = useTranslation('play');
  return (
    <div className={styles.starters}>
      <p>{t('starters')}</p>
      {starters.map((name) => (
        <button key={name} type="button" onClick={() => onPrompt(t(`starter.${name}`))}>
          {t(`starter.${name}`)}
        </button>
      ))}
    </div>
  );
}
