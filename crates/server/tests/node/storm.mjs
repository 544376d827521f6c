// A thousand stock clients in a chat room, whose server dies and comes back.
//
//   node storm.mjs URL CONTEXT     CONTEXT is JSON: tokens, room, how many clients
//
// It says `ready` when all are in, hears of the death by itself, and says how long each took from the
// line `back` on its input. Any broken expectation ends this with a sentence and status 1.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const web = new URL('../../../../web/package.json', import.meta.url);
const { io } = createRequire(web)('socket.io-client');

const [url, context] = [process.argv[2], JSON.parse(process.argv[3])];
const { tokens, room, count, options } = context;

const clients = [];
let [told, caughtUp, backAt] = [0, 0, undefined];
const took = [];

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
setTimeout(() => fail(`after two minutes ${told} are in, ${caughtUp} are back`), 120_000).unref();

class Client {
  constructor(number) {
    // What it has heard; what it says when it comes back.
    this.last = 0;
    this.missed = false;
    const auth = (give) => give({ token: tokens[number % tokens.length], resume: { [room]: this.last } });
    this.socket = io(url, { transports: ['websocket'], forceNew: true, auth, ...options });
    this.socket.on('room:joined', (joined) => this.joined(joined));
    this.socket.on('message:new', (message) => this.hear(message));
    this.socket.on('room:refused', (refused) => fail(JSON.stringify(refused)));
  }

  joined({ stream, outcome, missed }) {
    if (stream !== room) return;
    if (outcome !== 'live' && outcome !== 'recovered') fail(`a client is ${outcome}`);
    (missed ?? []).forEach(({ data }) => this.hear(data));
    told += 1;
    if (told === count) console.log('ready');
  }

  hear({ seq, body }) {
    if (seq !== this.last + 1) fail(`a client has ${this.last} and hears ${seq}`);
    this.last = seq;
    if (body !== 'we are back') return;
    took.push(performance.now() - backAt);
    caughtUp += 1;
    if (caughtUp === count) over();
  }
}

function over() {
  took.sort((a, b) => a - b);
  const at = (share) => Math.round(took[Math.floor((took.length - 1) * share)]);
  console.log(JSON.stringify({ count, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) }));
  process.exit(0);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'back') backAt = performance.now();
});
for (let number = 0; number < count; number += 1) {
  // A crowd enters, it does not burst in.
  setTimeout(() => clients.push(new Client(number)), number * 2);
}
