/**
 * The one Socket.IO connection of a page or a program: opened while a member is signed in, closed with the session.
 *
 * The library reconnects by itself after a lost line. Two cases it leaves to us: a refused handshake, and a
 * disconnect that the server asked for. Both lead to a pause, a fresh token if ours may be the reason, and another
 * try; the pauses grow until a handshake succeeds, so a server that keeps refusing is asked less and less.
 * Knows no feature: slices subscribe to pushes by name.
 */
import { io, type Socket } from 'socket.io-client';
import type { Messages, Pushes } from './api/events.ts';
import type { RefreshOutcome } from './http.ts';
import { Problem } from './problem.ts';
import { createStore, type Readable } from './store.ts';

export type ConnectionState = 'idle' | 'connecting' | 'online' | 'reconnecting' | 'offline';

export interface Connection extends Readable<ConnectionState> {
  open(): void;
  close(): void;
  /** Hears a push; answers the function that stops it. */
  on<N extends keyof Pushes>(name: N, hear: (payload: Pushes[N]) => void): () => void;
  /** Hears every push, before those who wait for it by name. */
  onEvery(hear: (name: string, payload: unknown) => void): void;
  /** Tells hearers of a push that came inside an answer. */
  deliver(name: string, payload: unknown): void;
  /** Says something and gives the ack; a refusal is thrown as a `Problem`, a lost line as one with code `network`. */
  say<N extends keyof Messages>(name: N, payload: Messages[N]['say']): Promise<Messages[N]['ack']>;
  /** What the handshake names as the last number heard of each stream, so that the server tells what was missed. */
  resumeFrom(positions: () => Record<string, number>): void;
  /** Runs after every handshake that succeeded: what is ephemeral may have been missed before it. */
  onOnline(react: () => void): () => void;
}

/** What the connection needs of the session. */
export interface Tokens {
  usableToken(): string | null;
  currentToken(): string | null;
  refresh(refused: string | null): Promise<RefreshOutcome>;
  revoked(reason: string | null): Promise<RefreshOutcome>;
}

const PAUSE_MIN_MS = 500;
const PAUSE_MAX_MS = 60_000;
/** The server waits a minute for the next token. */
const RENEW_AGAIN_MS = 10_000;
const ANSWER_MS = 10_000;
/** What a refusal over the socket stands for where a status is wanted: asking again will not help. */
const REFUSED = 409;

