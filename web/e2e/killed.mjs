/**
 * A browser that is killed comes back logged in, though the cookie of its last refresh never reached the disk.
 *
 *   MUNDO_URL=http://localhost:5000 node e2e/killed.mjs
 *
 * Chromium writes cookies to the disk half a minute late. The profile from before a refresh, put back after the kill,
 * is that state without luck; the second half of the story kills at twenty seconds and takes what is on the disk.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { args, check, executablePath, isIn, perform, signUp, tell, url, watch } from './stage.mjs';

const run = Date.now().toString(36);
const ana = { name: `Ana ${run}`, username: `ana_${run}`, email: `ana_${run}@example.test`, password: 'farol bandoneon quince' };
const UNSAVED_MS = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'mundo-killed-'));
const [profile, saved] = [join(folder, 'profile'), join(folder, 'saved')];
let running = null;

await perform(async () => {
  let { page } = await start();
  page.refusals = [401];
  await tell('Ana signs up and closes the browser', async () => {
    await signUp(page, ana);
    await quit();
    cpSync(profile, saved, { recursive: true });
  });

  await tell('She comes back, is given a new cookie, and the browser is killed', async () => {
    const { answered } = await comeBack();
    check(answered === 200, `the refresh was answered with ${answered}`);
    await kill();
  });

  await tell('With the cookie from before she is still logged in', async () => {
    rmSync(profile, { recursive: true });
    cpSync(saved, profile, { recursive: true });
    const { answered } = await comeBack();
    check(answered === 200, `the old cookie was answered with ${answered}`);
    await page.getByRole('textbox', { name: 'New post' }).waitFor();
    await quit();
  });

  await tell('Killed twenty seconds after a refresh, with whatever was on the disk, she is still logged in', async () => {
    await comeBack();
    await page.waitForTimeout(UNSAVED_MS);
    await kill();
    const { answered } = await comeBack();
    check(answered === 200, `the cookie on the disk was answered with ${answered}`);
    await quit();
  });

  async function comeBack() {
    ({ page } = await start());
    const refreshed = page.waitForResponse((response) => response.url().endsWith('/auth/refresh'));
    await page.goto(url);
    const answered = (await refreshed).status();
    await isIn(page, ana);
    return { answered };
  }
}, async () => {
  if (running) await kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The browser as a process of its own, so that it can be killed like one. */
async function start() {
  const child = spawn(
    executablePath,
    [...args, '--password-store=basic', '--lang=en-US', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise((go) => child.once('exit', go));
  const address = await new Promise((go, refuse) => {
    let said = '';
    child.stderr.on('data', (piece) => {
      said += piece;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found) go(found[1]);
    });
    child.once('exit', () => refuse(new Error(`the browser ended: ${said.slice(-500)}`)));
  });
  const browser = await chromium.connectOverCDP(address);
  running = { child, ended, browser };
  const context = browser.contexts()[0];
  return { page: watch('Ana', context.pages()[0] ?? (await context.newPage())) };
}

async function quit() {
  const { browser, ended } = running;
  running = null;
  const session = await browser.newBrowserCDPSession();
  await session.send('Browser.close').catch(() => {});
  await ended;
}

/** SIGKILL to it and its children: nothing is written any more. */
async function kill() {
  const { child, ended, browser } = running;
  running = null;
  process.kill(-child.pid, 'SIGKILL');
  await ended;
  await browser.close().catch(() => {});
}
