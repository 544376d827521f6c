// Everybody in the hall comes back at once, from one address: each refreshes, asks who they are and connects a
// socket. Nobody may be refused anything. Tells how long it took until the last was there.
//
//   node hall.mjs URL < MEMBERS      MEMBERS is JSON: a list of {refresh_token, device_token}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const web = new URL('../../../../web/package.json', import.meta.url);
const { io } = createRequire(web)('socket.io-client');
const began = performance.now();
const url = process.argv[2];
const members = JSON.parse(readFileSync(0, 'utf8'));

async function ask(method, path, headers, body) {
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

const phases = { refreshed: 0, known: 0, connected: 0 };
const at = (phase) => { phases[phase] = Math.round(performance.now() - began); };

async function comesBack(member) {
  const json = { 'content-type': 'application/json' };
  const { access_token: token } = await ask('POST', '/auth/refresh', json, JSON.stringify(member));
  at('refreshed');
  await ask('GET', '/me', { authorization: `Bearer ${token}` });
  at('known');
  const socket = io(url, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) => reject(new Error(`connect_error: ${error.message}`)));
  });
  at('connected');
  return socket;
}

try {
  const sockets = await Promise.all(members.map(comesBack));
  const alone = sockets.filter((socket) => !socket.connected).length;
  if (alone > 0) throw new Error(`${alone} sockets were cut again`);
  console.log(JSON.stringify({ back: sockets.length, ...phases }));
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
