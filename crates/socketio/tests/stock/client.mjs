// A stock client against the layer, whichever way it comes in. A broken expectation ends this with status 1.
//
//   node client.mjs URL
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';

const { io } = createRequire(new URL('../../../../web/package.json', import.meta.url))('socket.io-client');
const url = process.argv[2];

const WAYS = {
  'websocket only': { transports: ['websocket'] },
  'polling, then upgraded': { transports: ['polling', 'websocket'] },
  'polling only': { transports: ['polling'] },
};

setTimeout(() => fail(new Error('not done in time')), 30_000).unref();
process.on('unhandledRejection', fail);

for (const [way, options] of Object.entries(WAYS)) {
  const open = (namespace, auth) => io(url + namespace, { ...options, auth, forceNew: true, reconnection: false });

  const refused = open('/', {});
  const [error] = await once(refused, 'connect_error');
  assert.deepEqual([error.message, error.data], ['unauthenticated', { code: 7 }], way);
  refused.disconnect();

  const nowhere = open('/nowhere', {});
  assert.equal((await once(nowhere, 'connect_error'))[0].message, 'Invalid namespace', way);
  nowhere.disconnect();

  const socket = open('/', { token: 'ana' });
  const upgraded = way.includes('upgraded') && once(socket.io.engine, 'upgrade');
  const [welcome] = await once(socket, 'welcome');
  assert.deepEqual(welcome, { token: 'ana' }, way);
  await upgraded;
  assert.equal(socket.io.engine.transport.name, way === 'polling only' ? 'polling' : 'websocket', way);

  // Any arguments, text and binary, forth and back.
  const bytes = Buffer.from([0, 1, 2, 250]);
  for (const args of [[], [1], ['¡Milonga! 💃', { a: [true, null] }], [bytes], [{ deep: [bytes, { er: bytes }] }, 2, bytes]]) {
    assert.deepEqual(await socket.timeout(5000).emitWithAck('echo', ...args), args, way);
  }
  const large = 'x'.repeat(500_000);
  assert.deepEqual(await socket.timeout(5000).emitWithAck('echo', large), [large], way);

  // Many at once keep their order.
  const heard = [];
  const done = new Promise((resolve) => socket.on('again', (n) => heard.push(n) === 300 && resolve()));
  for (let n = 0; n < 300; n += 1) socket.emit('say again', n);
  await done;
  assert.deepEqual(heard, Array.from({ length: 300 }, (_, n) => n), way);

  // The server asks, and the client answers with binary data.
  socket.on('question', (question, answer) => answer({ question, bytes }));
  assert.deepEqual(await socket.timeout(5000).emitWithAck('ask me', 'why'), { question: 'why', attachments: 1 }, way);

  // A room, and what another says there.
  const other = open('/', { token: 'bruno' });
  await once(other, 'welcome');
  for (const each of [socket, other]) await each.timeout(5000).emitWithAck('join', 'hall');
  const told = once(socket, 'told');
  other.emit('tell', 'hall', { news: 1 });
  assert.deepEqual((await told)[0], { news: 1 }, way);
  const left = once(socket, 'left');
  other.disconnect();
  assert.equal((await left)[0], 'client namespace disconnect', way);

  // Pings pass unseen; then the server ends it.
  await Promise.all([once(socket.io, 'ping'), once(socket.io, 'ping')]);
  const ended = once(socket, 'disconnect');
  socket.emit('put me out');
  assert.equal((await ended)[0], 'io server disconnect', way);
}
// Nothing is left open: the process ends by itself.
console.log('as it should be');

function fail(error) {
  console.error(error);
  process.exit(1);
}
