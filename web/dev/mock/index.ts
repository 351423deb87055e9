import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import * as data from './data.ts';
import * as requests from './tasks.ts';

/**
 * A backend in memory for development and screenshots: GANTRY_MOCK=1 npm run dev.
 * `GET /__mock?mode=empty|error|slow|setup|anonymous|normal` switches what it answers.
 */
export function mockBackend(): Plugin {
  return {
    name: 'mock-backend',
    configureServer: (server) => void server.middlewares.use(handle),
    configurePreviewServer: (server) => void server.middlewares.use(handle),
  };
}

let mode = 'normal';
let preferences = { locale: 'zh-CN', theme: 'light', density: 'compact', timeZone: '' };
const recorded: requests.MockTask[] = [];

const auth = {
  accessToken: 'mock-token',
  expiresIn: 86400,
  tokenType: 'Bearer',
  user: data.user,
};

interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

/** The policy that the binary sends; what breaks it shows up in the screenshots' report. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "media-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const handle: Connect.NextHandleFunction = (req, res, next) => {
  res.setHeader('Content-Security-Policy', policy);
  const url = new URL(req.url ?? '/', 'http://mock');
  if (url.pathname === '/__mock') {
    mode = url.searchParams.get('mode') ?? 'normal';
    return json(res, 200, { mode });
  }
  if (!/^\/(api|v1)\//.test(url.pathname)) return next();
  void readBody(req).then((body) => {
    const call = { method: req.method ?? 'GET', path: url.pathname, query: url.searchParams, body };
    if (mode === 'slow' && isList(call)) return;
    if (call.path === '/v1/chat/completions') return chat(res, call);
    if (call.path.endsWith('/events')) return eventStream(res, call);
    const [status, answer] = route(call);
    json(res, status, answer);
  });
};

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text ? (JSON.parse(text) as Record<string, unknown>) : {};
}

function json(res: ServerResponse, status: number, body: unknown) {
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('X-Request-Id', 'req_mock');
  res.end(status === 204 ? '' : JSON.stringify(body));
}

type Answer = [number, unknown];

const failure = (status: number, code: string, message: string, path?: string): Answer => [
  status,
  { error: { code, message, status, requestId: 'req_7f3a91c2d410', path } },
];

const isList = ({ method, path }: Call) =>
  method === 'GET' &&
  /tasks$|api-keys$|wallet(\/transactions)?$|platforms$|admin\/models$|users$/.test(path);

function route(call: Call): Answer {
  const { method, path } = call;
  if (path.startsWith('/api/console/session')) return sessionAnswer(call);
  if (isList(call) && mode === 'error') return failure(500, 'internal', 'database is locked');
  if (isList(call) && mode === 'empty')
    return [200, { items: [], accounts: [], total: 0, page: 1, pageSize: 50 }];
  const handler = table[`${method} ${path}`];
  if (handler) return handler(call);
  return byPattern(call);
}

function sessionAnswer({ method, body }: Call): Answer {
  if (method === 'DELETE') return [204, null];
  if (method === 'POST') {
    return body.password === 'wrong'
      ? failure(401, 'unauthorized', 'wrong account or password')
      : [200, auth];
  }
  return ['setup', 'anonymous'].includes(mode)
    ? failure(401, 'unauthorized', 'no session')
    : [200, auth];
}

const items = (list: unknown[]): Answer => [200, { items: list }];

const table: Record<string, (call: Call) => Answer> = {
  'GET /api/console/bootstrap': () => [
    200,
    {
      needsSetup: mode === 'setup',
      version: '0.1.0',
      identityMode: 'standalone',
      registrationOpen: true,
      simulation: true,
    },
  ],
  'POST /api/console/setup': ({ body }) =>
    body.username === 'root'
      ? failure(400, 'invalid_request', 'this name is reserved', 'username')
      : [201, auth],
  'POST /api/v1/auth/register': () => [201, auth],
  'GET /api/console/capabilities': () => [200, data.capabilities],
  'GET /api/console/preferences': () => [200, preferences],
  'PUT /api/console/preferences': ({ body }) => [200, (preferences = body as typeof preferences)],
  'GET /api/console/models': () => items(data.models),
  'GET /api/console/adapters': () => items(data.adapters),
  'POST /api/console/platforms/test': ({ body }) => [
    200,
    data.testReport(JSON.stringify(body.credentials)),
  ],
  'POST /api/console/platforms/connect': ({ body }) => [
    201,
    { platform: { ...data.platforms[0], name: body.name }, models: body.models },
  ],
  'GET /api/v1/api-keys': () => items(data.keys.map(({ secret, ...key }) => (void secret, key))),
  'POST /api/v1/api-keys': ({ body }) => [
    201,
    {
      apiKey: { ...data.keys[0], ...body },
      secret: 'sk-n3wK9yAb_4f1c0e9d8b7a6950413f2e1d0c9b8a79685746352413029f8e7d6c5',
    },
  ],
  'GET /api/playground/api-keys': () => items(data.keys.filter((key) => key.secret)),
  'GET /api/workspace/wallet': () => [
    200,
    { accounts: data.accounts, primaryAccount: data.accounts[0] },
  ],
  'GET /api/workspace/wallet/transactions': (call) => [200, page(requests.transactions, call)],
  'GET /api/workspace/tasks': (call) => [200, page(filtered(call).map(requests.listRow), call)],
  'GET /api/admin/platforms': () => items(data.platforms),
  'GET /api/admin/models': () => items(data.platformModels),
  'GET /api/admin/users': () => items(data.users),
  'POST /api/v1/pricing/estimate': () => [
    200,
    { items: [], amountText: '0.000318', currency: 'SIM', resolver: 'rules' },
  ],
};

function byPattern({ method, path, body }: Call): Answer {
  const task = /tasks\/([^/]+)(\/.*)?$/.exec(path);
  if (task) return taskAnswer(task[1]!, task[2] ?? '');
  if (method === 'PATCH' && path.endsWith('/wallet')) {
    const before = data.accounts[0];
    const balanceText = String(body.balance);
    return [200, { before, account: { ...before, balanceText, currency: body.currency } }];
  }
  if (method === 'DELETE') return [204, null];
  if (method === 'PATCH') return [200, body];
  return failure(404, 'not_found', `no such path: ${path}`);
}

function taskAnswer(id: string, rest: string): Answer {
  const task = [...recorded, ...requests.tasks].find((candidate) => candidate.id === id);
  if (!task) return failure(404, 'not_found', 'task not found');
  if (rest === '/ledger') return [200, requests.ledger(task)];
  if (rest === '/param-preprocessing') return [200, requests.preprocessing(task)];
  return [200, requests.detail(task)];
}

function filtered({ query }: Call) {
  const q = query.get('q')?.toLowerCase();
  const status = query.get('status');
  const kind = query.get('modelType');
  return [...recorded, ...requests.tasks].filter(
    (task) =>
      (!status || task.status === status) &&
      (!kind || task.modelType === kind) &&
      (query.get('simulated') !== 'true' || task.simulated) &&
      (!q || JSON.stringify(requests.listRow(task)).toLowerCase().includes(q)),
  );
}

function page<T>(list: T[], { query }: Call) {
  const number = Number(query.get('page') ?? 1);
  const pageSize = Number(query.get('pageSize') ?? 50);
  const from = (number - 1) * pageSize;
  return { items: list.slice(from, from + pageSize), total: list.length, page: number, pageSize };
}

const answerText = `A gateway is the **crane** of an AI platform: every request passes under it.

| Step | What it does |
|---|---|
| route | picks a platform that can serve the request now |
| bill | writes each line with its unit price |

1. It *routes* each call, retries what failed, and moves to another platform.
2. It meters tokens and books them exactly.

\`\`\`go
resp, err := client.Chat(ctx, "sim-chat", messages)
\`\`\`
`;

function chat(res: ServerResponse, { body }: Call) {
  const requestId = `req_mock_${recorded.length + 1}`;
  res.setHeader('X-Request-Id', requestId);
  res.setHeader('Content-Type', 'text/event-stream');
  const words = answerText.match(/\s*\S+/g) ?? [];
  const send = (chunk: unknown) => res.write(`data: ${JSON.stringify(chunk)}\n\n`);
  let index = 0;
  const timer = setInterval(() => {
    const content = words[index++];
    if (content !== undefined) return send({ choices: [{ delta: { content } }] });
    send({ choices: [], usage: { prompt_tokens: 18, completion_tokens: 122 } });
    res.end('data: [DONE]\n\n');
    clearInterval(timer);
    const now = new Date().toISOString();
    const model = String(body.model);
    recorded.unshift({
      ...requests.tasks[0]!,
      id: `live-${requestId}`,
      requestId,
      requestedModel: model,
      createdAt: now,
    });
  }, 24);
  res.on('close', () => clearInterval(timer));
}

function eventStream(res: ServerResponse, { path }: Call) {
  const id = /tasks\/([^/]+)/.exec(path)?.[1];
  const task = requests.tasks.find((candidate) => candidate.id === id);
  res.setHeader('Content-Type', 'text/event-stream');
  res.end(task ? requests.events(task) : '');
}
