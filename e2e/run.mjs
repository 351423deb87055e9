// The journey of a person through the real program, in Chromium: the setup link, the first streamed answer, the copied curl
// in a shell, a real upstream, keys, wallet, requests and the inspector; in both languages and both themes.
// Environment: E2E_GANTRY (the binary), E2E_FAKE (the fake upstream's binary; built when absent), SHOTS (folder for pictures).
// The last line is "N passed, N failed".
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'gantry-journey-'));
const shots = process.env.SHOTS ?? join(work, 'shots');
mkdirSync(shots, { recursive: true });
const password = 'harbour crane seventeen';
let page;
let passed = 0;
let failed = 0;

async function check(name, body) {
  const start = Date.now();
  try {
    await body();
    passed += 1;
    console.log(`ok   ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    failed += 1;
    await page.screenshot({ path: join(shots, `failed-${failed}.png`) }).catch(() => {});
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

async function startGantry() {
  const binary = process.env.E2E_GANTRY ?? join(root, 'bin/gantry');
  const origin = `http://127.0.0.1:${await freePort()}`;
  const started = Date.now();
  const child = spawn(binary, ['serve', '--data', join(work, 'data'), '--addr', origin.slice(7)], {
    env: { ...process.env, GANTRY_ADMIN_ADDR: `127.0.0.1:${await freePort()}` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const log = [];
  const link = await new Promise((done, fail) => {
    child.on('exit', (code) => fail(new Error(`gantry ended with ${code}\n${log.join('\n')}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      const found = /(http:\S+\/console\/setup#token=\S+)/.exec(line);
      if (found) done(found[1]);
    });
  });
  child.removeAllListeners('exit');
  return { child, origin, link, started, log };
}

async function startUpstream() {
  const binary = process.env.E2E_FAKE ?? join(work, 'fakeopenai');
  if (!existsSync(binary)) {
    await run('go', ['build', '-o', binary, './internal/testkit/fakeopenai/cmd/fakeopenai'], { cwd: root });
  }
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise((done) => createInterface({ input: child.stdout }).once('line', done));
  return { child, ...JSON.parse(line) };
}

const findChromium = () => {
  const names = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = names.find(existsSync);
  assert.ok(found, 'Chromium is missing: apt-get install chromium');
  return found;
};

const gantry = await startGantry();
const upstream = await startUpstream();
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ],
});
const context = await browser.newContext({
  viewport: { width: 1280, height: 800 }, locale: 'en-US', permissions: ['clipboard-read', 'clipboard-write'],
});
page = await context.newPage();
page.setDefaultTimeout(15_000);
const complaints = [];
const foreign = [];
page.on('console', (m) => m.type() === 'error' && complaints.push(m.text()));
page.on('pageerror', (e) => complaints.push(String(e)));
page.on('request', (r) => !r.url().startsWith(gantry.origin) && !r.url().startsWith('data:') && !r.url().startsWith('blob:') && foreign.push(r.url()));

const at = (path) => `${gantry.origin}/console${path}`;
const shot = (name) => page.screenshot({ path: join(shots, `${name}.png`) });
const button = (name) => page.getByRole('button', { name });

/** What the API answers the signed-in user. */
async function api(method, path, data) {
  const session = await context.request.get(`${gantry.origin}/api/console/session`);
  const { accessToken } = await session.json();
  const headers = { Authorization: `Bearer ${accessToken}` };
  const answer = await context.request.fetch(gantry.origin + path, { method, headers, data });
  assert.equal(answer.status(), 200, path);
  return answer.json();
}

await check('the setup link leads to a streamed answer within a minute', async () => {
  await page.goto(gantry.link);
  await page.getByLabel(/^User name/).fill('owner');
  await page.getByLabel(/^Password/).first().fill(password);
  await button('Create administrator').click();
  await page.waitForURL(/\/console\/welcome/);
  await button(/^Run it$/).click();
  await page.getByRole('link', { name: /how this was routed/ }).waitFor();
  assert.ok(Date.now() - gantry.started < 60_000);
  await shot('welcome');
});

let curl = '';
await check('the copied curl works in a shell', async () => {
  await button(/^Copy/).first().click();
  curl = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(curl, /sk-[0-9A-Za-z]{16}_/);
  const { stdout } = await run('sh', ['-c', curl]);
  assert.match(stdout, /data: \[DONE\]/);
});

await check('the setup link works once', async () => {
  const other = await browser.newContext({ locale: 'en-US' });
  const again = await other.newPage();
  await again.goto(gantry.link);
  await again.getByText(/an administrator exists/).waitFor();
  await other.close();
});

await check('a wrong key is refused at the step auth and nothing is saved', async () => {
  const before = await api('GET', '/api/admin/platforms');
  const dialog = await openConnect(/Connect platform/, 'One-token call');
  await fillConnect(dialog, 'sk-wrong-0123456789abcdef');
  await dialog.getByRole('button', { name: /^Test$/ }).click();
  await dialog.getByText(/401/).first().waitFor();
  await fiveSteps(dialog, /Wrong key/);
  await shot('connect-wrong-key');
  assert.deepEqual(await api('GET', '/api/admin/platforms'), before);
});

await check('the test speaks Chinese too, in the dark', async () => {
  await speak('zh-CN', 'dark');
  const dialog = await openConnect(/接入平台/, /单 Token 调用/);
  await fillConnect(dialog, 'sk-wrong-0123456789abcdef');
  await dialog.getByRole('button', { name: '测试', exact: true }).click();
  await dialog.getByText(/401/).first().waitFor();
  await fiveSteps(dialog, /密钥错误/);
  await shot('connect-wrong-key-zh-dark');
  await speak('en', 'light');
  await openConnect(/Connect platform/, 'One-token call');
});

/** Shows what is opened next in a language and a theme. */
async function speak(locale, theme) {
  await page.evaluate(([l, t]) => {
    localStorage.setItem('gantry.locale', l);
    localStorage.setItem('gantry.theme', t);
  }, [locale, theme]);
  await setPreferences(locale, theme);
}

async function openConnect(name, seen) {
  await page.goto(at('/ops/platforms'));
  await button(name).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(seen).first().waitFor();
  return dialog;
}

/** Five steps are shown: those that ran with their time, the failed one with its own advice. */
async function fiveSteps(dialog, advice) {
  const steps = await dialog.getByRole('listitem').allInnerTexts();
  assert.equal(steps.length, 5);
  for (const ran of [steps[0], steps[2]]) assert.match(ran, /\d ms/); // TLS is skipped: the address is plain HTTP
  assert.match(steps[2], advice);
  assert.doesNotMatch(steps[3], / ms/);
}

async function fillConnect(dialog, key) {
  await dialog.locator('input[type=password]').first().fill(key);
  const url = dialog.getByLabel(/Base URL|接口地址/).first();
  if (!(await url.isVisible())) await dialog.getByRole('button', { name: /More settings|更多/ }).click();
  await url.fill(`http://${upstream.address}/v1`);
}

await check('connecting a real upstream makes its models callable without a reload', async () => {
  const dialog = page.getByRole('dialog');
  await fillConnect(dialog, upstream.key);
  await dialog.getByRole('button', { name: /^Test$/ }).click();
  const connect = dialog.getByRole('button', { name: /^Connect \d+ model/ });
  await connect.waitFor();
  await shot('connect-tested');
  const connected = page.waitForResponse((r) => r.url().endsWith('/api/console/platforms/connect') && r.ok());
  await connect.click();
  await connected; // the dialog's own steps speak of connections, too
  await page.getByText(/connected|models on/i).first().waitFor();
  // Only the wallet is missing, and the next step fills it.
  assert.match(await callUpstream(), /insufficient_balance/);
});

async function callUpstream() {
  assert.ok(curl.includes('"sim-chat"'), curl);
  return (await run('sh', ['-c', curl.replace('"sim-chat"', '"gpt-4o-mini"')])).stdout;
}

await check('an administrator credits a wallet once, with a reason', async () => {
  await page.goto(at('/ops/people/users'));
  await button(/Adjust/).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/(New|Target) balance|Balance/i).first().fill('25');
  await dialog.getByLabel(/Reason/).fill('journey');
  await shot('adjust');
  await dialog.getByRole('button', { name: /^(Set balance|Adjust|Post|Save)/ }).click();
  await dialog.getByText('$25').first().waitFor();
  await shot('adjusted');
  await dialog.getByRole('button', { name: /^(Close|Done)$/ }).last().click();
  await dialog.waitFor({ state: 'hidden' });
  await page.goto(at('/wallet'));
  await page.getByText(/25\.00/).first().waitFor();
  const { items } = await api('GET', '/api/workspace/wallet/transactions');
  const credits = items.filter((item) => item.transactionType === 'adjustment');
  assert.deepEqual(credits.map((item) => [item.reason, item.amountText]), [['journey', '25']]);
  assert.match(await callUpstream(), /data: \[DONE\]/);
  await shot('wallet');
});

await check('the playground estimates, streams, stops, and shows the charge', async () => {
  await page.goto(at('/play/chat?model=sim-chat'));
  const message = page.getByRole('textbox', { name: /^Message$/ });
  await message.fill('Tell me about harbour cranes.');
  await page.getByText(/^Estimated/).waitFor();
  await shot('play-estimate');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('link', { name: /^Inspect$/ }).first().waitFor();
  assert.match(await charge(0), /^estimated \d+\.\d+ → .*SIM/);
  await shot('play');

  // Slow enough that there is something to stop.
  await page.route('**/v1/chat/completions', (route) =>
    route.continue({ headers: { ...route.request().headers(), 'x-simulation': 'pace=20;tokens=2000' } }));
  await message.fill('And about gantries.');
  await page.keyboard.press('Control+Enter');
  await button(/^Stop$/).click();
  await page.getByText('Stopped by you; the text so far is kept.').waitFor();
  await page.getByRole('link', { name: /^Inspect$/ }).nth(1).waitFor();
  assert.match(await charge(1), /SIM/);
  await page.unroute('**/v1/chat/completions');
  await shot('play-stopped');
});

async function charge(turn) {
  const fact = page.locator('dl > div').filter({ has: page.getByText('Charge', { exact: true }) }).nth(turn);
  return (await fact.locator('dd').innerText()).replaceAll('\n', ' ');
}

await check('a key is created, shown once, and disabled', async () => {
  await page.goto(at('/keys'));
  await button(/^Create key$/).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').first().fill('journey');
  await dialog.getByRole('button', { name: /^Create$/ }).click();
  const secret = /sk-[0-9A-Za-z]+_[0-9A-Za-z]+/.exec(await dialog.getByText(/sk-/).first().innerText())[0];
  await shot('key-created');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('journey').first().waitFor();
  assert.ok(!(await page.content()).includes(secret), 'the secret is still on the page');
  const models = () =>
    context.request.get(`${gantry.origin}/v1/models`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await models()).status(), 200);
  await button('Actions for journey').click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  await page.getByRole('row', { name: /journey/ }).getByText('Disabled').waitFor();
  assert.equal((await models()).status(), 401);
  await shot('key-disabled');
});

await check('the request list and the inspector tell the whole story', async () => {
  await page.goto(at('/requests'));
  await page.getByRole('table').waitFor();
  await page.getByText('SIM').first().waitFor();
  await shot('requests');
  await page.getByRole('row').nth(1).click();
  await page.waitForURL(/\/requests\/[0-9a-f-]{36}/);
  for (const tab of ['Route', 'Bill', 'Ledger', 'Raw']) {
    await page.getByRole('tab', { name: tab }).click();
    await shot(`inspector-${tab.toLowerCase()}`);
  }
  await page.getByRole('tab', { name: 'Ledger' }).click();
  await page.getByText(/balances match/i).first().waitFor();
});

await check('the reference finds an operation, and the call that it shows works in a shell', async () => {
  await page.goto(at('/reference'));
  await page.getByRole('searchbox').fill('no such thing');
  await page.getByText('No operation found').waitFor();
  await page.getByRole('searchbox').fill('getWorkspaceWallet');
  await page.getByRole('link', { name: /Get wallet accounts/ }).click();
  await page.waitForURL(/op=getWorkspaceWallet/);
  await page.getByText('API key or token of a user').waitFor();
  await button('Copy curl').click();
  const call = await page.evaluate(() => navigator.clipboard.readText());
  const key = /sk-[0-9A-Za-z]{16}_[0-9A-Za-z]+/.exec(curl)[0];
  const { stdout } = await run('sh', ['-c', call], { env: { ...process.env, GANTRY_API_KEY: key } });
  assert.equal(JSON.parse(stdout).primaryAccount.currency, 'USD', stdout);
  await shot('reference-operation');
});

await check('every screen opens again after a reload, in both languages and themes', async () => {
  const paths = ['/', '/welcome', '/play/chat', '/keys', '/wallet', '/requests', '/account', '/ops/platforms', '/ops/people/users',
    '/reference', '/reference?surface=gateway&op=createAdminPlatform', '/reference?surface=gateway&op=openaiV1ChatCompletions'];
  for (const [locale, theme] of [['en', 'light'], ['zh-CN', 'dark'], ['zh-CN', 'light'], ['en', 'dark']]) {
    await speak(locale, theme);
    for (const path of paths) {
      await page.goto(at(path));
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await page.waitForLoadState('networkidle');
      const name = path === '/' ? 'home' : path.slice(1).replace(/^reference\?.*op=/, 'reference-').replaceAll('/', '-');
      await shot(`${name}.${locale}.${theme}`);
      const lang = await page.evaluate(() => document.documentElement.lang);
      assert.equal(lang, locale, `${path} is in ${lang}`);
      const text = await page.evaluate(() => document.body.innerText);
      if (locale === 'en') assert.doesNotMatch(text.replaceAll('简体中文', ''), /\p{Script=Han}/u, `${path} has Chinese text`);
    }
  }
});

function setPreferences(locale, theme) {
  return api('PUT', '/api/console/preferences', { locale, theme, density: 'compact', timeZone: 'UTC' });
}

await check('unknown API paths answer in JSON', async () => {
  for (const path of ['/v1/nothing', '/api/nothing', '/api/console/nothing']) {
    const answer = await context.request.get(gantry.origin + path);
    assert.equal(answer.status(), 404);
    assert.ok((await answer.json()).error.code, path);
  }
});

await check('nothing left the origin and the browser did not complain', async () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints.filter((c) => !/status of (401|409)/.test(c)), []);
});

await browser.close();
upstream.child.stdin.end();
gantry.child.kill('SIGTERM');
const code = await new Promise((done) => gantry.child.on('exit', done));
await check('SIGTERM ends the program well', () => assert.equal(code, 0));
if (failed) console.log(gantry.log.slice(-40).join('\n'));
if (!process.env.SHOTS) rmSync(work, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
