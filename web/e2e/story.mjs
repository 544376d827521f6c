/**
 * The story of two members, told to a running server through two real browsers:
 * Ana and Bruno sign up, Bruno finds and follows Ana, Ana publishes, Bruno's open feed shows it without a reload,
 * Bruno likes it, Ana logs out and in again and sees the like, and both stay logged in after a reload.
 *
 *   MUNDO_URL=http://127.0.0.1:5000 npm run story
 *
 * CHROMIUM names the browser (default /usr/bin/chromium), SHOTS a folder for a picture after each step.
 * Any console error and any exception in a page fails the story. One console line is expected and allowed: Chromium
 * itself notes the 401 by which /auth/refresh tells a visitor without a session that there is none.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const url = process.env.MUNDO_URL;
if (!url) fail('MUNDO_URL must name the running server, such as http://127.0.0.1:5000');
const shots = process.env.SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const WAIT_MS = 15_000;
const run = Date.now().toString(36);
const ana = { name: `Ana ${run}`, username: `ana_${run}`, email: `ana_${run}@example.test`, password: 'abrazo-cerrado-1' };
const bruno = { name: `Bruno ${run}`, username: `bruno_${run}`, email: `bruno_${run}@example.test`, password: 'giro-y-sacada-2' };
const text = `Tonight at La Catedral, after the second tanda of Pugliese. (${run})`;

const troubles = [];
let step = 0;
let current = 'the start';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

try {
  const anas = await open('Ana', { width: 1280, height: 800 });
  const brunos = await open('Bruno', { width: 390, height: 844 });

  await tell('Ana signs up', () => signUp(anas, ana), anas);
  await tell('Bruno signs up', () => signUp(brunos, bruno), brunos);

  await tell('Bruno finds Ana under people and follows her', async () => {
    await brunos.getByRole('link', { name: 'People', exact: true }).click();
    await brunos.getByRole('heading', { name: 'People', level: 1 }).waitFor();
    await brunos.getByRole('searchbox', { name: 'Search people' }).fill(ana.username);
    await brunos.getByRole('button', { name: `Follow ${ana.name}` }).click();
    await brunos.getByRole('button', { name: `Following ${ana.name}`, pressed: true }).waitFor();
    // The server has it too, not this page alone.
    await brunos.getByRole('link', { name: ana.name, exact: true }).click();
    await brunos.getByRole('heading', { name: ana.name, level: 1 }).waitFor();
    await brunos.getByRole('link', { name: '1 follower' }).click();
    await brunos.getByRole('listitem').filter({ hasText: bruno.name }).waitFor();
  }, brunos);

  await tell('Bruno opens his feed and is connected', async () => {
    await brunos.getByRole('link', { name: 'Feed', exact: true }).click();
    await brunos.getByText('Your floor is still quiet').waitFor();
    await brunos.getByRole('status').filter({ hasText: 'Live' }).waitFor({ state: 'attached' });
  }, brunos);

  // A reload would forget this mark.
  await brunos.evaluate(() => {
    window.sameDocument = true;
  });

  await tell('Ana publishes a post', async () => {
    await anas.getByRole('textbox', { name: 'New post' }).fill(text);
    await anas.getByRole('button', { name: 'Publish', exact: true }).click();
    await post(anas).waitFor();
    await expectCount(post(anas), 1, "Ana's own post in her feed");
  }, anas);

  await tell("Bruno's open feed shows it, without a reload", async () => {
    await post(brunos).waitFor();
    await expectCount(post(brunos), 1, "Ana's post in Bruno's feed");
    if (!(await brunos.evaluate(() => window.sameDocument === true))) throw new Error('the page was loaded anew');
  }, brunos);

  await tell('Bruno likes it', async () => {
    const answer = brunos.waitForResponse((response) => response.url().endsWith('/reactions'));
    await post(brunos).getByRole('button', { name: 'Like', exact: true }).click();
    await post(brunos).getByRole('button', { name: 'Like', exact: true, pressed: true }).waitFor();
    const { ok, status } = await answer.then((response) => ({ ok: response.ok(), status: response.status() }));
    if (!ok) throw new Error(`the server answered the like with ${status}`);
    await post(brunos).getByText('1 reaction').waitFor({ state: 'attached' });
  }, brunos);

  await tell('Ana logs out', async () => {
    await anas.getByRole('button', { name: `Account of ${ana.name}` }).click();
    await anas.getByRole('menuitem', { name: 'Log out' }).click();
    await anas.getByRole('heading', { name: 'Log in' }).waitFor();
    await anas.reload();
    await anas.getByRole('heading', { name: 'Log in' }).waitFor();
  }, anas);

  await tell('Ana logs in again and sees the like', async () => {
    await anas.getByRole('textbox', { name: 'Email' }).fill(ana.email);
    await anas.getByLabel('Password', { exact: true }).fill(ana.password);
    await anas.getByRole('button', { name: 'Log in' }).click();
    await post(anas).getByText('1 reaction').waitFor({ state: 'attached' });
    await post(anas).getByRole('button', { name: 'Like', exact: true, pressed: false }).waitFor();
  }, anas);

  await tell('Both are still logged in after a reload', async () => {
    await Promise.all([anas.reload(), brunos.reload()]);
    await post(anas).waitFor();
    await anas.getByRole('button', { name: `Account of ${ana.name}` }).waitFor();
    await post(brunos).getByRole('button', { name: 'Like', exact: true, pressed: true }).waitFor();
    await brunos.getByRole('button', { name: `Account of ${bruno.name}` }).waitFor();
  }, brunos);

  await browser.close();
  if (troubles.length > 0) fail(`The steps passed, but the pages complained:\n  ${troubles.join('\n  ')}`);
  console.log(`The story holds: ${step} steps.`);
} catch (cause) {
  const reason = cause instanceof Error ? cause.message.split('\n').slice(0, 6).join('\n  ') : String(cause);
  for (const context of browser.contexts()) {
    for (const page of context.pages()) await picture(page, `failed ${page.who}`).catch(() => {});
  }
  await browser.close().catch(() => {});
  fail([`Failed at: ${current}`, `  ${reason}`, ...troubles.map((each) => `  ${each}`)].join('\n'));
}

async function open(who, viewport) {
  const context = await browser.newContext({ viewport, locale: 'en-US', ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.who = who;
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => troubles.push(`${who}, ${current}: exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const where = message.location().url;
    const noSession = /status of 401/.test(message.text()) && new URL(where, url).pathname === '/api/v1/auth/refresh';
    if (noSession && page.visiting) return;
    troubles.push(`${who}, ${current}: console: ${message.text()} (${where})`);
  });
  // Only a visitor, who is not logged in, may be told so.
  page.visiting = true;
  return page;
}

async function signUp(page, member) {
  await page.goto(url);
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('heading', { name: 'Create an account' }).waitFor();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(member.name);
  await page.getByRole('textbox', { name: 'Username' }).fill(member.username);
  await page.getByRole('textbox', { name: 'Email' }).fill(member.email);
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('button', { name: `Account of ${member.name}` }).waitFor();
  await page.getByRole('textbox', { name: 'New post' }).waitFor();
}

function post(page) {
  return page.getByRole('article', { name: `Post by ${ana.name}` }).filter({ hasText: text });
}

async function expectCount(locator, wanted, what) {
  const found = await locator.count();
  if (found !== wanted) throw new Error(`${what}: expected ${wanted}, found ${found}`);
}

async function tell(what, happen, page) {
  step += 1;
  current = what;
  page.visiting = /signs up|logs out|logs in/.test(what);
  await happen();
  console.log(`${String(step).padStart(2)}. ${what}`);
  await picture(page, `${String(step).padStart(2, '0')} ${what}`);
}

async function picture(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name.replace(/[^\w]+/g, '-').toLowerCase()}.png`) });
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
