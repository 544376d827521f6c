/**
 * What the stories about accounts share: pages whose complaints count, steps with a name and a picture, and the
 * look of axe at a page. A console error fails the story unless the step says that the server will refuse something.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const url = process.env.MUNDO_URL;
export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const WAIT_MS = 15_000;
const shots = process.env.SHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const troubles = [];
const pages = [];
let step = 0;
let current = 'the start';

if (!url) fail('MUNDO_URL must name the running server, such as http://127.0.0.1:5000');
if (shots) mkdirSync(shots, { recursive: true });

/** Listens to what a page complains about. */
export function watch(who, page) {
  page.who = who;
  /** Statuses that this step asks for. */
  page.refusals = [];
  page.setDefaultTimeout(WAIT_MS);
  page.on('pageerror', (error) => troubles.push(`${who}, ${current}: exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
    if (page.refusals.includes(status)) return;
    troubles.push(`${who}, ${current}: console: ${message.text()} (${message.location().url})`);
  });
  pages.push(page);
  return page;
}

export async function tell(what, happen, page) {
  step += 1;
  current = what;
  await happen();
  console.log(`${String(step).padStart(2)}. ${what}`);
  if (page) await picture(page, `${String(step).padStart(2, '0')} ${what}`);
}

/** Runs the story and says how it went. */
export async function perform(story, leave) {
  try {
    await story();
    await leave();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n').slice(0, 8).join('\n  ') : String(cause);
    for (const page of pages) await picture(page, `failed ${page.who}`).catch(() => {});
    await leave().catch(() => {});
    fail([`Failed at: ${current}`, `  ${reason}`, ...troubles.map((each) => `  ${each}`)].join('\n'));
  }
  if (troubles.length > 0) fail(`The steps passed, but the pages complained:\n  ${troubles.join('\n  ')}`);
  console.log(`The story holds: ${step} steps.`);
}

/** No serious violation on the page as it stands, in light and in dark. */
export async function accessible(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Colours on their way from one scheme to the other are nobody's colours.
    await page.evaluate(async () => {
      await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
      await Promise.allSettled(document.getAnimations().filter((each) => each.effect?.getComputedTiming().iterations !== Infinity).map((each) => each.finished));
    });
    // The content security policy lets no script in; the debugger's evaluation passes it.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const said = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join('; ')}`);
    if (said.length > 0) throw new Error(`${what}, ${colorScheme}, is not accessible:\n  ${said.join('\n  ')}`);
    await picture(page, `${String(step).padStart(2, '0')} ${what} ${colorScheme}`);
  }
}

export async function signUp(page, member) {
  await page.goto(`${url}/signup`);
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(member.name);
  await page.getByRole('textbox', { name: 'Username' }).fill(member.username);
  await page.getByRole('textbox', { name: 'Email' }).fill(member.email);
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await isIn(page, member);
}

export async function logIn(page, member) {
  await page.getByRole('heading', { name: 'Log in', level: 1 }).waitFor();
  await page.getByRole('textbox', { name: 'Email' }).fill(member.email);
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await isIn(page, member);
}

export async function isIn(page, member) {
  await page.getByRole('button', { name: `Account of ${member.name}` }).waitFor();
}

export async function expectCount(locator, wanted, what) {
  const found = await locator.count();
  if (found !== wanted) throw new Error(`${what}: expected ${wanted}, found ${found}`);
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

export async function picture(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name.replace(/[^\w]+/g, '-').toLowerCase()}.png`), fullPage: true });
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
