// A stock Socket.IO client against a running server. Any broken expectation ends this with a sentence and status 1.
//
//   node realtime.mjs STORY URL CONTEXT     CONTEXT is JSON: the tokens and ids that the story needs
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const web = new URL('../../../../web/package.json', import.meta.url);
const { io } = createRequire(web)('socket.io-client');

const [story, url, context] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4] ?? '{}')];

const WAYS = {
  'websocket only': { transports: ['websocket'] },
  'polling, then upgraded': { transports: ['polling', 'websocket'] },
  'polling only': { transports: ['polling'] },
};

const stories = {
  // A member with a token comes in, whichever way, and stays.
  async connects({ token }) {
    for (const [way, options] of Object.entries(WAYS)) {
      const socket = client(token, options);
      const upgraded = way.includes('upgraded') && once(socket.io.engine, 'upgrade', `an upgrade (${way})`);
      await connected(socket, way);
      await upgraded;
      const wanted = way === 'polling only' ? 'polling' : 'websocket';
      equal(socket.io.engine.transport.name, wanted, `the transport (${way})`);
      await never(socket, 'disconnect', 300, `a connected client stays connected (${way})`);
      socket.disconnect();
    }
  },

  // Nobody else does, and learns the same word whatever is wrong.
  async refuses({ tokens }) {
    for (const [way, options] of Object.entries(WAYS)) {
      for (const [what, token] of Object.entries(tokens)) {
        const socket = client(token ?? undefined, options);
        socket.on('connect', () => fail(`${what} was let in (${way})`));
        const error = await once(socket, 'connect_error', `connect_error for ${what} (${way})`);
        equal(error.message, 'unauthenticated', `connect_error of ${what} (${way})`);
        socket.disconnect();
      }
    }
    const socket = io(url, { ...WAYS['websocket only'], forceNew: true, reconnection: false });
    const error = await once(socket, 'connect_error', 'connect_error without auth');
    equal(error.message, 'unauthenticated', 'connect_error without auth');
    socket.disconnect();
  },

  // A follower hears of a post within a second; who does not follow hears nothing.
  async push({ author, follower, stranger }) {
    for (const [way, options] of Object.entries(WAYS)) {
      const [hears, deaf] = [client(follower, options), client(stranger, options)];
      await Promise.all([connected(hears, way), connected(deaf, way)]);
      deaf.on('post:new', () => fail(`a stranger was told of a post (${way})`));
      const body = `¡Milonga at ten! 💃 (${way})`;
      const heard = once(hears, 'post:new', `post:new (${way})`, 2000);
      const post = await publish(author.token, body);
      const began = performance.now();
      const push = await heard;
      const took = performance.now() - began;
      if (took > 1000) fail(`post:new came ${took.toFixed()} ms after the answer (${way})`);
      equal(Object.keys(push), ['post'], `what post:new holds (${way})`);
      equal(Object.keys(push.post).sort(), ['author', 'body', 'created_at', 'id'], `what its post holds (${way})`);
      for (const field of ['id', 'author', 'body', 'created_at']) equal(push.post[field], post[field], `post:new ${field} (${way})`);
      equal(push.post.author.id, author.id, `the author of post:new (${way})`);
      await never(hears, 'post:new', 400, `a post is told once (${way})`);
      hears.disconnect();
      deaf.disconnect();
    }
  },

  // A minute before the token ends the socket hears so. Who shows a new one stays; who does not is put out, is told
  // why, and a stock client with its stock options does not come back by itself. The clock runs fast meanwhile.
  async expires({ renewing, silent, stranger }) {
    const ways = Object.entries(WAYS);
    const stays = await Promise.all(ways.map(([way, options]) => open(renewing.access_token, options, way)));
    const goes = await Promise.all(ways.map(([way, options]) => open(silent.access_token, { ...options, reconnection: true }, way)));
    const others = goes.map((socket) => watch(socket));
    const soon = 30_000;
    const told = await Promise.all([...stays, ...goes].map((socket) => once(socket, 'auth:expiring', 'auth:expiring', soon)));
    for (const { expires_at, ...more } of told) equal([new Date(expires_at).toISOString().slice(0, 19), more], [expires_at.slice(0, 19), {}], 'what auth:expiring holds');
    for (const socket of stays) socket.on('disconnect', (reason) => fail(`a renewed socket was put out: ${reason}`));
    const tokens = { refresh_token: renewing.refresh_token, device_token: renewing.device_token };
    const fresh = (await send('POST', '/auth/refresh', '', tokens, 200)).access_token;
    for (const [nth, socket] of stays.entries()) {
      for (const [token, code] of [['nonsense', 'unauthenticated'], [stranger, 'other_session'], [silent.access_token, 'other_session']]) {
        const { ok, code: found } = await ask(socket, 'auth:renew', { token });
        equal([ok, found], [false, code], 'a token that is not the session\'s next one');
      }
      for (const odd of [undefined, null, {}, { token: 5 }, { token: fresh, more: 1 }]) {
        equal((await ask(socket, 'auth:renew', odd)).ok, false, `auth:renew with ${JSON.stringify(odd)}`);
      }
      const { ok, expires_at } = await ask(socket, 'auth:renew', { token: fresh });
      equal([ok, expires_at > told[nth].expires_at], [true, true], `auth:renew: ${JSON.stringify(expires_at)} after ${told[nth].expires_at}`);
    }
    const ends = goes.map(async (socket) => {
      const [expired, reason] = await Promise.all([once(socket, 'auth:expired', 'auth:expired', soon), once(socket, 'disconnect', 'the end', soon)]);
      equal([typeof expired.expired_at, reason], ['string', 'io server disconnect'], 'how a socket ends whose token has');
    });
    await Promise.all(ends);
    await sleep(2500);
    equal(others.map(({ attempts }) => attempts), [0, 0, 0], 'attempts to come back with a token that has ended');
    equal(stays.map((socket) => socket.connected), [true, true, true], 'who has renewed is still there');
    for (const socket of [...stays, ...goes]) socket.off('disconnect').disconnect();
  },

  // A token in the address opens nothing.
  async ignores_queries({ token }) {
    for (const [way, options] of Object.entries(WAYS)) {
      const socket = io(url, { ...options, query: { token, auth: JSON.stringify({ token }) }, forceNew: true, reconnection: false });
      socket.on('connect', () => fail(`a token in the address was taken (${way})`));
      equal((await once(socket, 'connect_error', `connect_error (${way})`)).message, 'unauthenticated', way);
      socket.disconnect();
    }
  },

  // Coming, writing, speaking and going are told to who is in the room, whichever way a client is connected.
  async presence({ sees, comes, room }) {
    const watcher = await open(sees.token, WAYS['websocket only'], 'who sees');
    await ask(watcher, 'room:join', { room });
    for (const [way, options] of Object.entries(WAYS)) {
      const [came, began, said] = [until(watcher, 'presence:changed', is('online')), until(watcher, 'typing:changed', started), once(watcher, 'message:new', 'message:new')];
      const dancer = await open(comes.token, options, way);
      const { stream } = await ask(dancer, 'room:join', { room });
      equal((await came).room, stream, `the room of presence:changed (${way})`);
      const list = await ask(dancer, 'presence:list', { room: stream });
      equal(list.present.map(({ member_id }) => member_id).sort(), [sees.id, comes.id].sort(), `who is there (${way})`);
      const period = await ask(dancer, 'typing:start', { room: stream });
      equal([period.ok, period.again_ms < period.expires_ms], [true, true], `the period (${way})`);
      equal((await began).members, [comes.id], `who is writing (${way})`);
      const ended = until(watcher, 'typing:changed', ({ stopped }) => stopped.includes(comes.id));
      equal((await ask(dancer, 'message:send', { room: stream, body: `¡Hola! (${way})` })).ok, true, `message:send (${way})`);
      await Promise.all([said, ended]);
      const away = until(watcher, 'presence:changed', is('away'));
      await ask(dancer, 'presence:set', { status: 'away' });
      await away;
      const gone = until(watcher, 'presence:changed', is('offline'));
      dancer.disconnect();
      await gone;
    }
    watcher.disconnect();
    function is(status) {
      return ({ changes }) => changes.some((change) => change.member_id === comes.id && change.status === status);
    }
    function started({ started }) {
      return started.includes(comes.id);
    }
  },

  // Who logs out is told so and put out; other sessions stay.
  async revoked({ token, other, end, error: word = 'unauthenticated' }) {
    const stock = { ...WAYS['polling, then upgraded'], reconnection: true };
    const [gone, stays] = [client(token, stock), client(other, WAYS['websocket only'])];
    await Promise.all([connected(gone, 'the session to end'), connected(stays, 'the other session')]);
    const seen = watch(gone);
    const calm = never(stays, 'disconnect', 1500, 'another session of the member is left alone');
    const [told, ended] = [once(gone, 'session:revoked', 'session:revoked'), once(gone, 'disconnect', 'the end of the connection')];
    const by = end ?? { method: 'POST', path: '/auth/logout', token, body: {} };
    await send(by.method, by.path, by.token, by.body, 204, context.elsewhere);
    const loggedOut = Date.now();
    const { reason, ...more } = await told;
    if (Date.now() - loggedOut > 1000) fail(`the socket lived on for ${Date.now() - loggedOut} ms`);
    equal([typeof reason, more], ['string', {}], 'what session:revoked holds');
    equal(reason, context.reason, 'the reason of session:revoked');
    equal(await ended, 'io server disconnect', 'who ended the connection');
    await calm;
    stays.disconnect();
    equal(seen.attempts, 0, 'attempts of a stock client to come back into an ended session');

    const again = client(token, WAYS['websocket only']);
    const error = await once(again, 'connect_error', 'connect_error of an ended session');
    equal(error.message, word, 'connect_error of an ended session');
    again.disconnect();
  },

  // What was said while nobody listened is heard with the connection, whichever way it goes.
  async resumes({ sees, comes, room }) {
    for (const [way, options] of Object.entries(WAYS)) {
      const before = await open(sees.token, options, way);
      const { stream, seq } = await ask(before, 'room:join', { room });
      before.disconnect();
      const speaker = await open(comes.token, WAYS['websocket only'], 'who speaks');
      for (const body of ['one', 'two', 'three']) await ask(speaker, 'message:send', { room, body });

      const after = io(url, {
        reconnection: false, ...options, forceNew: true, auth: { token: sees.token, resume: { [stream]: seq } },
      });
      const joined = await until(after, 'room:joined', (push) => push.stream === stream);
      equal(joined.outcome, 'recovered', `the outcome by ${way}`);
      equal(joined.missed.map(({ data }) => data.seq - seq), [1, 2, 3], `the numbers by ${way}`);
      equal(joined.missed.map(({ data }) => data.body), ['one', 'two', 'three'], `the words by ${way}`);
      const next = until(after, 'message:new', (push) => push.stream === stream);
      await ask(speaker, 'message:send', { room, body: 'four' });
      equal((await next).seq - seq, 4, `what comes next by ${way}`);
      after.disconnect();
      speaker.disconnect();
    }
  },
};

