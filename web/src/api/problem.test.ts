import { expect, it } from 'vitest';
import { asProblem, Problem, problemFrom } from './problem';

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, statusText: 'Status text', headers });

it('reads the gateway envelope', () => {
  const body = {
    error: {
      code: 'invalid_request',
      message: 'too short',
      status: 400,
      requestId: 'r1',
      path: 'password',
    },
  };
  expect(problemFrom(answer(400), body, 'console')).toMatchObject({
    code: 'invalid_request',
    message: 'too short',
    status: 400,
    requestId: 'r1',
    path: 'password',
    surface: 'console',
  });
});

it('reads the relay envelope and the headers', () => {
  const body = {
    error: { type: 'rate_limit_error', message: 'slow down', param: null, code: null },
  };
  const response = answer(429, { 'Retry-After': '12', 'X-Request-Id': 'r2' });
  expect(problemFrom(response, body, 'relay')).toMatchObject({
    code: 'rate_limit_error',
    requestId: 'r2',
    retryAfter: 12,
  });
});

it('has a code even when the body says nothing', () => {
  expect(problemFrom(answer(502), '<html>', 'gateway')).toMatchObject({
    code: 'http_502',
    message: 'Status text',
  });
});

it('calls a broken connection a network problem', () => {
  expect(asProblem(new TypeError('Failed to fetch'))).toMatchObject({ code: 'network', status: 0 });
  const known = new Problem({ code: 'x', message: '', status: 400, surface: 'gateway' });
  expect(asProblem(known)).toBe(known);
});
