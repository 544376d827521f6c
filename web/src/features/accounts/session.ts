/**
 * The member's session in this browser.
 *
 * The access token lives here, in memory, and nowhere else; the refresh token is a cookie this code never sees.
 * What is never true: two refreshes under way in one browser (all tabs share one lock and tell each other the
 * result), and a log-out that nobody asked for. Only the server's own word about the session (a 401 with one of the
 * codes below) ends it; anything else, from a dead network to a 503, keeps it and is tried again with growing pauses.
 */
import { asProblem, type components, type Exchange, Problem, type TokenSource, type RefreshOutcome, SESSION_ENDED } from 'mundo-tango-client';
import { createStore, type Readable } from '../../platform/store';

export type Me = components['schemas']['Me'];
export type NewAccount = components['schemas']['NewAccount'];
export type Credentials = components['schemas']['Credentials'];
export type NewPassword = components['schemas']['NewPassword'];
type SessionTokens = components['schemas']['SessionTokens'];

export type SessionView =
  /** Nothing known yet. `trouble` says why it takes long; the attempt goes on by itself. */
  | { phase: 'starting'; trouble: Problem | null }
  /** `reason` is the server's word when a session ended unasked, null after a log-out or on a first visit. */
  | { phase: 'signed_out'; reason: string | null }
  | { phase: 'signed_in'; me: Me };

export interface Session extends TokenSource, Readable<SessionView> {
  /** Takes up the session of an earlier visit, if there is one. */
  start(): void;
  register(account: NewAccount): Promise<void>;
  logIn(credentials: Credentials): Promise<void>;
  logOut(): Promise<void>;
  /** Shows the password again; the tokens that come back count as a fresh proof for some minutes. */
  reauthenticate(password: string): Promise<void>;
  /** Sets a new password; this session goes on, all others end. */
  changePassword(passwords: NewPassword): Promise<void>;
  /** Takes in what has changed about the member, here and in the other tabs. */
  update(me: Me): void;
  /** The server pushed that a session of this browser is over, and why. Its answer to a refresh is the proof. */
  revoked(reason: string | null): Promise<RefreshOutcome>;
  /** Tries now what would otherwise wait for its pause; for a button and for the `online` event. */
  tryNow(): void;
  /** The token whatever its age, for reports that may not cause a refresh. */
  currentToken(): string | null;
  /** Stops timers and leaves the channel. */
  close(): void;
}

const LOCK = 'mundo-session';
/** A token this near its end is not sent any more. */
const MARGIN_MS = 5_000;
/** How long a tab that waited for the lock listens for the result of the tab that held it. */
const HEARSAY_MS = 100;
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 300_000;

interface Token {
  value: string;
  expiresAt: number;
  lifeMs: number;
}

type Told = { kind: 'signed_in'; token: Token; me: Me } | { kind: 'signed_out'; reason: string | null };

/** The part of BroadcastChannel used here. */
export interface Channel {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}

/** The part of navigator.locks used here. */
export interface Locks {
  request<T>(name: string, options: { ifAvailable?: boolean }, work: (lock: unknown) => Promise<T>): Promise<T>;
}

