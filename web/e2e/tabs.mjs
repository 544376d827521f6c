/**
 * Two tabs of one browser, opened at once again and again, over many refreshes: nobody is logged out.
 * Start the server with access tokens of a few seconds.
 *
 *   MUNDO_URL=http://localhost:5000 node e2e/tabs.mjs
 */
import { chromium } from 'playwright-core';
import { args, check, executablePath, isIn, perform, signUp, tell, url, watch } from './stage.mjs';

const run = Date.now().toString(36);
const ana = { name: `Ana ${run}`, username: `ana_${run}`, email: `ana_${run}@example.test`, password: 'farol bandoneon quince' };
const browser = await chromium.launch({ executablePath, args });
const context = await browser.newContext({ locale: 'en-US', ignoreHTTPSErrors: true });

await perform(async () => {
  const refreshes = [];
  context.on('response', (response) => {
    if (response.url().endsWith('/auth/refresh')) refreshes.push(response.status());
  });
  const first = watch('first tab', await context.newPage());
  const second = watch('second tab', await context.newPage());
  first.refusals = [401];
  await tell('Ana signs up', () => signUp(first, ana));
  first.refusals = [];
  refreshes.length = 0;

  await tell('Both tabs are opened at once, ten times', async () => {
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([first.goto(url), second.goto(`${url}/events`)]);
      await Promise.all([isIn(first, ana), isIn(second, ana)]);
    }
  });

  await tell('They stay logged in over four more refreshes', async () => {
    const before = refreshes.length;
    while (refreshes.length < before + 4) await context.waitForEvent('response', { timeout: 30_000 });
    await Promise.all([first.goto(`${url}/members`), second.goto(`${url}/settings/sessions`)]);
    await Promise.all([isIn(first, ana), isIn(second, ana)]);
    check((await second.locator('.session').count()) <= 1, 'more than one session');
  });

  await tell('The server never refused one', async () => {
    const refused = refreshes.filter((status) => status !== 200);
    check(refused.length === 0, `of ${refreshes.length} refreshes, these were refused: ${refused}`);
    console.log(`    ${refreshes.length} refreshes`);
  });
}, () => browser.close());
