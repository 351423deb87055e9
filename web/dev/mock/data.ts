/** A small, consistent installation for development and screenshots. No part of the console. */

const start = Date.now();
export const ago = (seconds: number) => new Date(start - seconds * 1000).toISOString();
const id = (prefix: string, n: number) =>
  `${prefix}-0193c5a2-${(0x1f40 + n * 7).toString(16)}-7d3e-${(0x9a10c4e8b200 + n * 7919).toString(16)}`;

export const user = {
  sub: 'u-0193c5a2-77aa-7d3e-9a10c4e8b201',
  username: 'admin',
  role: ['admin'],
  source: 'local',
};

export const capabilities = {
  user: {
    id: user.sub,
    username: 'admin',
    displayName: '林岸 Lin An',
    email: 'lin@harbour.example',
    roles: ['admin'],
  },
  areas: ['workspace', 'studio', 'supply', 'operate'],
  capabilities: [
    'keys.manage',
    'tasks.read',
    'wallet.read',
    'playground.use',
    'platforms.read',
    'platforms.write',
    'users.read',
    'users.write',
    'wallets.adjust',
  ],
};

const tokenPrices = (input: string, output: string, currency: string) =>
  [
    ['text_input', input],
    ['text_output', output],
  ].map(([resource, priceText]) => ({
    resource,
    unit: '1m_tokens',
    price: Number(priceText),
    priceText,
    currency,
  }));

export const models = [
  {
    alias: 'sim-chat',
    displayName: 'Simulator chat',
    types: ['chat'],
    provider: 'simulation',
    simulated: true,
    pricing: tokenPrices('1', '2', 'SIM'),
    contextWindow: 128000,
    maxOutputTokens: 8192,
  },
  {
    alias: 'sim-chat-flaky',
    displayName: 'Simulator, flaky',
    types: ['chat'],
    provider: 'simulation',
    simulated: true,
    pricing: tokenPrices('1', '2', 'SIM'),
    contextWindow: 128000,
    maxOutputTokens: 8192,
  },
  {
    alias: 'sim-image',
    displayName: 'Simulator image',
    types: ['image'],
    provider: 'simulation',
    simulated: true,
    pricing: [
      { resource: 'image', unit: 'image', price: 0.02, priceText: '0.02', currency: 'SIM' },
    ],
  },
  {
    alias: 'claude-sonnet',
    displayName: 'Claude Sonnet',
    types: ['chat'],
    provider: 'anthropic',
    simulated: false,
    pricing: tokenPrices('3', '15', 'USD'),
    contextWindow: 200000,
    maxOutputTokens: 64000,
  },
  {
    alias: 'gpt-mini',
    displayName: 'GPT mini',
    types: ['chat', 'responses'],
    provider: 'openai',
    simulated: false,
    pricing: tokenPrices('0.15', '0.6', 'USD'),
    contextWindow: 128000,
    maxOutputTokens: 16384,
  },
  {
    alias: 'qwen-plus',
    displayName: '通义千问 Plus',
    types: ['chat'],
    provider: 'dashscope',
    simulated: false,
    pricing: tokenPrices('0.8', '2', 'CNY'),
    contextWindow: 131072,
    maxOutputTokens: 8192,
  },
];

export const keys = [
  {
    id: id('k', 1),
    name: 'first-key',
    keyPrefix: 'sk-f1rst9Qa',
    status: 'active',
    scopes: ['*'],
    lastUsedAt: ago(140),
    createdAt: ago(86400 * 12),
    secret: 'sk-f1rst9Qa_8c1d6e7a5b4f3021c9d8e7f6a5b4c3d2e1f00918273645546372819',
  },
  {
    id: id('k', 2),
    name: 'billing-service',
    keyPrefix: 'sk-b1ll7Zx2',
    status: 'active',
    scopes: ['chat', 'models'],
    lastUsedAt: ago(3600 * 5),
    expiresAt: ago(-86400 * 62),
    createdAt: ago(86400 * 9),
  },
  {
    id: id('k', 3),
    name: '客服机器人',
    keyPrefix: 'sk-c5Rv0Lm8',
    status: 'active',
    scopes: ['chat', 'embeddings', 'models'],
    lastUsedAt: ago(86400 * 3),
    createdAt: ago(86400 * 40),
  },
  {
    id: id('k', 4),
    name: 'load-test',
    keyPrefix: 'sk-l0adTe5t',
    status: 'disabled',
    scopes: ['chat'],
    createdAt: ago(86400 * 70),
    lastUsedAt: ago(86400 * 33),
  },
  {
    id: id('k', 5),
    name: 'hackathon',
    keyPrefix: 'sk-h4ckA7h0',
    status: 'active',
    scopes: ['chat', 'images', 'video'],
    expiresAt: ago(86400 * 2),
    createdAt: ago(86400 * 32),
  },
];

