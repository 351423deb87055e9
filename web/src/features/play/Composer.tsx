import { useState } from 'react';
import { Button, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconArrowUp, IconPlayerStopFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { gateway, unwrap } from '@/api/client';
import type { Estimate } from '@/api/types';
import { Money } from '@/components/Money';
import type { ChatBody } from './params';
import styles from './Chat.module.css';

interface ComposerProps {
  /** The request that sends a text. */
  bodyOf: (text: string) => ChatBody;
  streaming: boolean;
  onSend: (text: string, estimate?: Estimate) => void;
  onStop: () => void;
}

/** Where one writes: ⌘↵ sends, Stop ends the answer and keeps its text. */
export function Composer({ bodyOf, streaming, onSend, onStop }: ComposerProps) {
  const { t } = useTranslation('play');
  const [draft, setDraft] = useState('');
  const estimate = useEstimate(bodyOf, streaming ? '' : draft.trim());
  const submit = () => {
    if (!draft.trim() || streaming) return;
    onSend(draft.trim(), estimate);
    setDraft('');
  };
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Textarea
        aria-label={t('message')}
        placeholder={t('placeholder')}
        autosize
        minRows={2}
        maxRows={10}
        variant="unstyled"
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) submit();
        }}
      />
      <div className={styles.composerFoot}>
        <EstimateLine estimate={estimate} />
        {streaming ? (
          <Button
            type="button"
            variant="default"
            leftSection={<IconPlayerStopFilled size={14} />}
            onClick={onStop}
          >
            {t('stop')}
          </Button>
        ) : (
          <Button type="submit" disabled={!draft.trim()} leftSection={<IconArrowUp size={16} />}>
            {t('send')}
          </Button>
        )}
      </div>
    </form>
  );
}

/** What the server thinks the draft will cost after all that was said, asked 300 ms after typing stops. */
function useEstimate(bodyOf: ComposerProps['bodyOf'], draft: string): Estimate | undefined {
  const [text] = useDebouncedValue(draft, 300);
  const body = bodyOf(text);
  const { data } = useQuery({
    queryKey: ['estimate', body],
    queryFn: ({ signal }) => {
      const call = gateway.POST('/api/v1/pricing/estimate', { body, signal });
      return unwrap(call);
    },
    enabled: text.length > 0,
    retry: false,
  });
  return text && text === draft ? data : undefined;
}

function EstimateLine({ estimate }: { estimate: Estimate | undefined }) {
  const { t } = useTranslation('play');
  return (
    <span className={styles.estimate}>
      {estimate?.amountText !== undefined ? (
        <>
          {t('estimated')} <Money text={estimate.amountText} currency={estimate.currency} />
        </>
      ) : (
        t('sendHint')
      )}
    </span>
  );
}
