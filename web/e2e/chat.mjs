/**
 * Two members talk, on a desk and on a phone: what is said is there at once, what was on its way when the line broke
 * arrives once, what was missed is caught up with, read marks, replies, an edit, a room by invitation, a block.
 *
 *   MUNDO_URL=http://localhost:5000 node e2e/chat.mjs
 */
import { chromium } from 'playwright-core';
import { accessible, args, executablePath, expectCount, perform, signUp, tell, url, watch } from './stage.mjs';

const run = Date.now().toString(36);
const ana = { name: `Ana ${run}`, username: `ana_${run}`, email: `ana_${run}@example.test`, password: 'farol bandoneon quince' };
const bruno = { name: `Bruno ${run}`, username: `bruno_${run}`, email: `bruno_${run}@example.test`, password: 'cortina valsecito nueve' };
const browser = await chromium.launch({ executablePath, args });
const desk = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } });
const pocket = await browser.newContext({ locale: 'en-US', viewport: { width: 390, height: 844 }, hasTouch: true });

await perform(async () => {
  const anas = watch('Ana', await desk.newPage());
  const brunos = watch('Bruno', await pocket.newPage());
  const said = (page, text) => page.getByRole('log').getByRole('listitem').filter({ hasText: text });
  const say = async (page, text) => {
    await page.getByRole('textbox', { name: 'Your message' }).fill(text);
    await page.getByRole('textbox', { name: 'Your message' }).press('Enter');
  };

  anas.refusals = [401];
  brunos.refusals = [401];
  await tell('Both sign up', async () => {
    await signUp(anas, ana);
    await signUp(brunos, bruno);
  });
  anas.refusals = [];
  brunos.refusals = [];

  await tell('Ana writes to Bruno from his profile', async () => {
    await anas.goto(`${url}/members/${bruno.username}`);
    await anas.getByRole('button', { name: `Write to ${bruno.name}` }).click();
    await anas.getByRole('heading', { name: bruno.name, level: 2 }).waitFor();
    await say(anas, 'Shall we dance on Tuesday?');
    await said(anas, 'Shall we dance on Tuesday?').waitFor();
    await anas.getByText('Sending…').waitFor({ state: 'detached' });
  }, anas);

  await tell('Bruno sees that something waits, and reads it', async () => {
    await brunos.getByRole('link', { name: 'Messages' }).filter({ hasText: '1 room with something unread' }).click();
    await brunos.getByRole('link', { name: new RegExp(ana.name) }).filter({ hasText: '1 unread message' }).click();
    await said(brunos, 'Shall we dance on Tuesday?').waitFor();
  }, brunos);

  await tell('Ana sees that he has read it', async () => {
    await said(anas, 'Shall we dance on Tuesday?').getByText('Seen').waitFor();
  }, anas);

  await tell('Bruno replies, and Ana hears it without a reload', async () => {
    await said(brunos, 'Shall we dance on Tuesday?').getByRole('button', { name: 'Message options' }).click();
    await brunos.getByRole('menuitem', { name: 'Reply' }).click();
    await say(brunos, 'Yes, at nine.');
    await said(anas, 'Yes, at nine.').waitFor();
    await said(anas, 'Yes, at nine.').filter({ hasText: 'Shall we dance on Tuesday?' }).waitFor();
  }, brunos);

  await tell('The rooms and the room are accessible', async () => {
    await accessible(anas, 'a room at the desk');
    await accessible(brunos, 'a room on the phone');
    await brunos.getByRole('link', { name: 'Back to the rooms' }).click();
    await brunos.getByRole('heading', { name: 'Messages', level: 1 }).waitFor();
    await accessible(brunos, 'the rooms on the phone');
  });

  await tell('Bruno loses the line; what he says waits, what he misses is caught up with', async () => {
    await brunos.getByRole('link', { name: new RegExp(ana.name) }).click();
    await said(brunos, 'Yes, at nine.').waitFor();
    brunos.refusals = [0];
    const before = brunos.listeners('console');
    brunos.removeAllListeners('console');
    await pocket.setOffline(true);
    await say(anas, 'Which milonga?');
    await say(anas, 'La Catedral?');
    await said(anas, 'La Catedral?').waitFor();
    await say(brunos, 'I am in a tunnel.');
    await said(brunos, 'I am in a tunnel.').getByText('Sending…').waitFor();
    await expectCount(said(brunos, 'La Catedral?'), 0, 'heard without a line');
    await pocket.setOffline(false);
    await said(brunos, 'La Catedral?').waitFor();
    await said(anas, 'I am in a tunnel.').waitFor();
    await brunos.getByText('Sending…').waitFor({ state: 'detached' });
    for (const listener of before) brunos.on('console', listener);
    for (const page of [anas, brunos]) {
      for (const text of ['Which milonga?', 'La Catedral?', 'I am in a tunnel.']) {
        await expectCount(said(page, text), 1, `${text} on the page of ${page.who}`);
      }
    }
  }, brunos);

  await tell('Ana changes what she said and takes something back', async () => {
    await said(anas, 'La Catedral?').hover();
    await said(anas, 'La Catedral?').getByRole('button', { name: 'Message options' }).click();
    await anas.getByRole('menuitem', { name: 'Edit' }).click();
    await anas.getByRole('textbox', { name: 'Change the message' }).fill('La Catedral at ten?');
    await anas.getByRole('button', { name: 'Save' }).click();
    await said(brunos, 'La Catedral at ten?').filter({ hasText: 'edited' }).waitFor();
    await said(anas, 'Which milonga?').hover();
    await said(anas, 'Which milonga?').getByRole('button', { name: 'Message options' }).click();
    await anas.getByRole('menuitem', { name: 'Delete' }).click();
    await anas.getByRole('button', { name: 'Delete', exact: true }).click();
    await said(brunos, 'This message was deleted').waitFor();
    await expectCount(said(brunos, 'Which milonga?'), 0, 'a deleted message');
  }, anas);

  await tell('Bruno makes a room and invites Ana, who joins', async () => {
    await brunos.goto(`${url}/messages`);
    await brunos.getByRole('button', { name: 'New', exact: true }).click();
    await brunos.getByRole('menuitem', { name: 'New room' }).click();
    await brunos.getByRole('textbox', { name: 'Name of the room' }).fill(`Encuentro ${run}`);
    await brunos.getByRole('searchbox', { name: 'Invite' }).fill(ana.username);
    await brunos.getByRole('checkbox', { name: ana.name }).check();
    await brunos.getByRole('button', { name: 'Make the room' }).click();
    await brunos.getByRole('heading', { name: `Encuentro ${run}`, level: 2 }).waitFor();
    await anas.getByRole('link', { name: new RegExp(`Encuentro ${run}`) }).click();
    await anas.getByRole('button', { name: 'Join' }).click();
    await say(anas, 'Here I am.');
    await said(brunos, 'Here I am.').waitFor();
  }, brunos);

  await tell('Ana blocks Bruno: for each the other is gone, and she can take it back', async () => {
    await anas.goto(`${url}/members/${bruno.username}`);
    await anas.getByRole('button', { name: `More about ${bruno.name}` }).click();
    await anas.getByRole('menuitem', { name: 'Block' }).click();
    await anas.getByRole('button', { name: 'Block', exact: true }).click();
    await anas.getByRole('heading', { name: 'People', level: 1 }).waitFor();
    brunos.refusals = [404];
    await brunos.goto(`${url}/members/${ana.username}`);
    await brunos.getByText('Nobody here by that name').or(brunos.getByRole('link', { name: 'Search people' })).first().waitFor();
    await anas.goto(`${url}/settings/blocks`);
    await accessible(anas, 'blocked and muted');
    await anas.getByRole('button', { name: `Unblock ${bruno.name}` }).click();
    await anas.getByText('Nobody').first().waitFor();
    await brunos.goto(`${url}/members/${ana.username}`);
    await brunos.getByRole('heading', { name: ana.name, level: 1 }).waitFor();
  }, anas);
}, () => browser.close());
