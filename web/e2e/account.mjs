/**
 * The story of an account that its member looks after: devices and sessions, password, security log, the link of a
 * mail, the address, two tabs. Each page is looked at by axe, in light and dark.
 *
 *   MUNDO_URL=http://localhost:5000 node e2e/account.mjs
 *
 * CLOCK=stdio: the server's clock is moved by who started this: `advance 660` on stdout, answered by a line.
 * Without it the step that needs eleven minutes to pass is left out.
 */
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { accessible, args, check, executablePath, expectCount, isIn, logIn, perform, signUp, tell, url, watch } from './stage.mjs';

const run = Date.now().toString(36);
const ana = {
  name: `Ana ${run}`,
  username: `ana_${run}`,
  email: `ana_${run}@example.test`,
  password: 'farol bandoneon quince',
};
const NEW_PASSWORD = 'veredas lluvia compas nueve';
const LAPTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const browser = await chromium.launch({ executablePath, args });

async function open(who, viewport) {
  const context = await browser.newContext({ viewport, locale: 'en-US', ignoreHTTPSErrors: true });
  return watch(who, await context.newPage());
}

await perform(async () => {
  const laptop = await open('laptop', LAPTOP);
  let phone = await open('phone', PHONE);
  // Who is not logged in, or not any more, is told so by a 401.
  laptop.refusals = [401];
  phone.refusals = [401];

  await tell('The form says how easily a password is guessed', async () => {
    await laptop.goto(`${url}/signup`);
    const password = laptop.getByLabel('Password', { exact: true });
    await password.fill('password1');
    await laptop.getByText('Very easy to guess').waitFor();
    await password.fill(ana.password);
    await laptop.getByText('Very good').waitFor();
    await accessible(laptop, 'sign up');
  }, laptop);

  await tell('A form that is not complete says so, and leads to the first wrong field', async () => {
    await laptop.getByRole('textbox', { name: 'Name', exact: true }).fill(ana.name);
    await laptop.getByRole('button', { name: 'Create account' }).click();
    await laptop.getByRole('alert').filter({ hasText: '2 fields' }).waitFor();
    check(await laptop.getByRole('textbox', { name: 'Username' }).evaluate((input) => input === document.activeElement), 'the focus is not on the username');
    await accessible(laptop, 'sign up refused');
  }, laptop);

  await tell('Ana signs up on her laptop', () => signUp(laptop, ana), laptop);

  await tell('What her browser keeps for scripts logs nobody in', async () => {
    const kept = await laptop.evaluate(async () => ({
      storage: [...Object.entries(localStorage), ...Object.entries(sessionStorage)],
      databases: (await indexedDB.databases()).map(({ name }) => name),
      caches: await caches.keys(),
      cookies: document.cookie,
    }));
    const secrets = kept.storage.filter(([name, value]) => /token|session|secret/i.test(name) || value.length > 100 || /^ey/.test(value));
    check(secrets.length === 0, `storage holds ${JSON.stringify(secrets)}`);
    check(kept.databases.length === 0 && kept.caches.length === 0 && kept.cookies === '', `a script can read ${JSON.stringify(kept)}`);
  }, laptop);

  await tell('Caps lock is noticed', async () => {
    await phone.goto(`${url}/login`);
    const password = phone.getByLabel('Password', { exact: true });
    await password.dispatchEvent('keyup', { key: 'A', modifierCapsLock: true });
    await phone.getByText('Caps Lock is on').waitFor();
    await password.dispatchEvent('keyup', { key: 'a', modifierCapsLock: false });
    await phone.getByText('Caps Lock is on').waitFor({ state: 'detached' });
    await accessible(phone, 'log in');
  }, phone);

  await tell('She logs in on her phone, for this once', async () => {
    await phone.getByRole('checkbox', { name: 'Stay logged in on this device' }).uncheck();
    await logIn(phone, ana);
    const cookies = await phone.context().cookies();
    check(cookies.some(({ name, expires }) => name.endsWith('rt') && expires === -1), 'the refresh cookie outlives the browser');
  }, phone);

  await tell('The laptop shows both, itself first', async () => {
    await laptop.getByRole('button', { name: `Account of ${ana.name}` }).click();
    await laptop.getByRole('menuitem', { name: 'Sessions and security' }).click();
    await laptop.getByRole('heading', { name: 'Devices and sessions', level: 1 }).waitFor();
    await cards(laptop).nth(1).waitFor();
    await expectCount(cards(laptop), 2, 'sessions');
    await cards(laptop).first().getByText('This device', { exact: true }).waitFor();
    await expectCount(laptop.getByText('This device', { exact: true }), 1, 'current sessions');
    await accessible(laptop, 'sessions');
  }, laptop);

  await tell('She gives the phone a name, with the keyboard', async () => {
    await cards(laptop).nth(1).getByRole('button', { name: /^Name it/ }).focus();
    await laptop.keyboard.press('Enter');
    await laptop.keyboard.type('Milonga phone');
    await laptop.keyboard.press('Enter');
    await laptop.getByRole('heading', { name: 'Milonga phone' }).waitFor();
    await laptop.reload();
    await laptop.getByRole('heading', { name: 'Milonga phone' }).waitFor();
  }, laptop);

  await tell('She ends the phone from the laptop, and the phone hears why', async () => {
    await laptop.getByRole('button', { name: 'Log out there: Milonga phone' }).click();
    await cards(laptop).nth(1).waitFor({ state: 'detached' });
    await phone.getByText('This session was ended from another of your devices.').waitFor();
    await accessible(phone, 'ended');
  }, phone);

  await tell('A session that ends elsewhere leaves the open list', async () => {
    await logIn(phone, ana);
    await laptop.reload();
    await cards(laptop).nth(1).waitFor();
    await laptop.evaluate(() => {
      window.sameDocument = true;
    });
    await phone.getByRole('button', { name: `Account of ${ana.name}` }).click();
    await phone.getByRole('menuitem', { name: 'Log out' }).click();
    // Well before the page would look again by itself.
    await cards(laptop).nth(1).waitFor({ state: 'detached', timeout: 8_000 });
    check(await laptop.evaluate(() => window.sameDocument === true), 'the page was loaded anew');
  }, laptop);

  await tell('Log out everywhere else asks first', async () => {
    await logIn(phone, ana);
    await laptop.reload();
    await cards(laptop).nth(1).waitFor();
    const button = laptop.getByRole('button', { name: 'Log out everywhere else' });
    await button.click();
    const dialog = laptop.getByRole('dialog', { name: 'Log out everywhere else?' });
    await accessible(laptop, 'end others');
    await laptop.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expectCount(cards(laptop), 2, 'sessions after the question was closed');
    await button.click();
    await dialog.getByRole('button', { name: 'Log out everywhere else' }).click();
    await laptop.getByText('You are logged in on this device alone.').waitFor();
    await phone.getByText('This session was ended from another of your devices.').waitFor();
  }, laptop);

  await tell('The wrong password is told at its field, a poor one too', async () => {
    await logIn(phone, ana);
    await laptop.getByRole('link', { name: 'Password', exact: true }).click();
    await laptop.getByRole('heading', { name: 'Change password', level: 1 }).waitFor();
    laptop.refusals = [403, 422];
    const [current, next] = [laptop.getByLabel('Current password'), laptop.getByLabel('New password')];
    const submit = laptop.getByRole('button', { name: 'Change password' });
    await current.fill('not my password');
    await next.fill(NEW_PASSWORD);
    await submit.click();
    await described(current, 'The password is wrong.');
    await current.fill(ana.password);
    await next.fill('password1');
    await submit.click();
    await described(next, 'easily guessed');
    await accessible(laptop, 'password refused');
    laptop.refusals = [];
  }, laptop);

  await tell('A new password ends the other sessions, and this one goes on', async () => {
    await laptop.getByLabel('Current password').fill(ana.password);
    await laptop.getByLabel('New password').fill(NEW_PASSWORD);
    await laptop.getByText('Very good').waitFor();
    await laptop.getByRole('button', { name: 'Change password' }).click();
    await laptop.getByText('Your password is changed.').waitFor();
    ana.password = NEW_PASSWORD;
    await phone.getByText('The password was changed, which ends all other sessions.').waitFor();
    await laptop.reload();
    await isIn(laptop, ana);
  }, laptop);

  await tell('The security log tells all that', async () => {
    await laptop.getByRole('link', { name: 'Security log' }).click();
    for (const said of ['Password changed', 'Account opened', 'Logged in on a new device', 'A wrong password was given to confirm']) {
      await laptop.getByRole('listitem').filter({ hasText: said }).first().waitFor();
    }
    await laptop.getByRole('listitem').filter({ hasText: 'This session was ended from another of your devices.' }).first().waitFor();
    // As soon as the end comes into sight, older entries follow.
    await laptop.getByRole('listitem').filter({ hasText: 'Account opened' }).scrollIntoViewIfNeeded();
    await accessible(laptop, 'security log');
    await laptop.setViewportSize(PHONE);
    await accessible(laptop, 'security log phone');
    await laptop.getByRole('link', { name: 'Devices' }).click();
    await cards(laptop).first().waitFor();
    await accessible(laptop, 'sessions phone');
    await fitsTheScreen(laptop);
    await laptop.setViewportSize(LAPTOP);
  }, laptop);

  await tell('The link of a mail leaves no token in the address, and ends all sessions', async () => {
    // A stranger with the password, on a device of their own.
    const stranger = await open('stranger', LAPTOP);
    stranger.refusals = [401];
    await stranger.goto(url);
    await logIn(stranger, ana);
    const link = await linkOf('New log-in to your account');
    const visitor = await open('visitor', PHONE);
    visitor.refusals = [401];
    const asked = [];
    visitor.on('request', (request) => asked.push(request));
    await visitor.goto(`${url}/not-me#${link}`);
    await visitor.getByRole('heading', { name: 'Was that not you?' }).waitFor();
    check(!visitor.url().includes(link) && visitor.url().endsWith('/not-me'), `the address is ${visitor.url()}`);
    await accessible(visitor, 'not me');
    laptop.refusals = [401];
    await visitor.getByRole('button', { name: 'End all sessions' }).click();
    await visitor.getByRole('heading', { name: 'All sessions have ended' }).waitFor();
    const carriers = asked.filter((request) => request.url().includes(link) || request.postData()?.includes(link));
    check(
      carriers.length === 1 && carriers[0].url().endsWith('/auth/not-me') && carriers[0].method() === 'POST',
      `the token went out in ${carriers.map((request) => request.url())}`,
    );
    await accessible(visitor, 'not me done');
    for (const page of [stranger, laptop]) await page.getByText('All sessions were ended because somebody said').waitFor();
    await visitor.getByRole('link', { name: 'Log in and choose a new password' }).click();
    await logIn(visitor, ana);
    await visitor.getByRole('heading', { name: 'Change password', level: 1 }).waitFor();
    await accessible(visitor, 'password phone');
    await stranger.context().close();
    phone = visitor;
  }, phone);

  await tell('A link that is not whole is refused with a way on', async () => {
    phone.refusals = [400, 422];
    await phone.goto(`${url}/not-me#nonsense`);
    await phone.getByRole('button', { name: 'End all sessions' }).click();
    await phone.getByRole('alert').filter({ hasText: 'not valid' }).waitFor();
    await phone.getByRole('link', { name: 'To your devices and sessions' }).click();
    await phone.getByRole('heading', { name: 'Devices and sessions', level: 1 }).waitFor();
    phone.refusals = [];
  }, phone);

  if (process.env.CLOCK === 'stdio') {
    await tell('A new address needs the password again, when the last proof is old', async () => {
      await laptop.reload();
      await logIn(laptop, ana);
      laptop.refusals = [401, 403];
      await advance(660);
      await laptop.goto(`${url}/settings/email`);
      await laptop.getByLabel('New email address').fill(`new_${ana.email}`);
      await laptop.getByRole('button', { name: 'Change address' }).click();
      const dialog = laptop.getByRole('dialog', { name: 'Is it you?' });
      const password = dialog.getByLabel('Password', { exact: true });
      check(await password.evaluate((input) => input === document.activeElement), 'the focus is not on the password');
      await accessible(laptop, 'proof');
      await password.fill('not my password');
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await described(password, 'The password is wrong.');
      await password.fill(ana.password);
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await laptop.getByText('Your address is changed.').waitFor();
      ana.email = `new_${ana.email}`;
      await laptop.locator('.email-current').filter({ hasText: ana.email }).waitFor();
      await accessible(laptop, 'email');
    }, laptop);
  }

  await tell('Log-out in one tab logs out the other', async () => {
    const page = phone;
    const second = watch('second tab', await page.context().newPage());
    for (const tab of [page, second]) tab.refusals = [401];
    await second.goto(url);
    await isIn(second, ana);
    await page.getByRole('button', { name: `Account of ${ana.name}` }).click();
    await page.getByRole('menuitem', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in', level: 1 }).waitFor();
    await second.getByRole('heading', { name: 'Log in', level: 1 }).waitFor();
    await expectCount(second.locator('.form-notice'), 0, 'explanations of a log-out that was asked for');
    await logIn(page, ana);
    await isIn(second, ana);
  }, phone);
}, () => browser.close());

function cards(page) {
  return page.locator('.session');
}

/** The field is marked wrong, and what screen readers hear about it holds these words. */
async function described(field, words) {
  await field.and(field.page().locator('[aria-invalid="true"]')).waitFor();
  const said = await field.evaluate((input) =>
    input
      .getAttribute('aria-describedby')
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent)
      .join(' '),
  );
  check(said.includes(words), `the field says "${said}"`);
}

async function fitsTheScreen(page) {
  const [whole, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(whole <= seen, `the page is ${whole} px wide on a screen of ${seen} px`);
}

/** The token in the newest mail to Ana with this subject. */
async function linkOf(subject) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const mails = await (await fetch(`${url}/dev/mail`)).text();
    const token = mails
      .split('<article>')
      .filter((mail) => mail.includes(subject) && mail.includes(ana.email))
      .map((mail) => /\/not-me#([\w.~-]+)/.exec(mail)?.[1])
      .find(Boolean);
    if (token) return token;
    if (Date.now() > deadline) throw new Error(`no mail "${subject}" arrived`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

/** Asks whoever started this to move the server's clock. */
async function advance(seconds) {
  const lines = createInterface({ input: process.stdin });
  const answered = new Promise((go) => lines.once('line', go));
  console.log(`advance ${seconds}`);
  await answered;
  lines.close();
}