export function createSession(options: {
  exchange: Exchange;
  locks?: Locks | null;
  channel?: Channel | null;
  now?: () => number;
  random?: () => number;
}): Session {
  const { exchange } = options;
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const locks = options.locks === undefined ? browserLocks() : options.locks;
  const channel = options.channel === undefined ? browserChannel() : options.channel;

  const view = createStore<SessionView>({ phase: 'starting', trouble: null });
  let token: Token | null = null;
  let underWay: Promise<RefreshOutcome> | null = null;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  /** Why the session ends, as pushed; the refusal that follows knows only that it did. */
  let pushedReason: string | null = null;
  const hearers = new Set<() => void>();

  // ---- what others call -------------------------------------------------------------------------------------

  function start(): void {
    if (channel) channel.onmessage = (event) => hear(event.data as Told);
    void refresh(null);
  }

  function refresh(refused: string | null): Promise<RefreshOutcome> {
    underWay ??= exclusively((waited) => renew(refused, waited)).finally(() => {
      underWay = null;
    });
    return underWay;
  }

  async function register(account: NewAccount): Promise<void> {
    await exclusively(async () => signIn('/auth/register', account));
  }

  async function logIn(credentials: Credentials): Promise<void> {
    await exclusively(async () => signIn('/auth/login', credentials));
  }

  async function logOut(): Promise<void> {
    await exclusively(async () => {
      // Until the server has taken the cookie back, "logged out" would be untrue: trouble is told to the caller.
      try {
        await call('/auth/logout', {});
      } catch (cause) {
        if (view.get().phase === 'signed_out') return;
        throw cause;
      }
      end(null);
      tell({ kind: 'signed_out', reason: null });
    });
  }

  async function reauthenticate(password: string): Promise<void> {
    await exclusively(async () => takeIn(await call('/auth/reauthenticate', { password })));
  }

  async function changePassword(passwords: NewPassword): Promise<void> {
    await exclusively(async () => takeIn(await call('/auth/password', passwords)));
  }

  function update(me: Me): void {
    if (view.get().phase === 'signed_in') settle(me);
  }

  async function revoked(reason: string | null): Promise<RefreshOutcome> {
    pushedReason = reason;
    // A refresh on its way may have been answered before the session ended: only one begun now proves anything.
    if (underWay && (await underWay) === 'ended') return 'ended';
    pushedReason = reason;
    return refresh(token?.value ?? null);
  }

  function tryNow(): void {
    if (view.get().phase === 'signed_out') return;
    if (failures > 0 || (token !== null && usableToken() === null)) void refresh(outgoing());
  }

  function usableToken(): string | null {
    if (token === null) return null;
    return token.expiresAt - Math.min(MARGIN_MS, token.lifeMs / 10) > now() ? token.value : null;
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
    channel?.close();
  }

  // ---- the one place that refreshes; runs under the lock ------------------------------------------------------

  async function renew(refused: string | null, waited: boolean): Promise<RefreshOutcome> {
    if (closed) return 'later';
    if (waited) await hearsay(refused);
    const signedOut = view.get().phase === 'signed_out';
    if (signedOut) return 'ended';
    try {
      if (usableToken() === null || token?.value === refused) {
        const answer = await exchange({ method: 'POST', path: '/auth/refresh', body: {} });
        const tokens = answer.data as SessionTokens;
        token = readToken(tokens);
        if (tokens.user) settle(tokens.user);
        else settle((await exchange({ method: 'GET', path: '/me', token: token.value })).data as Me);
      } else if (view.get().phase !== 'signed_in') {
        // The token came earlier, the member behind it could not be read then.
        settle((await exchange({ method: 'GET', path: '/me', token: token?.value })).data as Me);
      }
      return 'renewed';
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 401 && SESSION_ENDED.has(problem.code)) {
        const reason = endReason(problem.code);
        // A tab that was never signed in has nothing to tell: its message could cross with a log-in elsewhere.
        const wasSignedIn = view.get().phase === 'signed_in';
        end(reason);
        if (wasSignedIn) tell({ kind: 'signed_out', reason });
        return 'ended';
      }
      failures += 1;
      if (view.get().phase === 'starting') view.set({ phase: 'starting', trouble: problem });
      schedule(pauseAfter(problem));
      return 'later';
    }
  }

  /** A call with the session's own token, under the lock: once more with a new one when it is refused. */
  async function call(path: string, body: unknown): Promise<unknown> {
    if (usableToken() === null) await mustRenew(null);
    const send = async () => (await exchange({ method: 'POST', path, body, token: token?.value })).data;
    try {
      return await send();
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status !== 401) throw problem;
      await mustRenew(token?.value ?? null);
      return send();
    }
  }

  async function mustRenew(refused: string | null): Promise<void> {
    const outcome = await renew(refused, false);
    if (outcome === 'ended') throw new Problem({ status: 401, code: 'unauthenticated' });
    if (outcome === 'later') throw new Problem({ status: 503, code: 'unavailable' });
  }

  /** New tokens for the member who is signed in. */
  function takeIn(data: unknown): void {
    const current = view.get();
    if (current.phase !== 'signed_in') return;
    token = readToken(data as SessionTokens);
    settle(current.me);
  }

  /** A log-out that was asked for, in this tab or another, needs no explanation. */
  function endReason(code: string): string | null {
    if (pushedReason !== null) return pushedReason === 'log_out' ? null : pushedReason;
    return code === 'no_session' ? null : code;
  }

  async function signIn(path: string, body: NewAccount | Credentials): Promise<void> {
    const tokens = (await exchange({ method: 'POST', path, body })).data as SessionTokens;
    token = readToken(tokens);
    settle(tokens.user ?? ((await exchange({ method: 'GET', path: '/me', token: token.value })).data as Me));
  }

  /** Token and member are both known: show it, tell the other tabs, and think of the next refresh. */
  function settle(me: Me): void {
    accept(me);
    if (token) tell({ kind: 'signed_in', token, me });
  }

  function accept(me: Me): void {
    failures = 0;
    pushedReason = null;
    const current = view.get();
    if (current.phase !== 'signed_in' || JSON.stringify(current.me) !== JSON.stringify(me)) {
      view.set({ phase: 'signed_in', me });
    }
    // Some minutes ahead, and not all tabs in the same moment.
    if (token) schedule(Math.max(1_000, token.expiresAt - now() - token.lifeMs * (0.15 + 0.1 * random())));
  }

  function end(reason: string | null): void {
    clearTimeout(timer);
    token = null;
    failures = 0;
    pushedReason = null;
    view.set({ phase: 'signed_out', reason });
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => void refresh(outgoing()), delayMs);
  }

  /** The token to be replaced; null while only the member behind a new one is still missing. */
  function outgoing(): string | null {
    return view.get().phase === 'signed_in' ? (token?.value ?? null) : null;
  }

  function pauseAfter(problem: Problem): number {
    const grown = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(failures - 1, 10));
    const asked = Math.min(problem.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
    return Math.max(asked, grown * (0.5 + 0.5 * random()));
  }

  function readToken(tokens: SessionTokens): Token {
    const lifeMs = tokens.expires_in * 1000;
    return { value: tokens.access_token, lifeMs, expiresAt: now() + lifeMs };
  }

  // ---- the other tabs -----------------------------------------------------------------------------------------

  function tell(told: Told): void {
    channel?.postMessage(told);
  }

  function hear(told: Told): void {
    if (closed) return;
    if (told.kind === 'signed_out') {
      end(told.reason);
    } else {
      token = told.token;
      accept(told.me);
    }
    for (const heard of [...hearers]) heard();
  }

  /** The tab that held the lock posts its result before it lets go, but the message may arrive a moment after the lock. */
  async function hearsay(refused: string | null): Promise<void> {
    if (channel === null || (usableToken() !== null && token?.value !== refused)) return;
    if (view.get().phase === 'signed_out') return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(limit);
        hearers.delete(done);
        resolve();
      };
      const limit = setTimeout(done, HEARSAY_MS);
      hearers.add(done);
    });
  }

  // ---- one at a time ------------------------------------------------------------------------------------------

  let tail: Promise<unknown> = Promise.resolve();

  function exclusively<T>(work: (waited: boolean) => Promise<T>): Promise<T> {
    // Within this tab first, so that the lock is asked for once; without navigator.locks that is all there is.
    const turn = tail.then(() => (locks === null ? work(false) : underLock(locks, work)));
    tail = turn.catch(() => undefined);
    return turn;
  }

  async function underLock<T>(held: Locks, work: (waited: boolean) => Promise<T>): Promise<T> {
    const busy = Symbol('busy');
    const first = await held.request<T | typeof busy>(LOCK, { ifAvailable: true }, async (lock) =>
      lock === null ? busy : work(false),
    );
    if (first !== busy) return first as T;
    return held.request(LOCK, {}, () => work(true));
  }

  return {
    get: view.get,
    subscribe: view.subscribe,
    start,
    refresh,
    register,
    logIn,
    logOut,
    reauthenticate,
    changePassword,
    update,
    revoked,
    tryNow,
    usableToken,
    currentToken: () => token?.value ?? null,
    close,
  };
}

function browserLocks(): Locks | null {
  return typeof navigator !== 'undefined' && 'locks' in navigator ? (navigator.locks as unknown as Locks) : null;
}

function browserChannel(): Channel | null {
  return typeof BroadcastChannel === 'function' ? new BroadcastChannel(LOCK) : null;
}
