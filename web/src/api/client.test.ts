import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { gateway, unwrap } from './client';
import { Problem } from './problem';
import { accept } from './session';

const auth = (token: string) => ({
  accessToken: token,
  expiresIn: 86400,
  tokenType: 'Bearer',
  user: { sub: 'u1', username: 'ada', role: ['user'] },
});
const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });

const sent: { url: string; token: string | null; body: string }[] = [];
let respond: (url: string, token: string | null) => Response;

beforeEach(() => {
  sent.length = 0;
  vi.stubGlobal('fetch', async (input: Request | string) => {
    const request = input instanceof Request ? input : new Request(new URL(input, location.origin));
    const token = request.headers.get('Authorization');
    sent.push({ url: new URL(request.url).pathname, token, body: await request.text() });
    return respond(new URL(request.url).pathname, token);
  });
});
afterEach(() => vi.unstubAllGlobals());

it('sends the same body again after renewing an expired token', async () => {
  accept(auth('old'));
  respond = (url, token) => {
    if (url === '/api/console/session') return json(200, auth('new'));
    return token === 'Bearer new' ? json(201, { secret: 'sk-1' }) : json(401, {});
  };
  const body = { name: 'ci', scopes: ['*'] };
  const created = await unwrap(gateway.POST('/api/v1/api-keys', { body }));
  expect(created.secret).toBe('sk-1');
  const posts = sent.filter((call) => call.url === '/api/v1/api-keys');
  expect(posts.map((call) => call.token)).toEqual(['Bearer old', 'Bearer new']);
  expect(posts.map((call) => JSON.parse(call.body))).toEqual([body, body]);
});

it('throws a Problem with code and request id', async () => {
  accept(auth('ok'));
  respond = () =>
    json(403, { error: { code: 'forbidden', message: 'no', status: 403, requestId: 'r9' } });
  const failure = unwrap(gateway.GET('/api/admin/platforms'));
  await expect(failure).rejects.toBeInstanceOf(Problem);
  await expect(failure).rejects.toMatchObject({ code: 'forbidden', requestId: 'r9', status: 403 });
});

it('reports a lost connection as a network problem', async () => {
  respond = () => {
    throw new TypeError('Failed to fetch');
  };
  await expect(unwrap(gateway.GET('/api/v1/me'))).rejects.toMatchObject({
    code: 'network',
    status: 0,
  });
});
