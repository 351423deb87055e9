import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { consoleApi, gateway, unwrap } from '@/api/client';
import { pageFrom } from '@/api/page';
import { Problem, problemFrom } from '@/api/problem';
import { bearer } from '@/api/session';
import { isFinished } from '@/api/task';
import type { PreprocessingLog, Task } from '@/api/types';
import { readEvents } from '@/lib/sse';
import { resolveInstant } from '@/lib/time';
import type { requestsSearch } from './search';

type Search = ReturnType<typeof requestsSearch>;

export const defaultPageSize = 50;

/** One page of the caller's requests. Filters beyond the gateway's contract are additive. */
export function requestsQuery(search: Search) {
  return queryOptions({
    queryKey: ['requests', search],
    queryFn: async ({ signal }) => {
      const query = {
        q: search.q,
        modelType: search.kind,
        status: search.status,
        model: search.model,
        apiKeyId: search.key,
        simulated: search.sim,
        createdFrom: resolveInstant(search.from, Date.now()),
        page: search.page ?? 1,
        pageSize: search.pageSize ?? defaultPageSize,
      };
      const call = gateway.GET('/api/workspace/tasks', { params: { query }, signal });
      return pageFrom<Task>(await unwrap(call));
    },
    placeholderData: keepPreviousData,
  });
}

/** One request with attempts, lines and route. Asked again every 2 s while it runs. */
export function requestQuery(taskID: string) {
  return queryOptions({
    queryKey: ['request', taskID],
    queryFn: async ({ signal }) => {
      const params = { path: { taskID } };
      return (await unwrap(
        gateway.GET('/api/workspace/tasks/{taskID}', { params, signal }),
      )) as Task;
    },
    refetchInterval: ({ state }) => (state.data && !isFinished(state.data) ? 2000 : false),
  });
}

export function preprocessingQuery(taskID: string) {
  return queryOptions({
    queryKey: ['request', taskID, 'preprocessing'],
    queryFn: async ({ signal }) => {
      const params = { path: { taskID } };
      const path = '/api/workspace/tasks/{taskID}/param-preprocessing';
      const answer = await unwrap(gateway.GET(path, { params, signal }));
      return (answer.items ?? []) as PreprocessingLog[];
    },
  });
}

export function ledgerQuery(taskID: string) {
  return queryOptions({
    queryKey: ['request', taskID, 'ledger'],
    queryFn: ({ signal }) => {
      const params = { path: { taskID } };
      const call = consoleApi.GET('/api/console/tasks/{taskID}/ledger', { params, signal });
      return unwrap(call, 'console');
    },
  });
}

export interface TaskEvent {
  id?: string;
  type: string;
  data: unknown;
}

/** The events of a request so far. The stream may stay open: reading stops after a quiet second. */
export function eventsQuery(taskID: string) {
  return queryOptions({
    queryKey: ['request', taskID, 'events'],
    queryFn: ({ signal }) => readHistory(taskID, signal),
  });
}

async function readHistory(taskID: string, signal: AbortSignal): Promise<TaskEvent[]> {
  const path = `/api/workspace/tasks/${encodeURIComponent(taskID)}/events`;
  const quiet = new AbortController();
  const response = await fetch(path, {
    headers: { Authorization: `Bearer ${bearer() ?? ''}` },
    signal: AbortSignal.any([signal, quiet.signal]),
  });
  if (!response.ok || !response.body) {
    throw problemFrom(response, await response.json().catch(() => undefined), 'gateway');
  }
  const events: TaskEvent[] = [];
  let timer = setTimeout(() => quiet.abort(), 1000);
  try {
    for await (const { id, event, data } of readEvents(response.body)) {
      events.push({ id, type: event ?? 'message', data: parse(data) });
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), 1000);
    }
  } catch (thrown) {
    if (!quiet.signal.aborted || thrown instanceof Problem) throw thrown;
  } finally {
    clearTimeout(timer);
  }
  return events;
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
