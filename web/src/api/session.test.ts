import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const auth = (token: string) => ({
  accessToken: token,
  expiresIn: 86400,
  tokenType: 'Bearer',
  user: { sub: 'u1', username: 'ada', role: ['user'] },
});

const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });

let answers: (() => Response)[] = [];
const fetchMock = vi.fn(() => Promise.resolve(answers.shift()!()));

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal('fetch', fetchMock);
  fetchMock.mockClear();
  answers = [];
});
afterEach(() => vi.unstubAllGlobals());

it('restores from the cookie, or is anonymous', async () => {
  const session = await import('./session');
  answers = [() => json(401, {})];
  await session.restore();
  expect(session.session().status).toBe('anonymous');
});

it('renews silently, with one request for many callers', async () => {
  const session = await import('./session');
  session.accept(auth('old'));
  answers = [() => json(200, auth('new'))];
  const results = await Promise.all([session.reauthenticate(), session.reauthenticate()]);
  expect(results).toEqual([true, true]);
  expect(fetchMock).toHaveBeenCalledTimes(1);
  expect(session.bearer()).toBe('new');
});

it('keeps calls waiting until the person signs in again', async () => {
  const session = await import('./session');
  session.accept(auth('old'));
  answers = [() => json(401, {}), () => json(200, auth('again'))];
  const call = session.reauthenticate();
  await vi.waitFor(() => expect(session.session().status).toBe('expired'));
  await session.signIn('ada', 'secret');
  expect(await call).toBe(true);
  expect(session.bearer()).toBe('again');
});

it('lets waiting calls fail when the person gives up', async () => {
  const session = await import('./session');
  session.accept(auth('old'));
  answers = [() => json(401, {})];
  const call = session.reauthenticate();
  await vi.waitFor(() => expect(session.session().status).toBe('expired'));
  session.giveUp();
  expect(await call).toBe(false);
  expect(session.bearer()).toBeUndefined();
});
