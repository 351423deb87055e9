import { useRef, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { streamChat, type ChatResult } from '@/api/chat';
import { walletQuery } from '@/api/queries';
import type { Estimate } from '@/api/types';
import { chatBody, type ChatParams, type Message } from './params';

/** One question with its answer, finished or still growing. */
export interface Turn {
  id: number;
  question: string;
  text: string;
  reasoning: string;
  model: string;
  /** What the server thought the message would cost; absent when it was not asked in time. */
  estimate?: Estimate;
  /** Absent while it streams. */
  result?: ChatResult;
}

interface SendInput {
  apiKey: string;
  model: string;
  params: ChatParams;
  question: string;
  estimate?: Estimate;
}

/** The conversation and its running answer. Stop keeps the text so far. */
export function useChat() {
  const [turns, setTurns] = useState<Turn[]>([]);
  const running = useRef<AbortController>(null);
  const client = useQueryClient();

  const patch = (id: number, part: Partial<Turn>) =>
    setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...part } : turn)));

  /** The request that goes on with the conversation so far. */
  const bodyOf = (model: string, params: ChatParams, question: string) =>
    chatBody(model, params, [...historyOf(turns), { role: 'user', content: question }]);

  const send = async ({ apiKey, model, params, question, estimate }: SendInput) => {
    const id = turns.length;
    const abort = new AbortController();
    running.current = abort;
    setTurns((all) => [...all, { id, question, model, estimate, text: '', reasoning: '' }]);
    const result = await streamChat({
      apiKey,
      body: bodyOf(model, params, question),
      signal: abort.signal,
      onText: (text, reasoning) => patch(id, { text, reasoning }),
    });
    patch(id, { result });
    void client.invalidateQueries({ queryKey: walletQuery.queryKey });
  };

  const last = turns.at(-1);
  return {
    turns,
    streaming: last !== undefined && last.result === undefined,
    bodyOf,
    send,
    stop: () => running.current?.abort(),
    clear: () => setTurns([]),
  };
}

/** What the model is told of the turns before; turns without any answer are left out. */
export function historyOf(turns: Turn[]): Message[] {
  return turns
    .filter((turn) => turn.text)
    .flatMap((turn) => [
      { role: 'user' as const, content: turn.question },
      { role: 'assistant' as const, content: turn.text },
    ]);
}
