import { readEvents } from '@/lib/sse';
import { gateway, unwrap } from './client';
import { pageFrom } from './page';
import { asProblem, isAbort, Problem, problemFrom } from './problem';
import type { Task } from './types';

/** One chat call with an API key, as any caller would make it. */
export interface ChatCall {
  apiKey: string;
  body: Record<string, unknown> & { model: string };
  signal: AbortSignal;
  /** Called once per animation frame with the text so far, not once per token. */
  onText: (text: string, reasoning: string) => void;
}

export interface ChatResult {
  text: string;
  reasoning: string;
  /** `stopped`: the caller ended it; the text so far is kept. */
  end: 'finished' | 'stopped' | 'failed';
  problem?: Problem;
  requestId?: string;
  /** Milliseconds to the first token, as seen here; absent when none came. */
  ttftMs?: number;
  totalMs: number;
  outputTokens?: number;
  inputTokens?: number;
}

interface Chunk {
  choices?: { delta?: { content?: string; reasoning_content?: string } }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: { code?: string; type?: string; message?: string };
}

/** Sends a chat call and streams the answer. Never throws: the end is told in the result. */
export async function streamChat(call: ChatCall): Promise<ChatResult> {
  const started = performance.now();
  const result: ChatResult = { text: '', reasoning: '', end: 'finished', totalMs: 0 };
  const paint = framed(() => call.onText(result.text, result.reasoning));
  try {
    const response = await send(call);
    result.requestId = response.headers.get('X-Request-Id') ?? undefined;
    for await (const event of readEvents(response.body!)) {
      if (event.data === '[DONE]') break;
      apply(result, JSON.parse(event.data) as Chunk, performance.now() - started);
      paint();
    }
  } catch (thrown) {
    result.end = isAbort(thrown) ? 'stopped' : 'failed';
    if (!isAbort(thrown)) result.problem = asProblem(thrown, 'relay');
    result.requestId ??= result.problem?.requestId;
  }
  result.totalMs = performance.now() - started;
  call.onText(result.text, result.reasoning);
  return result;
}

async function send({ apiKey, body, signal }: ChatCall): Promise<Response> {
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok || !response.body) {
    throw problemFrom(response, await response.json().catch(() => undefined), 'relay');
  }
  return response;
}

function apply(result: ChatResult, chunk: Chunk, elapsed: number) {
  if (chunk.error) {
    const { code, type, message } = chunk.error;
    throw new Problem({
      code: code ?? type ?? 'stream_error',
      message: message ?? '',
      status: 200,
      surface: 'relay',
    });
  }
  const delta = chunk.choices?.[0]?.delta;
  result.text += delta?.content ?? '';
  result.reasoning += delta?.reasoning_content ?? '';
  if (result.ttftMs === undefined && (result.text || result.reasoning)) result.ttftMs = elapsed;
  result.inputTokens = chunk.usage?.prompt_tokens ?? result.inputTokens;
  result.outputTokens = chunk.usage?.completion_tokens ?? result.outputTokens;
}

/** At most one run per frame. */
function framed(run: () => void): () => void {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      run();
    });
  };
}

/**
 * The stored task of a call, found by its request id. Undefined while it is not recorded yet:
 * the record is written just after the answer ends.
 */
export async function findTask(requestId: string, signal?: AbortSignal): Promise<Task | undefined> {
  const query = { q: requestId, page: 1, pageSize: 1 };
  const answer = await unwrap(gateway.GET('/api/workspace/tasks', { params: { query }, signal }));
  const task = pageFrom<Task>(answer).items[0];
  return task && task.requestId === requestId ? task : undefined;
}
