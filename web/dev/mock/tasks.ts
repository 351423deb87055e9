import { ago, keys, platforms } from './data.ts';

/** Requests of every kind that the inspector has to explain. */

interface Shape {
  asked: string;
  served?: string;
  platform: number;
  status?: string;
  type?: string;
  charge?: string;
  currency?: string;
  attempts?: number;
  error?: [string, string];
  ttft?: number;
  ms?: number;
  tokens?: [number, number];
  cause?: string;
}

const shapes: Shape[] = [
  {
    asked: 'sim-chat',
    platform: 4,
    charge: '0.000262',
    currency: 'SIM',
    ttft: 84,
    ms: 1630,
    tokens: [18, 122],
  },
  {
    asked: 'claude-sonnet',
    served: 'qwen3-max',
    platform: 2,
    charge: '0.0231088',
    currency: 'CNY',
    attempts: 3,
    ttft: 612,
    ms: 6240,
    tokens: [1804, 611],
    cause: 'failover',
  },
  {
    asked: 'gpt-mini',
    served: 'gpt-5-mini-2026-01',
    platform: 0,
    charge: '0.000042',
    currency: 'USD',
    ttft: 402,
    ms: 980,
    tokens: [88, 48],
    cause: 'alias',
  },
  {
    asked: 'claude-sonnet',
    platform: 1,
    status: 'running',
    currency: 'USD',
    ms: undefined,
    tokens: undefined,
  },
  {
    asked: 'gpt-mini',
    served: 'gpt-5-mini-2026-01',
    platform: 0,
    status: 'failed',
    attempts: 1,
    error: [
      'context_length',
      'This model’s maximum context length is 128000 tokens; the request has 131402.',
    ],
    ms: 214,
    charge: '0',
    currency: 'USD',
    cause: 'alias',
  },
  {
    asked: 'qwen-plus',
    served: 'qwen-plus-latest',
    platform: 2,
    charge: '0.0041712',
    currency: 'CNY',
    ttft: 288,
    ms: 4110,
    tokens: [902, 1725],
    cause: 'alias',
  },
  { asked: 'sim-image', platform: 4, type: 'image', charge: '0.02', currency: 'SIM', ms: 2210 },
  {
    asked: 'claude-sonnet',
    served: 'claude-sonnet-4-6',
    platform: 1,
    charge: '0.1284205',
    currency: 'USD',
    ttft: 731,
    ms: 22140,
    tokens: [30211, 2519],
    cause: 'alias',
  },
  {
    asked: 'sim-chat-flaky',
    platform: 4,
    status: 'failed',
    attempts: 3,
    error: ['server_error', 'upstream answered 500 three times'],
    ms: 3120,
    charge: '0',
    currency: 'SIM',
  },
  {
    asked: 'gpt-mini',
    served: 'gpt-5-mini-2026-01',
    platform: 0,
    status: 'cancelled',
    charge: '0.000811',
    currency: 'USD',
    ttft: 377,
    ms: 1804,
    tokens: [640, 1191],
    cause: 'alias',
  },
  {
    asked: 'embed-small',
    served: 'text-embedding-3-small',
    platform: 0,
    type: 'embedding',
    charge: '0.00000214',
    currency: 'USD',
    ms: 131,
    tokens: [107, 0],
    cause: 'alias',
  },
  { asked: 'qwen-plus', platform: 2, status: 'queued', currency: 'CNY' },
];

const taskId = (n: number) =>
  `0193c5b1-${(0x4a00 + n * 13).toString(16)}-7c21-b${(0x200 + n * 3).toString(16)}-${(0x5e8b10c4e200 + n * 104729).toString(16)}`;

function row(n: number) {
  const shape = shapes[n % shapes.length]!;
  const created = n * n * 9 + n * 71 + 40;
  const finished = shape.ms === undefined ? undefined : ago(created - shape.ms / 1000);
  const key = keys[n % 3]!;
  const status =
    n < shapes.length || shape.ms !== undefined ? (shape.status ?? 'succeeded') : 'cancelled';
  return {
    id: taskId(n),
    requestId: `req_${(0x7f3a91c2 + n * 65537).toString(16)}${(0xd410 + n).toString(16)}`,
    kind: 'chat.completions',
    modelType: shape.type ?? 'chat',
    model: shape.asked,
    requestedModel: shape.asked,
    resolvedModel: shape.status === 'queued' ? undefined : (shape.served ?? shape.asked),
    platformName: shape.status === 'queued' ? undefined : platforms[shape.platform]!.name,
    status,
    errorCode: shape.error?.[0],
    errorMessage: shape.error?.[1],
    attemptCount: shape.status === 'queued' ? 0 : (shape.attempts ?? 1),
    responseDurationMs: shape.ms,
    ttftMs: shape.ttft,
    inputTokens: shape.tokens?.[0],
    outputTokens: shape.tokens?.[1],
    finalChargeAmount: shape.charge === undefined ? undefined : Number(shape.charge),
    finalChargeAmountText: shape.charge,
    currency: shape.currency,
    simulated: shape.platform === 4,
    stream: shape.ttft !== undefined,
    apiKeyId: key.id,
    apiKeyName: key.name,
    apiKeyPrefix: key.keyPrefix,
    createdAt: ago(created),
    updatedAt: finished ?? ago(1),
    finishedAt: finished,
    shape,
    created,
  };
}