const account = (
  currency: string,
  balance: string,
  frozen: string,
  recharged: string,
  spent: string,
) => ({
  id: `w-${currency}`,
  currency,
  balance: Number(balance),
  balanceText: balance,
  frozenBalance: Number(frozen),
  frozenBalanceText: frozen,
  totalRecharged: Number(recharged),
  totalRechargedText: recharged,
  totalSpent: Number(spent),
  totalSpentText: spent,
  status: 'active',
});

export const accounts = [
  account('USD', '182.406517', '0.0384', '250', '67.555083'),
  account('CNY', '1204.3312', '0', '1500', '295.6688'),
  account('SIM', '96.991258', '0.012', '100', '2.996742'),
];

export const platforms = [
  {
    id: id('p', 1),
    provider: 'openai',
    platformKey: 'openai-main',
    name: 'OpenAI',
    baseUrl: 'https://api.openai.example/v1',
    authType: 'bearer',
    credentialsPreview: { apiKey: 'sk-p…x7Qe' },
    priority: 10,
    effectivePriority: 10,
    defaultDiscountFactor: 1,
    defaultPricingMode: 'inherit',
    status: 'enabled',
    updatedAt: ago(86400 * 2),
    createdAt: ago(86400 * 20),
  },
  {
    id: id('p', 2),
    provider: 'anthropic',
    platformKey: 'anthropic-eu',
    name: 'Anthropic EU',
    baseUrl: 'https://api.anthropic.example',
    authType: 'x-api-key',
    credentialsPreview: { keys: ['sk-ant-…a1', 'sk-ant-…c9'] },
    priority: 10,
    dynamicPriority: 25,
    effectivePriority: 25,
    cooldownUntil: ago(-95),
    defaultDiscountFactor: 0.95,
    defaultPricingMode: 'inherit',
    status: 'enabled',
    updatedAt: ago(300),
    createdAt: ago(86400 * 18),
  },
  {
    id: id('p', 3),
    provider: 'dashscope',
    platformKey: 'dashscope-bj',
    name: '百炼 北京',
    baseUrl: 'https://dashscope.aliyuncs.example/compatible-mode/v1',
    authType: 'bearer',
    credentialsPreview: { apiKey: 'sk-8…20f' },
    priority: 20,
    effectivePriority: 20,
    defaultDiscountFactor: 0.88,
    defaultPricingMode: 'inherit',
    status: 'enabled',
    updatedAt: ago(86400 * 6),
    createdAt: ago(86400 * 15),
  },
  {
    id: id('p', 4),
    provider: 'openai',
    platformKey: 'vllm-lab',
    name: 'vLLM lab',
    baseUrl: 'http://10.20.0.14:8000/v1',
    authType: 'none',
    credentialsPreview: {},
    priority: 50,
    effectivePriority: 50,
    defaultDiscountFactor: 0,
    defaultPricingMode: 'inherit',
    status: 'disabled',
    updatedAt: ago(86400 * 11),
    createdAt: ago(86400 * 14),
  },
  {
    id: id('p', 9),
    provider: 'simulation',
    platformKey: 'simulator',
    name: 'Simulator',
    baseUrl: '',
    authType: 'none',
    credentialsPreview: {},
    priority: 1000,
    effectivePriority: 1000,
    defaultDiscountFactor: 1,
    defaultPricingMode: 'inherit',
    status: 'enabled',
    updatedAt: ago(86400 * 30),
    createdAt: ago(86400 * 30),
  },
];

const platformModel = (
  n: number,
  platform: number,
  alias: string,
  name: string,
  type: string[],
  enabled = true,
) => ({
  id: id('m', n),
  platformId: platforms[platform]!.id,
  platformName: platforms[platform]!.name,
  provider: platforms[platform]!.provider,
  modelAlias: alias,
  modelName: name,
  providerModelName: name,
  modelType: type,
  enabled,
  discountFactor: platforms[platform]!.defaultDiscountFactor,
  cooldownUntil: platform === 1 && n === 3 ? ago(-95) : undefined,
});

export const platformModels = [
  platformModel(1, 0, 'gpt-mini', 'gpt-5-mini-2026-01', ['chat', 'responses']),
  platformModel(2, 0, 'embed-small', 'text-embedding-3-small', ['embedding']),
  platformModel(3, 1, 'claude-sonnet', 'claude-sonnet-4-6', ['chat']),
  platformModel(4, 1, 'claude-haiku', 'claude-haiku-4-5', ['chat'], false),
  platformModel(5, 2, 'qwen-plus', 'qwen-plus-latest', ['chat']),
  platformModel(6, 2, 'claude-sonnet', 'qwen3-max', ['chat']),
  platformModel(7, 4, 'sim-chat', 'sim-chat', ['chat']),
  platformModel(8, 4, 'sim-chat-flaky', 'sim-chat-flaky', ['chat']),
  platformModel(9, 4, 'sim-image', 'sim-image', ['image']),
  platformModel(10, 4, 'sim-video', 'sim-video', ['video']),
];

