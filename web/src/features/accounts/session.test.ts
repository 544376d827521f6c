import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Exchange, Problem, type WireAnswer, type WireRequest } from 'mundo-tango-client';
import { createSession, type Channel, type Locks, type Session } from './session';

const ANA = { id: 'ana-id', email: 'ana@example.test', username: 'ana', display_name: 'Ana', created_at: '2026-01-01T00:00:00Z', roles: [], tier: 'free' as const, is_verified: false };
const BRUNO = { ...ANA, id: 'bruno-id', username: 'bruno', display_name: 'Bruno' };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A server whose answers a test writes, and which remembers what it was asked. */
function server(answers: Record<string, (request: WireRequest, nth: number) => unknown>) {
  const asked: WireRequest[] = [];
  const exchange: Exchange = async (request): Promise<WireAnswer> => {
    asked.push(request);
    const answer = answers[request.path];
    if (!answer) throw new Error(`unexpected ${request.path}`);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    const nth = asked.filter((each) => each.path === request.path).length;
    return { status: 200, data: await answer(request, nth), etag: null };
  };
  return { exchange, count: (path: string) => asked.filter((each) => each.path === path).length, asked };
}

const tokens = (value: string, more: object = {}) => ({ access_token: value, token_type: 'Bearer', expires_in: 600, user: ANA, ...more });
const problem = (status: number, code: string, more: object = {}) => new Problem({ status, code, ...more });

/** One lock per browser, handed on in the order it was asked for. */
function browserLock(): Locks {
  let held = false;
  const queue: (() => void)[] = [];
  return {
    async request(_name, { ifAvailable }, work) {
      if (held && ifAvailable) return work(null);
      if (held) await new Promise<void>((go) => queue.push(go));
      held = true;
      try {
        return await work({});
      } finally {
        const next = queue.shift();
        held = next !== undefined;
        next?.();
      }
    },
  };
}

/** What is posted in one tab arrives in the others, a moment later. */
function browserChannels(count: number): Channel[] {
  const channels: Channel[] = Array.from({ length: count }, () => ({
    onmessage: null,
    close() {},
    postMessage(message: unknown) {
      const copy = structuredClone(message);
      for (const other of channels) {
        if (other !== this) setTimeout(() => other.onmessage?.({ data: copy } as MessageEvent), 3);
      }
    },
  }));
  return channels;
}

function open(exchange: Exchange, more: Partial<Parameters<typeof createSession>[0]> = {}): Session {
  return createSession({ exchange, locks: null, channel: null, random: () => 0.5, ...more });
}

const settle = (ms = 20) => vi.advanceTimersByTimeAsync(ms);

describe('at the start', () => {
  it('takes up the session of an earlier visit', async () => {
    const { exchange } = server({ '/auth/refresh': () => tokens('one') });
    const session = open(exchange);
    session.start();
    await settle();
    expect(session.get()).toEqual({ phase: 'signed_in', me: ANA });
    expect(session.usableToken()).toBe('one');
  });

  it('asks for the member when the refresh does not name one', async () => {
    const { exchange } = server({ '/auth/refresh': () => tokens('one', { user: undefined }), '/me': () => ANA });
    const session = open(exchange);
    session.start();
    await settle();
    expect(session.get()).toEqual({ phase: 'signed_in', me: ANA });
  });

  it('shows the door to a first visitor, after one question', async () => {
    const { exchange, count } = server({
      '/auth/refresh': () => {
        throw problem(401, 'no_session');
      },
    });
    const session = open(exchange);
    session.start();
    await settle(600_000);
    expect(session.get()).toEqual({ phase: 'signed_out', reason: null });
    expect(count('/auth/refresh')).toBe(1);
  });

  it.each(['session_expired', 'session_revoked', 'invalid_token', 'token_superseded', 'device_required', 'reauth_required'])(
    'says why when the server answers %s',
    async (code) => {
      const { exchange } = server({
        '/auth/refresh': () => {
          throw problem(401, code);
        },
      });
      const session = open(exchange);
      session.start();
      await settle();
      expect(session.get()).toEqual({ phase: 'signed_out', reason: code });
    },
  );

  it.each([
    ['a dead network', problem(0, 'network')],
    ['a 503', problem(503, 'unavailable')],
    ['a 429', problem(429, 'rate_limited')],
    ["a proxy's 401 without a document", problem(401, 'unreadable')],
  ])('waits out %s and then comes up', async (_, trouble) => {
    const { exchange } = server({
      '/auth/refresh': (_request, nth) => {
        if (nth < 3) throw trouble;
        return tokens('one');
      },
    });
    const session = open(exchange);
    session.start();
    await settle();
    expect(session.get()).toMatchObject({ phase: 'starting', trouble: { code: trouble.code } });
    await settle(10_000);
    expect(session.get().phase).toBe('signed_in');
  });

  it('does not refresh again when only the member could not be read', async () => {
    const { exchange, count } = server({
      '/auth/refresh': () => tokens('one', { user: undefined }),
      '/me': (_request, nth) => {
        if (nth === 1) throw problem(503, 'unavailable');
        return ANA;
      },
    });
    const session = open(exchange);
    session.start();
    await settle(5_000);
    expect(session.get().phase).toBe('signed_in');
    expect(count('/auth/refresh')).toBe(1);
  });
});