export type MockTask = ReturnType<typeof row>;
export const tasks: MockTask[] = Array.from({ length: 260 }, (_, n) => row(n));

/** A row of the list: no bodies, no attempts. */
export function listRow({ shape, created, ...task }: MockTask) {
  void shape;
  void created;
  return task;
}

const verdicts: Record<string, [string, string, number, string][]> = {
  failover: [
    ['retry_same', 'overloaded', 529, 'overloaded_error'],
    ['next_platform', 'overloaded', 529, 'overloaded_error'],
    ['served', 'ok', 200, ''],
  ],
  flaky: [
    ['retry_same', 'server_error', 500, 'internal_error'],
    ['retry_same', 'server_error', 500, 'internal_error'],
    ['exhausted', 'server_error', 500, 'internal_error'],
  ],
  stop: [['stop', 'context_length', 400, 'context_length_exceeded']],
  left: [['caller_left', 'canceled', 200, '']],
  served: [['served', 'ok', 200, '']],
};

function outcomeOf(task: MockTask) {
  if (task.shape.cause === 'failover') return verdicts.failover!;
  if (task.status === 'cancelled') return verdicts.left!;
  if (task.status === 'failed') return task.attemptCount > 1 ? verdicts.flaky! : verdicts.stop!;
  return verdicts.served!;
}

function attemptsOf(task: MockTask) {
  if (task.attemptCount === 0) return [];
  const plan = outcomeOf(task);
  const total = task.responseDurationMs ?? 9000;
  let at = 18;
  return plan.map(([verdict, category, statusCode, errorCode], index) => {
    const last = index === plan.length - 1;
    const length = last ? total - at : 380 + index * 260;
    const failover = task.shape.cause === 'failover' && !last;
    const from = at;
    at += length + 90;
    return {
      id: `${task.id}-a${index + 1}`,
      attemptNo: index + 1,
      platformName: failover ? 'Anthropic EU' : task.platformName,
      platformId: failover ? platforms[1]!.id : platforms[task.shape.platform]!.id,
      providerModelName: failover ? 'claude-sonnet-4-6' : task.resolvedModel,
      simulated: task.simulated,
      status: verdict === 'served' ? 'succeeded' : 'failed',
      statusCode: task.status === 'running' ? undefined : statusCode,
      errorCode,
      errorMessage: errorCode && 'The upstream said: try again later',
      retryable: ['overloaded', 'server_error'].includes(category),
      verdict: task.status === 'running' ? undefined : verdict,
      category: task.status === 'running' ? undefined : category,
      ttftMs: last ? task.ttftMs : undefined,
      startedAt: ago(task.created - from / 1000),
      finishedAt:
        task.status === 'running' ? undefined : ago(task.created - (from + length) / 1000),
    };
  });
}

function linesOf(task: MockTask) {
  if (!task.finalChargeAmountText || task.finalChargeAmountText === '0') return [];
  const { currency = 'USD', finalChargeAmountText: total } = task;
  const discount =
    task.shape.platform === 2 ? [{ name: 'platform_discount', valueText: '0.88' }] : [];
  if (task.modelType === 'image') {
    return [
      {
        resource: 'image',
        quantity: 1,
        quantityText: '1',
        unit: 'image',
        unitPriceText: '0.02',
        factors: [],
        amount: 0.02,
        amountText: '0.02',
        currency,
        estimated: false,
      },
    ];
  }
  const scale = total.split('.')[1]?.length ?? 0;
  const units = BigInt(total.replace('.', ''));
  const part = units / 3n;
  const text = (value: bigint) => `0.${value.toString().padStart(scale, '0')}`;
  return [
    {
      resource: 'text_input',
      quantity: (task.inputTokens ?? 0) / 1e6,
      quantityText: ((task.inputTokens ?? 0) / 1e6).toFixed(6),
      unit: '1m_tokens',
      unitPriceText: '1',
      factors: discount,
      amount: 0,
      amountText: text(part),
      currency,
      estimated: false,
    },
    {
      resource: 'text_output',
      quantity: (task.outputTokens ?? 0) / 1e6,
      quantityText: ((task.outputTokens ?? 0) / 1e6).toFixed(6),
      unit: '1m_tokens',
      unitPriceText: '2',
      factors: discount,
      amount: 0,
      amountText: text(units - part),
      currency,
      estimated: task.status === 'cancelled',
    },
  ];
}