const userRow = (
  n: number,
  username: string,
  displayName: string,
  roles: string[],
  wallets: ReturnType<typeof account>[],
  login?: number,
  status = 'active',
) => ({
  id: id('u', n),
  username,
  displayName,
  email: `${username}@harbour.example`,
  roles,
  status,
  walletAccounts: wallets,
  lastLoginAt: login === undefined ? undefined : ago(login),
  createdAt: ago(86400 * (60 - n * 6)),
});

export const users = [
  userRow(1, 'admin', '林岸 Lin An', ['admin'], accounts, 240),
  userRow(
    2,
    'mei.zhao',
    '赵梅',
    ['user'],
    [account('CNY', '88.12', '0', '100', '11.88'), account('SIM', '100', '0', '100', '0')],
    7200,
  ),
  userRow(
    3,
    'ops-joao',
    'João Pereira',
    ['operator'],
    [account('USD', '12.000000042', '0.25', '40', '27.999999958')],
    86400,
  ),
  userRow(4, 'finance', 'Finance desk', ['finance'], [], 86400 * 4),
  userRow(
    5,
    'contractor',
    'Nadia K.',
    ['user'],
    [account('USD', '0', '0', '5', '5')],
    86400 * 19,
    'disabled',
  ),
  userRow(6, 'new.hire', 'new.hire', ['user'], [account('SIM', '100', '0', '100', '0')]),
];

const label = (en: string, zh: string) => ({ en, zh });
const apiKey = {
  name: 'apiKey',
  label: label('API key', 'API 密钥'),
  type: 'password',
  secret: true,
  required: true,
};

export const adapters = [
  {
    name: 'openai',
    title: 'OpenAI',
    logo: '',
    defaultBaseUrl: 'https://api.openai.com/v1',
    authTypes: ['bearer'],
    fields: [
      apiKey,
      {
        name: 'config.organization',
        label: label('Organisation', '组织'),
        type: 'text',
        secret: false,
        required: false,
        help: label('Only for keys of several organisations', '仅当密钥属于多个组织时填写'),
      },
      {
        name: 'config.timeoutMs',
        label: label('Timeout (ms)', '超时（毫秒）'),
        type: 'number',
        secret: false,
        required: false,
        default: '60000',
      },
    ],
    models: [],
  },
  {
    name: 'anthropic',
    title: 'Anthropic',
    logo: '',
    defaultBaseUrl: 'https://api.anthropic.com',
    authTypes: ['x-api-key'],
    fields: [apiKey],
    models: [],
  },
  {
    name: 'dashscope',
    title: '阿里云百炼 DashScope',
    logo: '',
    defaultBaseUrl: 'https://dashscope.aliyuncs.com/compatible-mode/v1',
    authTypes: ['bearer'],
    fields: [apiKey],
    models: ['qwen-plus', 'qwen-max'],
  },
  {
    name: 'compatible',
    title: 'OpenAI-compatible',
    logo: '',
    defaultBaseUrl: '',
    authTypes: ['bearer', 'none'],
    fields: [{ ...apiKey, required: false }],
    models: [],
  },
  {
    name: 'simulation',
    title: 'Simulator',
    logo: '',
    defaultBaseUrl: 'sim://',
    authTypes: ['none'],
    fields: [],
    models: [],
  },
];

const offered = [
  'gpt-5',
  'gpt-5-mini',
  'gpt-5-nano',
  'gpt-4.1',
  'gpt-4.1-mini',
  'o4-mini',
  'gpt-image-1',
  'text-embedding-3-small',
  'text-embedding-3-large',
  'whisper-1',
  'tts-1',
  'omni-moderation',
];
const typeOf = (name: string) =>
  name.includes('embedding')
    ? 'embedding'
    : name.includes('image')
      ? 'image'
      : /whisper|tts/.test(name)
        ? 'audio'
        : name.includes('moderation')
          ? 'moderation'
          : 'chat';

/** The report of a platform test; a key that contains "wrong" fails at the auth step. */
export function testReport(key: string) {
  const bad = key.includes('wrong');
  const step = (name: string, ms: number, message: string) => ({
    name,
    ok: true,
    skipped: false,
    ms,
    message,
    advice: '',
  });
  const skipped = (name: string) => ({
    name,
    ok: false,
    skipped: true,
    ms: 0,
    message: '',
    advice: '',
  });
  const first = [
    step('resolve', 12, '203.0.113.24'),
    step('tls', 38, 'TLS 1.3, certificate valid for 71 days'),
  ];
  if (bad) {
    const auth = {
      name: 'auth',
      ok: false,
      skipped: false,
      ms: 164,
      message: '401 invalid_api_key',
      advice: 'Wrong key, or a key of another region: compare it with the provider’s console.',
    };
    return { ok: false, steps: [...first, auth, skipped('models'), skipped('call')], models: [] };
  }
  return {
    ok: true,
    steps: [
      ...first,
      step('auth', 171, '200'),
      step('models', 203, `${offered.length} models`),
      step('call', 642, 'gpt-5-mini, 1 token'),
    ],
    models: offered.map((name) => ({ id: name, suggestedTypes: [typeOf(name)] })),
  };
}
