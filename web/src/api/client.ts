import createClient from 'openapi-fetch';
import type { paths as ConsolePaths } from './generated/console';
import type { paths as GatewayPaths } from './generated/gateway';
import type { paths as ReferencePaths } from './generated/reference';
import { asProblem, isAbort, problemFrom, type Surface } from './problem';
import { bearer, reauthenticate } from './session';

/** Sends with the session's token; on 401 renews it, or waits for a new sign-in, and sends again. */
async function authorised(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await fetch(withToken(request));
  if (response.status !== 401 || !(await reauthenticate())) return response;
  return fetch(withToken(again));
}

function withToken(request: Request): Request {
  const token = bearer();
  if (token) request.headers.set('Authorization', `Bearer ${token}`);
  return request;
}

const options = { baseUrl: globalThis.location?.origin ?? '', fetch: authorised };

/** Operations of the gateway contract. */
export const gateway = createClient<GatewayPaths>(options);

/** Operations of the console's own contract. */
export const consoleApi = createClient<ConsolePaths>(options);

/** The documents of the surfaces. */
export const referenceApi = createClient<ReferencePaths>(options);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a call; throws a Problem for every other end, except the caller's own abort. */
export async function unwrap<T>(
  call: Promise<Answer<T>>,
  surface: Surface = 'gateway',
): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : asProblem(thrown, surface);
  }
  if (!answer.response.ok) throw problemFrom(answer.response, answer.error, surface);
  return answer.data as T;
}