function client(token, options) {
  return io(url, { reconnection: false, ...options, auth: { token }, forceNew: true });
}

async function open(token, options, what) {
  const socket = client(token, options);
  await connected(socket, what);
  return socket;
}

/** Counts what a client does to come back. */
function watch(socket) {
  const seen = { attempts: 0 };
  socket.io.on('reconnect_attempt', () => (seen.attempts += 1));
  socket.io.on('open', () => (seen.attempts += 1));
  return seen;
}

/** Sends an event and gives its ack. */
function ask(socket, event, payload) {
  return socket.timeout(5000).emitWithAck(event, payload).catch((error) => fail(`${event}: ${error.message}`));
}

function connected(socket, what) {
  socket.once('connect_error', (error) => fail(`${what}: not connected: ${error.message}`));
  return once(socket, 'connect', `a connection (${what})`);
}

/** The first argument of the event, which must come in time. */
function once(emitter, event, what, ms = 5000) {
  return new Promise((resolve) => {
    const late = setTimeout(() => fail(`${what}: nothing came within ${ms} ms`), ms);
    emitter.once(event, (value) => {
      clearTimeout(late);
      resolve(value);
    });
  });
}

/** The first push of that name that is as wanted. */
function until(socket, event, wanted, ms = 10_000) {
  return new Promise((resolve) => {
    const late = setTimeout(() => fail(`${event}: not as wanted within ${ms} ms`), ms);
    socket.on(event, function hear(push) {
      if (!wanted(push)) return;
      clearTimeout(late);
      socket.off(event, hear);
      resolve(push);
    });
  });
}

async function never(socket, event, ms, rule) {
  const broken = (value) => fail(`${rule}, but ${event} came: ${JSON.stringify(value)}`);
  socket.on(event, broken);
  await sleep(ms);
  socket.off(event, broken);
}

async function send(method, path, token, body, status, node = url) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' };
  const answer = await fetch(`${node}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (answer.status !== status) fail(`${method} ${path} answered ${answer.status}: ${text}`);
  return text && JSON.parse(text);
}

const publish = (token, body) => send('POST', '/posts', token, { body }, 201);

function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) fail(`${what}: expected ${b}, found ${a}`);
}

function fail(reason) {
  console.error(`${story}: ${reason}`);
  process.exit(1);
}

if (!stories[story]) fail('there is no such story');
await stories[story](context);
console.log(`${story}: as it should be`);
process.exit(0);