export function createConnection(options: {
  /** Where the server is; left out by a page that it serves itself. */
  url?: string;
  tokens: Tokens;
  connect?: typeof io;
  random?: () => number;
}): Connection {
  const { tokens } = options;
  const connect = options.connect ?? io;
  const random = options.random ?? Math.random;
  // A program is told by nobody whether there is a line.
  const page = typeof window === 'undefined' ? null : window;
  const state = createStore<ConnectionState>('idle');
  const hearers = new Map<string, Set<(payload: unknown) => void>>();
  const everyHearer = new Set<(name: string, payload: unknown) => void>();
  const onlineReactions = new Set<() => void>();
  let positions: () => Record<string, number> = () => ({});
  let socket: Socket | null = null;
  let refusals = 0;
  let handshakeToken: string | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function open(): void {
    if (socket) return;
    const opened = connect(options.url, {
      path: '/socket.io',
      autoConnect: false,
      forceNew: true,
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnectionDelay: 200,
      reconnectionDelayMax: 1000,
      auth: (answer) => {
        handshakeToken = tokens.currentToken();
        answer({ token: handshakeToken, resume: positions() });
      },
    });
    socket = opened;
    state.set('connecting');

    opened.on('connect', () => {
      refusals = 0;
      state.set('online');
      for (const react of [...onlineReactions]) react();
    });
    opened.on('disconnect', (reason) => {
      state.set(lostState());
      // After 'io server disconnect' the library stays silent; any other loss it repairs by itself.
      if (reason === 'io server disconnect') tryAgainLater(opened, tokens.usableToken() === null);
    });
    opened.on('connect_error', (error) => {
      state.set(lostState());
      // `active` means the library goes on by itself (no line); otherwise the server has refused the handshake.
      if (!opened.active) tryAgainLater(opened, error.message === 'unauthenticated');
    });
    opened.on('auth:expiring', () => void renew(opened));
    // The session may be over; the server's answer to a refresh is the proof. The disconnect that follows is above.
    opened.on('session:revoked', (payload: unknown) => void tokens.revoked(readReason(payload)));
    opened.onAny(deliver);

    page?.addEventListener('online', whenLineReturns);
    page?.addEventListener('offline', whenLineGoes);
    void connectWithToken(opened);
  }

  function deliver(name: string, payload: unknown): void {
    for (const hear of everyHearer) hear(name, payload);
    for (const hear of [...(hearers.get(name) ?? [])]) hear(payload);
  }

  function close(): void {
    clearTimeout(timer);
    page?.removeEventListener('online', whenLineReturns);
    page?.removeEventListener('offline', whenLineGoes);
    socket?.removeAllListeners();
    socket?.disconnect();
    socket = null;
    refusals = 0;
    state.set('idle');
  }

  async function connectWithToken(opened: Socket): Promise<void> {
    if (tokens.usableToken() === null) {
      const outcome = await tokens.refresh(null);
      // Ended: the session's own listeners close us. Later: the session tries on; so do we.
      if (outcome === 'later' && socket === opened) return tryAgainLater(opened, false);
      if (outcome === 'ended') return;
    }
    if (socket === opened && !opened.connected) opened.connect();
  }

  /** Shows the session's next token on the live connection. Without one the server cuts it, which is repaired above. */
  async function renew(opened: Socket): Promise<void> {
    // Another tab or call may have renewed it by now.
    const outcome = tokens.currentToken() === handshakeToken ? await tokens.refresh(handshakeToken) : 'renewed';
    if (socket !== opened || !opened.connected) return;
    if (outcome === 'later') {
      clearTimeout(timer);
      timer = setTimeout(() => void renew(opened), RENEW_AGAIN_MS);
      return;
    }
    const token = tokens.usableToken();
    if (outcome !== 'renewed' || token === null) return;
    handshakeToken = token;
    opened.emit('auth:renew', { token });
  }

  function tryAgainLater(opened: Socket, tokenRefused: boolean): void {
    clearTimeout(timer);
    refusals += 1;
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(refusals - 1, 10)) * (0.5 + 0.5 * random());
    timer = setTimeout(async () => {
      if (socket !== opened) return;
      // Only if the token of that handshake is still ours: another tab or call may have renewed it by now.
      if (tokenRefused && tokens.currentToken() === handshakeToken) await tokens.refresh(handshakeToken);
      void connectWithToken(opened);
    }, pause);
  }

  function lostState(): ConnectionState {
    return page !== null && navigator.onLine === false ? 'offline' : 'reconnecting';
  }

  function whenLineReturns(): void {
    if (!socket) return;
    if (socket.connected) return state.set('online');
    state.set('reconnecting');
    refusals = 0;
    clearTimeout(timer);
    // Leave the library's own waiting, if any, and try at once.
    socket.disconnect();
    void connectWithToken(socket);
  }

  function whenLineGoes(): void {
    state.set('offline');
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    open,
    close,
    on<N extends keyof Pushes>(name: N, hear: (payload: Pushes[N]) => void) {
      const set = hearers.get(name) ?? new Set();
      const heard = hear as (payload: unknown) => void;
      hearers.set(name, set.add(heard));
      return () => void set.delete(heard);
    },
    onEvery: (hear) => void everyHearer.add(hear),
    deliver,
    async say<N extends keyof Messages>(name: N, payload: Messages[N]['say']) {
      if (!socket?.connected) throw new Problem({ status: 0, code: 'network' });
      let answer: unknown;
      try {
        answer = await socket.timeout(ANSWER_MS).emitWithAck(name, payload);
      } catch {
        throw new Problem({ status: 0, code: 'timeout' });
      }
      const { ok, code, detail } = answer as { ok?: boolean; code?: string; detail?: string };
      if (!ok) throw new Problem({ status: REFUSED, code: code ?? 'unreadable', detail });
      return answer as Messages[N]['ack'];
    },
    resumeFrom(given) {
      positions = given;
    },
    onOnline(react) {
      onlineReactions.add(react);
      return () => onlineReactions.delete(react);
    },
  };
}

function readReason(payload: unknown): string | null {
  const reason = (payload as { reason?: unknown } | null)?.reason;
  return typeof reason === 'string' ? reason : null;
}