describe('while signed in', () => {
  async function signedIn(answers: Parameters<typeof server>[0]) {
    const wire = server({ '/auth/login': () => tokens('one'), ...answers });
    const session = open(wire.exchange);
    session.start();
    await settle();
    if (session.get().phase !== 'signed_in') await session.logIn({ email: ANA.email, password: 'x', remember: true });
    return { session, ...wire };
  }

  it('makes one refresh of many at once', async () => {
    const { session, count } = await signedIn({ '/auth/refresh': (_request, nth) => tokens(`token ${nth}`) });
    const outcomes = await Promise.all([session.refresh('token 1'), session.refresh('token 1'), session.refresh('token 1')]);
    expect(outcomes).toEqual(['renewed', 'renewed', 'renewed']);
    expect(count('/auth/refresh')).toBe(2);
    expect(session.usableToken()).toBe('token 2');
  });

  it('asks a server in trouble once, however many calls are waiting', async () => {
    const { session, count } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (nth > 1) throw problem(503, 'unavailable');
        return tokens('token 1');
      },
    });
    const outcomes = await Promise.all([session.refresh('token 1'), session.refresh('token 1'), session.refresh('token 1')]);
    expect(outcomes).toEqual(['later', 'later', 'later']);
    expect(count('/auth/refresh')).toBe(2);
  });

  it('does not refresh for a token that is no longer in use', async () => {
    const { session, count } = await signedIn({ '/auth/refresh': (_request, nth) => tokens(`token ${nth}`) });
    await session.refresh('token 1');
    await session.refresh('token 1');
    expect(count('/auth/refresh')).toBe(2);
  });

  it('renews the token before it ends, and again', async () => {
    const { session, count } = await signedIn({ '/auth/refresh': (_request, nth) => tokens(`token ${nth}`) });
    await settle(550_000);
    expect(count('/auth/refresh')).toBe(2);
    expect(session.usableToken()).toBe('token 2');
    await settle(550_000);
    expect(count('/auth/refresh')).toBe(3);
  });

  it.each([
    ['503', problem(503, 'unavailable')],
    ['429', problem(429, 'rate_limited')],
    ['network failure', problem(0, 'network')],
  ])('keeps the session through a %s, however long it lasts', async (_, trouble) => {
    let down = false;
    const { session, count } = await signedIn({
      '/auth/refresh': () => {
        if (down) throw trouble;
        return tokens('fresh');
      },
    });
    down = true;
    expect(await session.refresh('fresh')).toBe('later');
    await settle(3_600_000);
    expect(session.get()).toEqual({ phase: 'signed_in', me: ANA });
    const tries = count('/auth/refresh');
    expect(tries).toBeGreaterThan(100);
    expect(tries).toBeLessThan(250);
    down = false;
    await settle(31_000);
    expect(session.usableToken()).toBe('fresh');
  });

  it('waits as long as the server asks', async () => {
    const { session, count } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (nth === 2) throw problem(429, 'rate_limited', { retryAfterMs: 60_000 });
        return tokens(`token ${nth}`);
      },
    });
    await session.refresh('token 1');
    await settle(59_000);
    expect(count('/auth/refresh')).toBe(2);
    await settle(2_000);
    expect(count('/auth/refresh')).toBe(3);
  });

  it('logs out, and an answer that comes late brings nothing back', async () => {
    const { session, count } = await signedIn({ '/auth/refresh': () => tokens('one'), '/auth/logout': () => null });
    const late = session.refresh('one');
    await Promise.all([late, session.logOut()]);
    expect(session.get()).toEqual({ phase: 'signed_out', reason: null });
    expect(session.currentToken()).toBeNull();
    const before = count('/auth/refresh');
    expect(await session.refresh(null)).toBe('ended');
    await settle(3_600_000);
    expect(count('/auth/refresh')).toBe(before);
  });

  it('stays logged in when the log-out could not be told to the server', async () => {
    const { session } = await signedIn({
      '/auth/refresh': () => tokens('one'),
      '/auth/logout': () => {
        throw problem(503, 'unavailable');
      },
    });
    await expect(session.logOut()).rejects.toMatchObject({ code: 'unavailable' });
    expect(session.get().phase).toBe('signed_in');
  });

  it('logs out with a fresh token when the old one is refused', async () => {
    const { session, asked } = await signedIn({
      '/auth/refresh': (_request, nth) => tokens(`token ${nth}`),
      '/auth/logout': (request) => {
        if (request.token === 'token 1') throw problem(401, 'unauthenticated');
        return null;
      },
    });
    await session.logOut();
    expect(session.get().phase).toBe('signed_out');
    expect(asked.at(-1)).toMatchObject({ path: '/auth/logout', token: 'token 2' });
  });

  it('says why a session ended when the server has pushed it', async () => {
    const { session } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (nth > 1) throw problem(401, 'session_revoked');
        return tokens('one');
      },
    });
    expect(await session.revoked('not_me')).toBe('ended');
    expect(session.get()).toEqual({ phase: 'signed_out', reason: 'not_me' });
  });

  it('asks the server again when a refresh was on its way while the session ended', async () => {
    const { session, count } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (nth > 2) throw problem(401, 'session_revoked');
        return tokens(`token ${nth}`);
      },
    });
    const before = session.refresh('token 1');
    const pushed = session.revoked('ended_by_member');
    expect(await before).toBe('renewed');
    expect(await pushed).toBe('ended');
    expect(count('/auth/refresh')).toBe(3);
    expect(session.get()).toEqual({ phase: 'signed_out', reason: 'ended_by_member' });
  });

  it('keeps the reason of a push until the server can be asked, and forgets one that was not about this session', async () => {
    let answer: 'down' | 'fine' | 'over' = 'fine';
    const { session } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (answer === 'down') throw problem(503, 'unavailable');
        if (answer === 'over') throw problem(401, 'session_revoked');
        return tokens(`token ${nth}`);
      },
    });
    expect(await session.revoked('too_many_sessions')).toBe('renewed');
    expect(session.get().phase).toBe('signed_in');
    answer = 'down';
    expect(await session.revoked('password_changed')).toBe('later');
    expect(session.get().phase).toBe('signed_in');
    answer = 'over';
    await settle(31_000);
    expect(session.get()).toEqual({ phase: 'signed_out', reason: 'password_changed' });
  });

  it('does not explain a log-out that was asked for', async () => {
    const { session } = await signedIn({
      '/auth/refresh': (_request, nth) => {
        if (nth > 1) throw problem(401, 'session_revoked');
        return tokens('one');
      },
    });
    await session.revoked('log_out');
    expect(session.get()).toEqual({ phase: 'signed_out', reason: null });
  });

  it('goes on with the tokens that a proof and a new password bring', async () => {
    const { session, asked } = await signedIn({
      '/auth/refresh': () => tokens('one'),
      '/auth/reauthenticate': () => tokens('two', { user: undefined }),
      '/auth/password': () => tokens('three', { user: undefined }),
    });
    await session.reauthenticate('secret');
    expect(asked.at(-1)).toMatchObject({ path: '/auth/reauthenticate', token: 'one', body: { password: 'secret' } });
    expect(session.usableToken()).toBe('two');
    await session.changePassword({ current_password: 'secret', new_password: 'better' });
    expect(asked.at(-1)).toMatchObject({ path: '/auth/password', token: 'two' });
    expect(session.usableToken()).toBe('three');
    expect(session.get()).toEqual({ phase: 'signed_in', me: ANA });
  });

  it('leaves a wrong password to the form, and the session as it was', async () => {
    const { session, count } = await signedIn({
      '/auth/refresh': () => tokens('one'),
      '/auth/reauthenticate': () => {
        throw problem(403, 'wrong_password');
      },
    });
    await expect(session.reauthenticate('x')).rejects.toMatchObject({ code: 'wrong_password' });
    expect(session.usableToken()).toBe('one');
    expect(count('/auth/refresh')).toBe(1);
  });

  it('leaves a refused log-in to the form', async () => {
    const { exchange } = server({
      '/auth/refresh': () => {
        throw problem(401, 'no_session');
      },
      '/auth/login': () => {
        throw problem(401, 'invalid_credentials');
      },
    });
    const session = open(exchange);
    session.start();
    await settle();
    await expect(session.logIn({ email: 'x@y', password: 'z', remember: true })).rejects.toMatchObject({ code: 'invalid_credentials' });
    expect(session.get()).toEqual({ phase: 'signed_out', reason: null });
  });
});

