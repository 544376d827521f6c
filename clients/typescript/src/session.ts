/**
 * The session of a program: the tokens of a log-in, kept in memory and given to `save` whenever they change.
 *
 * A refresh token is good once. What is never true: two refreshes under way (whoever asks meanwhile hears the same
 * outcome), or a session given up for a dead network or a 503: only the server's own word ends it.
 */
import type { components } from './api/schema.ts';
import type { Tokens } from './connection.ts';
import { type Exchange, type RefreshOutcome, SESSION_ENDED, type TokenSource } from './http.ts';
import { asProblem, Problem } from './problem.ts';

type SessionTokens = components['schemas']['SessionTokens'];

/** What a program keeps to go on later: as secret as a password. */
export interface SavedSession {
  refreshToken: string;
  deviceToken?: string;
}

export interface ProgramSession extends TokenSource, Tokens {
  register(account: components['schemas']['NewAccount']): Promise<void>;
  logIn(credentials: components['schemas']['Credentials']): Promise<void>;
  logOut(): Promise<void>;
  /** Shows the password again: what the server wants a fresh proof for is open for ten minutes. */
  reauthenticate(password: string): Promise<void>;
}

/** A token this near its end is not sent any more. */
const MARGIN_MS = 5_000;

export function createProgramSession(options: {
  exchange: Exchange;
  /** A session of an earlier run. */
  saved?: SavedSession | null;
  /** Told whenever what must be kept changes; null: the session is over. */
  save?: (session: SavedSession | null) => void;
  now?: () => number;
}): ProgramSession {
  const { exchange } = options;
  const now = options.now ?? Date.now;
  let kept = options.saved ?? null;
  let access: { value: string; until: number } | null = null;
  let underWay: Promise<RefreshOutcome> | null = null;

  function take(data: unknown): void {
    const tokens = data as SessionTokens;
    const lifeMs = tokens.expires_in * 1000;
    access = { value: tokens.access_token, until: now() + lifeMs - Math.min(MARGIN_MS, lifeMs / 10) };
    if (!tokens.refresh_token) return;
    kept = { refreshToken: tokens.refresh_token, deviceToken: tokens.device_token ?? kept?.deviceToken };
    options.save?.(kept);
  }

  function end(): void {
    access = null;
    kept = null;
    options.save?.(null);
  }

  function usableToken(): string | null {
    return access !== null && access.until > now() ? access.value : null;
  }

  function refresh(refused: string | null): Promise<RefreshOutcome> {
    underWay ??= renew(refused).finally(() => {
      underWay = null;
    });
    return underWay;
  }

  async function renew(refused: string | null): Promise<RefreshOutcome> {
    // Somebody else's refresh has replaced the token that was refused.
    if (usableToken() !== null && access?.value !== refused) return 'renewed';
    if (kept === null) return 'ended';
    const body = { refresh_token: kept.refreshToken, device_token: kept.deviceToken };
    try {
      take((await exchange({ method: 'POST', path: '/auth/refresh', body })).data);
      return 'renewed';
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status !== 401 || !SESSION_ENDED.has(problem.code)) return 'later';
      end();
      return 'ended';
    }
  }

  async function withToken(path: string, body: unknown): Promise<unknown> {
    if (usableToken() === null && (await refresh(null)) !== 'renewed') {
      throw new Problem(kept === null ? { status: 401, code: 'unauthenticated' } : { status: 503, code: 'unavailable' });
    }
    return (await exchange({ method: 'POST', path, body, token: usableToken() })).data;
  }

  const signIn = async (path: string, body: object) => {
    take((await exchange({ method: 'POST', path, body: { ...body, device_token: kept?.deviceToken } })).data);
  };

  return {
    usableToken,
    currentToken: () => access?.value ?? null,
    refresh,
    // The server's answer to a refresh is the proof.
    revoked: () => refresh(access?.value ?? null),
    register: async (account) => take((await exchange({ method: 'POST', path: '/auth/register', body: account })).data),
    logIn: (credentials) => signIn('/auth/login', credentials),
    reauthenticate: async (password) => take(await withToken('/auth/reauthenticate', { password })),
    async logOut() {
      if (kept !== null) await withToken('/auth/logout', {});
      end();
    },
  };
}

/** A personal access token in place of a session: it is not exchanged, and it opens no socket. */
export function fixedToken(token: string): TokenSource {
  return { usableToken: () => token, refresh: async () => 'ended' };
}