/** One request with everything that is known about it. */
export function detail(task: MockTask) {
  const lines = linesOf(task);
  const reason =
    task.status === 'cancelled'
      ? 'client_gone'
      : task.status === 'failed'
        ? 'failed_not_charged'
        : '';
  return {
    ...listRow(task),
    attempts: attemptsOf(task),
    billings: lines,
    billingSummary: {
      amountText: task.finalChargeAmountText ?? '0',
      currency: task.currency,
      estimated: task.status === 'cancelled',
      reason,
      holdText: '0.05',
    },
    route: {
      requested: task.requestedModel,
      served: task.resolvedModel,
      cause: task.shape.cause ?? 'direct',
      candidates: candidatesOf(task),
    },
    request: {
      model: task.requestedModel,
      messages: [{ role: 'user', content: '用三句话说明 AI 网关的作用。' }],
      temperature: 2.4,
      stream: task.stream,
    },
    result:
      task.status === 'succeeded'
        ? {
            id: 'chatcmpl-1',
            object: 'chat.completion',
            choices: [
              {
                index: 0,
                finish_reason: 'stop',
                message: { role: 'assistant', content: '网关像港口的吊车…' },
              },
            ],
            usage: { prompt_tokens: task.inputTokens, completion_tokens: task.outputTokens },
          }
        : undefined,
  };
}

function candidatesOf(task: MockTask) {
  const chosen = platforms[task.shape.platform]!;
  const failover = task.shape.cause === 'failover';
  const one = (
    platform: (typeof platforms)[number],
    model: string,
    gate: string,
    isChosen = false,
  ) => ({
    platformId: platform.id,
    platformName: platform.name,
    model,
    effectivePriority: platform.effectivePriority,
    gate,
    chosen: isChosen,
  });
  if (task.simulated)
    return [one(chosen, task.requestedModel, 'passed', task.status === 'succeeded')];
  return [
    ...(failover ? [one(platforms[1]!, 'claude-sonnet-4-6', 'passed')] : []),
    one(chosen, task.resolvedModel ?? '', 'passed', task.status !== 'failed'),
    one(platforms[3]!, 'llama-3.3-70b', 'disabled'),
    one(platforms[0]!, 'gpt-4.1', 'limits'),
  ];
}

export function ledger(task: MockTask) {
  if (!task.finalChargeAmountText) return { items: [], balanced: true };
  const entry = (
    n: number,
    kind: string,
    amount: string,
    before: string,
    after: string,
    reason: string,
  ) => ({
    id: `${task.id}-l${n}`,
    at: ago(task.created - n * 0.4),
    kind,
    amount: Number(amount),
    amountText: amount,
    currency: task.currency,
    balanceBefore: Number(before),
    balanceBeforeText: before,
    balanceAfter: Number(after),
    balanceAfterText: after,
    reason,
  });
  return {
    items: [
      entry(0, 'hold', '0.05', '182.4565', '182.4065', 'estimate'),
      entry(1, 'capture', task.finalChargeAmountText, '182.4065', '182.4065', 'final charge'),
      entry(2, 'release', '0.049958', '182.4065', '182.456458', 'rest of the hold'),
    ],
    balanced: task.status !== 'failed',
  };
}

export function preprocessing(task: MockTask) {
  const changes = [
    {
      path: 'temperature',
      before: 2.4,
      after: 2,
      rule: 'params.maximum',
      reason: 'The model accepts at most 2.',
    },
    {
      path: 'logit_bias',
      before: { '50256': -100 },
      rule: 'params.unsupported',
      reason: 'The model does not know this field.',
    },
    {
      path: 'max_tokens',
      after: 8192,
      rule: 'params.default',
      reason: 'The upstream needs a value.',
    },
  ];
  return {
    items:
      task.shape.cause === 'direct' || !task.shape.cause
        ? []
        : [{ attemptNo: 1, attemptId: `${task.id}-a1`, changed: true, changeCount: 3, changes }],
  };
}

export function events(task: MockTask): string {
  const list: [string, unknown][] = [
    ['task.accepted', { taskId: task.id }],
    ['route.resolved', { served: task.resolvedModel, candidates: 3 }],
    ['wallet.hold', { amount: '0.05', currency: task.currency }],
    ['attempt.started', { attemptNo: 1, platform: task.platformName }],
    [`task.${task.status}`, { charge: task.finalChargeAmountText }],
  ];
  return list
    .map(([event, data], n) => `id: ${n + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    .join('');
}

/** Entries of the wallet, newest first, of the charged requests. */
export const transactions = tasks
  .filter((task) => task.finalChargeAmountText && task.finalChargeAmountText !== '0')
  .map((task, n) => {
    const grant = n % 17 === 9;
    const amount = grant ? '100' : task.finalChargeAmountText!;
    return {
      id: `tx-${n}`,
      createdAt: task.createdAt,
      currency: task.currency,
      direction: grant ? 'credit' : 'debit',
      transactionType: grant ? 'recharge' : 'capture',
      amount: Number(amount),
      amountText: amount,
      balanceBefore: 0,
      balanceBeforeText: '182.456559',
      balanceAfter: 0,
      balanceAfterText: '182.456517',
      referenceType: grant ? undefined : 'task',
      referenceId: grant ? undefined : task.id,
      reason: grant ? 'Monthly budget' : '',
    };
  });
