// Screenshots of every screen against the mock: npm run build && npm run shots [name-filter].
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const require = createRequire(import.meta.url);
process.env.GANTRY_MOCK = '1';
const server = await preview({ preview: { port: 4179, strictPort: true }, logLevel: 'warn' });
const origin = 'http://127.0.0.1:4179';
const out = join(import.meta.dirname, '../shots');
mkdirSync(out, { recursive: true });
const only = process.argv[2];
const locales = process.env.LOCALES?.split(',') ?? ['zh-CN', 'en'];
const themes = process.env.THEMES?.split(',') ?? ['light', 'dark'];

const setMode = (mode) => fetch(`${origin}/__mock?mode=${mode}`);
const tasks = await (await fetch(`${origin}/api/workspace/tasks?pageSize=20`)).json();
const task = (n) => tasks.items[n].id;
const platform = (await (await fetch(`${origin}/api/admin/platforms`)).json()).items[1].id;

const click = (name) => (page) => page.getByRole('button', { name }).first().click();
const runFirstCall = async (page) => {
  await page.getByRole('button', { name: /^(Run it|运行)$/ }).click();
  await page.getByRole('link', { name: /routed|路由与计费/ }).waitFor({ timeout: 15000 });
};
const testKey = (key) => async (page) => {
  await page.locator('input[type=password]').first().fill(key);
  await page.getByRole('button', { name: /^(Test|测试)$/ }).click();
  await page.getByText('TLS 1.3').waitFor();
  await page
    .getByText(key === 'wrong' ? '401' : '642 ms')
    .first()
    .waitFor();
};
const chat = async (page) => {
  await page
    .getByRole('textbox', { name: /^(Message|消息)$/ })
    .fill('用三句话说明 AI 网关的作用。');
  await page.waitForTimeout(600);
  await page.keyboard.press('Control+Enter');
  await page.getByRole('link', { name: /^(Inspect|查看详情)$/ }).waitFor({ timeout: 15000 });
};

const screens = [
  { name: 'sign-in', path: '/sign-in', mode: 'anonymous', small: true },
  { name: 'sign-up', path: '/sign-up', mode: 'anonymous', small: true },
  { name: 'setup', path: '/setup#token=abc', mode: 'setup', small: true },
  { name: 'welcome', path: '/welcome', act: runFirstCall, small: true },
  { name: 'welcome-test', path: '/welcome', act: testKey('wrong') },
  { name: 'welcome-models', path: '/welcome', act: testKey('good') },
  { name: 'home', path: '/', small: true },
  { name: 'chat-empty', path: '/play/chat', small: true },
  { name: 'chat', path: '/play/chat', act: chat, small: true },
  { name: 'keys', path: '/keys', small: true },
  { name: 'keys-create', path: '/keys', act: click(/Create key|创建密钥/), small: true },
  {
    name: 'keys-created',
    path: '/keys',
    act: async (page) => {
      await click(/Create key|创建密钥/)(page);
      await page.getByRole('dialog').getByRole('textbox').first().fill('ci-runner');
      await page.getByRole('button', { name: /^(Create|创建)$/ }).click();
      await page.getByText('curl').first().waitFor();
    },
  },
  { name: 'wallet', path: '/wallet', small: true },
  { name: 'requests', path: '/requests', small: true },
  { name: 'requests-filtered', path: '/requests?status=failed&from=-30d' },
  { name: 'inspector-failover', path: `/requests/${task(1)}`, small: true },
  { name: 'inspector-bill', path: `/requests/${task(1)}?tab=bill` },
  { name: 'inspector-ledger', path: `/requests/${task(0)}?tab=ledger` },
  { name: 'inspector-params', path: `/requests/${task(1)}?tab=params` },
  { name: 'inspector-events', path: `/requests/${task(1)}?tab=events` },
  { name: 'inspector-raw', path: `/requests/${task(1)}?tab=raw` },
  { name: 'inspector-failed', path: `/requests/${task(8)}` },
  { name: 'inspector-running', path: `/requests/${task(3)}` },
  { name: 'platforms', path: '/ops/platforms' },
  { name: 'platforms-connect', path: '/ops/platforms', act: click(/Connect platform|接入平台/) },
  { name: 'platform', path: `/ops/platforms/${platform}` },
  { name: 'platform-edit', path: `/ops/platforms/${platform}`, act: click(/^(Edit|编辑)$/) },
  { name: 'users', path: '/ops/people/users' },
  {
    name: 'users-adjust',
    path: '/ops/people/users',
    act: async (page) => {
      await click(/Adjust wallet|调整钱包/)(page);
      await page
        .getByRole('dialog')
        .getByRole('textbox', { name: /Target|目标/ })
        .fill('150.25');
    },
  },
  { name: 'account', path: '/account', small: true },
  { name: 'not-found', path: '/nowhere' },
  { name: 'palette', path: '/', act: (page) => page.keyboard.press('Control+K') },
  { name: 'help', path: '/', act: (page) => page.keyboard.press('?') },
  { name: 'requests-empty', path: '/requests', mode: 'empty' },
  { name: 'requests-error', path: '/requests', mode: 'error', wait: 2500 },
  { name: 'requests-slow', path: '/requests', mode: 'slow', wait: 800 },
  {
    name: 'menu',
    path: '/requests',
    small: 'only',
    act: (page) => page.getByRole('button', { name: /^(Menu|菜单)$/ }).click(),
  },
];

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  ),
});
const problems = [];
const axe = process.env.AXE === '1' && readFileSync(require.resolve('axe-core'), 'utf8');

/** What axe calls serious or critical on the page as it stands. */
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations);
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `axe ${id}: ${nodes
          .slice(0, 3)
          .map((node) => node.html.slice(0, 140))
          .join(' | ')}`,
    );
}

async function shoot(screen, locale, theme, width) {
  await setMode('normal');
  await fetch(`${origin}/api/console/preferences`, {
    method: 'PUT',
    body: JSON.stringify({ locale, theme, density: 'compact', timeZone: '' }),
  });
  await setMode(screen.mode ?? 'normal');
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 800 },
    locale,
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const label = `${screen.name}.${locale}.${theme}.${width}`;
  page.on('console', (message) => {
    const expected = /401|500|404/.test(message.text());
    if (message.type() === 'error' && !expected) problems.push(`${label}: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`${label}: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) problems.push(`${label}: left for ${request.url()}`);
  });
  try {
    await page.goto(`${origin}/console${screen.path}`);
    await page.locator('h1').first().waitFor({ timeout: 8000 });
    if (screen.mode !== 'slow') await page.waitForLoadState('networkidle');
    await screen.act?.(page);
    await page.waitForTimeout(screen.wait ?? 250);
    if (axe) problems.push(...(await violations(page)).map((text) => `${label}: ${text}`));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    if (wide) problems.push(`${label}: scrolls sideways`);
  } catch (error) {
    problems.push(`${label}: ${String(error).split('\n')[0]}`);
  }
  await page.screenshot({ path: join(out, `${label}.png`) });
  await context.close();
}

for (const screen of screens.filter(({ name }) => !only || new RegExp(only).test(name))) {
  for (const locale of locales) {
    for (const theme of themes) {
      if (screen.small !== 'only') await shoot(screen, locale, theme, 1280);
      if (screen.small && process.env.SMALL !== '0') await shoot(screen, locale, theme, 390);
    }
  }
}
await browser.close();
await server.close();
console.log(problems.length > 0 ? problems.join('\n') : 'no problem seen');
process.exit(problems.length > 0 ? 1 : 0);
