/**
 * The story of two members who meet in a city's group, find each other, and are told of it. Each page is looked at
 * by axe, in light and dark, at the width of a laptop and of a phone.
 *
 *   MUNDO_URL=http://localhost:5000 node e2e/groups.mjs
 */
import { chromium } from 'playwright-core';
import { accessible, args, check, executablePath, perform, signUp, tell, url, watch } from './stage.mjs';

const run = Date.now().toString(36);
const person = (name) => ({
  name: `${name} ${run}`,
  username: `${name.toLowerCase()}_${run}`,
  email: `${name.toLowerCase()}_${run}@example.test`,
  password: 'farol bandoneon quince',
});
const [ana, bruno] = [person('Ana'), person('Bruno')];
const LAPTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const browser = await chromium.launch({ executablePath, args });

async function open(who, viewport) {
  const context = await browser.newContext({ viewport, locale: 'en-US', ignoreHTTPSErrors: true });
  return watch(who, await context.newPage());
}

await perform(async () => {
  const laptop = await open('laptop', LAPTOP);
  const phone = await open('phone', PHONE);
  // Who is not logged in yet is told so by a 401.
  laptop.refusals = [401];
  phone.refusals = [401];

  await tell('Ana and Bruno sign up', async () => {
    await signUp(laptop, ana);
    await signUp(phone, bruno);
  }, laptop);

  await tell('Ana names her city, and it has a group', async () => {
    await laptop.getByRole('link', { name: 'Groups' }).click();
    await laptop.getByRole('heading', { name: 'Groups', level: 1 }).waitFor();
    await laptop.getByLabel('Where do you dance?').fill('buenos aires');
    await laptop.getByRole('button', { name: 'Join the city' }).click();
    await laptop.getByRole('heading', { name: 'Buenos Aires', level: 1 }).waitFor();
    await laptop.getByRole('link', { name: ana.name }).first().waitFor();
    await accessible(laptop, 'a city');
  }, laptop);

  await tell('She makes a closed group', async () => {
    await laptop.getByRole('link', { name: 'Groups' }).click();
    await laptop.getByRole('button', { name: 'New group' }).click();
    await laptop.getByLabel('Name', { exact: true }).fill(`Nocheros ${run}`);
    await laptop.getByLabel('What is it about?').fill('Those who dance until the lights go on.');
    await laptop.getByRole('button', { name: 'Closed', exact: true }).click();
    await accessible(laptop, 'a new group');
    await laptop.getByRole('button', { name: 'Make the group' }).click();
    await laptop.getByRole('heading', { name: `Nocheros ${run}`, level: 1 }).waitFor();
  }, laptop);

  await tell('Bruno sees both on his phone, the city on the map', async () => {
    await phone.getByRole('link', { name: 'Groups' }).click();
    await phone.getByRole('link', { name: `Nocheros ${run}` }).waitFor();
    await phone.getByRole('link', { name: /^Buenos Aires, \d+ member/ }).waitFor();
    await accessible(phone, 'groups');
    await phone.getByRole('button', { name: `Ask to join: Nocheros ${run}` }).click();
    await phone.getByRole('button', { name: `Asked: Nocheros ${run}` }).waitFor();
  }, phone);

  await tell('Ana is told at once, and lets him in', async () => {
    await laptop.getByRole('link', { name: 'Notifications, 1 unread' }).click();
    await laptop.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor();
    await accessible(laptop, 'notifications');
    await laptop.getByRole('link', { name: `${bruno.name} would like to join Nocheros ${run}` }).click();
    await laptop.getByRole('button', { name: `Let ${bruno.name} in` }).click();
    await laptop.getByRole('link', { name: 'Notifications', exact: true }).waitFor();
  }, laptop);

  await tell('Bruno hears of it on his phone', async () => {
    await phone.getByRole('link', { name: 'Notifications, 1 unread' }).click();
    await phone.getByRole('link', { name: `${ana.name} let you into the group Nocheros ${run}` }).waitFor();
    await accessible(phone, 'notifications');
    await phone.getByRole('button', { name: 'Mark all as read' }).click();
    await phone.getByRole('link', { name: 'Notifications', exact: true }).waitFor();
  }, phone);

  await tell('He finds the group in spite of a slip of the finger', async () => {
    await phone.getByRole('link', { name: 'Search' }).click();
    await phone.getByRole('searchbox', { name: 'Search' }).fill('nochros');
    await phone.getByRole('link', { name: `Nocheros ${run}` }).waitFor();
    await phone.getByText('Close to it: nocheros').first().waitFor();
    check(phone.url().endsWith('/search?q=nochros'), 'the address does not hold the query');
    await accessible(phone, 'search');
  }, phone);

  await tell('She says when she wants quiet', async () => {
    await laptop.goto(`${url}/settings/notifications`);
    await laptop.getByRole('checkbox', { name: 'I want quiet hours' }).click();
    await laptop.getByLabel('From', { exact: true }).waitFor();
    await laptop.getByRole('checkbox', { name: 'Reactions: Email' }).click();
    await laptop.getByRole('checkbox', { name: 'Reactions: Email', checked: false }).waitFor();
    await accessible(laptop, 'notification settings');
    await laptop.reload();
    await laptop.getByLabel('From', { exact: true }).waitFor();
    check(!(await laptop.getByRole('checkbox', { name: 'Reactions: Email' }).isChecked()), 'the wish was forgotten');
  }, laptop);

  await tell('The same pages fit a phone', async () => {
    await phone.goto(`${url}/settings/notifications`);
    await phone.getByRole('checkbox', { name: 'I want quiet hours' }).waitFor();
    await accessible(phone, 'notification settings');
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    check(!wide, 'the page is wider than the phone');
  }, phone);
}, () => browser.close());