describe('with two tabs', () => {
  function tabs(answers: Parameters<typeof server>[0]) {
    const wire = server(answers);
    const locks = browserLock();
    const [first, second] = browserChannels(2).map((channel) => open(wire.exchange, { locks, channel })) as [Session, Session];
    first.start();
    second.start();
    return { first, second, ...wire };
  }

  it('refreshes once for both', async () => {
    const { first, second, count } = tabs({ '/auth/refresh': (_request, nth) => tokens(`token ${nth}`) });
    await settle(300);
    expect(count('/auth/refresh')).toBe(1);
    expect(second.usableToken()).toBe('token 1');

    const both = Promise.all([first.refresh('token 1'), second.refresh('token 1')]);
    await settle(300);
    expect(await both).toEqual(['renewed', 'renewed']);
    expect(count('/auth/refresh')).toBe(2);
    expect(first.usableToken()).toBe('token 2');
    expect(second.usableToken()).toBe('token 2');
  });

  it('refreshes by itself when the other tab got nowhere', async () => {
    const { second } = tabs({
      '/auth/refresh': (_request, nth) => {
        if (nth === 1) throw problem(0, 'network');
        return tokens(`token ${nth}`);
      },
    });
    await settle(300);
    expect(second.get().phase).toBe('signed_in');
  });

  it('does not refresh while the other tab changes the password, and takes over its tokens', async () => {
    const { first, second, count } = tabs({
      '/auth/refresh': (_request, nth) => tokens(`token ${nth}`),
      '/auth/password': () => tokens('after the change', { user: undefined }),
    });
    await settle(300);
    const changing = first.changePassword({ current_password: 'a', new_password: 'b' });
    const outcome = second.refresh('token 1');
    await settle(300);
    await changing;
    expect(await outcome).toBe('renewed');
    expect(count('/auth/refresh')).toBe(1);
    expect(second.usableToken()).toBe('after the change');
  });

  it('shows both why the session ended, though one alone has asked', async () => {
    const { first, second, count } = tabs({
      '/auth/refresh': (_request, nth) => {
        if (nth > 1) throw problem(401, 'session_revoked');
        return tokens('one');
      },
    });
    await settle(300);
    void first.revoked('ended_by_staff');
    void second.revoked('ended_by_staff');
    await settle(300);
    for (const tab of [first, second]) expect(tab.get()).toEqual({ phase: 'signed_out', reason: 'ended_by_staff' });
    expect(count('/auth/refresh')).toBe(2);
  });

  it('shows a changed member in both', async () => {
    const { first, second } = tabs({ '/auth/refresh': () => tokens('one') });
    await settle(300);
    first.update({ ...ANA, email: 'new@example.test' });
    await settle();
    expect(second.get()).toMatchObject({ me: { email: 'new@example.test' } });
  });

  it('ends and begins in both', async () => {
    const { first, second } = tabs({
      '/auth/refresh': () => tokens('one'),
      '/auth/logout': () => null,
      '/auth/login': () => tokens('two', { user: BRUNO }),
    });
    await settle(300);
    await first.logOut();
    await settle();
    expect(second.get().phase).toBe('signed_out');
    await second.logIn({ email: 'b', password: 'b', remember: true });
    await settle();
    expect(first.get()).toEqual({ phase: 'signed_in', me: BRUNO });
    expect(first.usableToken()).toBe('two');
  });

  it('does not let a visitor without a session end the one that another tab has just begun', async () => {
    const { exchange } = server({
      '/auth/refresh': () => {
        throw problem(401, 'no_session');
      },
      '/auth/login': () => tokens('one'),
    });
    const locks = browserLock();
    const [first, second] = browserChannels(2).map((channel) => open(exchange, { locks, channel })) as [Session, Session];
    first.start();
    await settle();
    // The log-in waits for the refresh of the new tab; anything that tab said would arrive after the log-in.
    second.start();
    await Promise.all([first.logIn({ email: 'a', password: 'a', remember: true }), settle(300)]);
    expect(first.get().phase).toBe('signed_in');
    expect(second.get().phase).toBe('signed_in');
  });
});
