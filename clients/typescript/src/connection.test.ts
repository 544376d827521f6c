import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createConnection } from './connection.ts';

/** Stands for the library's socket: a test plays the server by raising its events. */
function fakeSocket() {
  const handlers = new Map<string, (payload?: unknown) => void>();
  let any: (name: string, payload: unknown) => void = () => {};
  const socket = {
    connected: false,
    active: false,
    connects: 0,
    sentTokens: [] as unknown[],
    emitted: [] as unknown[],
    emit: (...args: unknown[]) => socket.emitted.push(args),
    auth: (_answer: (data: { token: unknown }) => void) => {},
    on: (name: string, handler: (payload?: unknown) => void) => handlers.set(name, handler),
    onAny: (handler: typeof any) => (any = handler),
    removeAllListeners: () => handlers.clear(),
    connect() {
      socket.connects += 1;
      socket.auth(({ token }) => socket.sentTokens.push(token));
    },
    disconnect() {
      socket.connected = false;
    },
    accept() {
      socket.connected = true;
      handlers.get('connect')?.();
    },
    refuse(message: string) {
      handlers.get('connect_error')?.(new Error(message));
    },
    cut(reason: string) {
      socket.connected = false;
      handlers.get('disconnect')?.(reason);
    },
    push(name: string, payload: unknown) {
      handlers.get(name)?.(payload);
      any(name, payload);
    },
  };
  return socket;
}

function setting(outcome: 'renewed' | 'ended' | 'later' = 'renewed') {
  const socket = fakeSocket();
  let token = 'one';
  let refreshes = 0;
  const tokens = {
    usableToken: () => token,
    currentToken: () => token,
    refresh: vi.fn(async () => {
      refreshes += 1;
      if (outcome === 'renewed') token = `renewed ${refreshes}`;
      return outcome;
    }),
    revoked: vi.fn(async () => outcome),
  };
  const connect = ((_url: string | undefined, options: { auth: typeof socket.auth }) => {
    socket.auth = options.auth;
    return socket;
  }) as unknown as Parameters<typeof createConnection>[0]['connect'];
  const connection = createConnection({ tokens, connect, random: () => 1 });
  return { connection, socket, tokens, setToken: (next: string) => (token = next) };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('window', new EventTarget());
  vi.stubGlobal('navigator', { onLine: true });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the connection', () => {
  it('opens with the token of the moment and tells who waits for it', async () => {
    const { connection, socket } = setting();
    const online = vi.fn();
    connection.onOnline(online);
    connection.open();
    await pass(0);
    expect(connection.get()).toBe('connecting');
    expect(socket.sentTokens).toEqual(['one']);
    socket.accept();
    expect(connection.get()).toBe('online');
    expect(online).toHaveBeenCalledOnce();
  });

  it('hands pushes to those who asked for them by name', async () => {
    const { connection, socket } = setting();
    const heard = vi.fn();
    const stop = connection.on('post:new', heard);
    connection.open();
    socket.push('post:new', 1);
    socket.push('other:thing', 2);
    stop();
    socket.push('post:new', 3);
    expect(heard.mock.calls).toEqual([[1]]);
  });

  it('renews a refused token once, then connects', async () => {
    const { connection, socket, tokens } = setting();
    connection.open();
    await pass(0);
    socket.refuse('unauthenticated');
    expect(connection.get()).toBe('reconnecting');
    await pass(1_000);
    expect(tokens.refresh).toHaveBeenCalledExactlyOnceWith('one');
    expect(socket.sentTokens).toEqual(['one', 'renewed 1']);
    socket.accept();
    expect(connection.get()).toBe('online');
  });

  it('does not renew a token that another call has renewed meanwhile', async () => {
    const { connection, socket, tokens, setToken } = setting();
    connection.open();
    await pass(0);
    socket.refuse('unauthenticated');
    setToken('newer');
    await pass(1_000);
    expect(tokens.refresh).not.toHaveBeenCalled();
    expect(socket.sentTokens).toEqual(['one', 'newer']);
  });

  it('asks a server that keeps refusing less and less', async () => {
    const { connection, socket } = setting();
    const wasConnect = socket.connect;
    socket.connect = () => {
      wasConnect();
      socket.refuse('unauthenticated');
    };
    connection.open();
    await pass(10 * 60_000);
    expect(socket.connects).toBeLessThan(20);
    expect(socket.connects).toBeGreaterThan(8);
  });

  it('leaves a lost line to the library', async () => {
    const { connection, socket, tokens } = setting();
    connection.open();
    await pass(0);
    socket.accept();
    socket.cut('transport close');
    await pass(60_000);
    expect(connection.get()).toBe('reconnecting');
    expect(socket.connects).toBe(1);
    expect(tokens.refresh).not.toHaveBeenCalled();
  });

  it('comes back after the server has cut it, without a new token while the old one is good', async () => {
    const { connection, socket, tokens } = setting();
    connection.open();
    await pass(0);
    socket.accept();
    socket.cut('io server disconnect');
    await pass(1_000);
    expect(socket.connects).toBe(2);
    expect(tokens.refresh).not.toHaveBeenCalled();
  });

  it('shows a new token on the live connection before the old one ends', async () => {
    const { connection, socket, tokens, setToken } = setting();
    connection.open();
    await pass(0);
    socket.accept();
    socket.push('auth:expiring', { expires_at: '2026-11-23T12:10:00Z' });
    await pass(0);
    expect(tokens.refresh).toHaveBeenCalledExactlyOnceWith('one');
    expect(socket.emitted).toEqual([['auth:renew', { token: 'renewed 1' }]]);
    setToken('of another tab');
    socket.push('auth:expiring', { expires_at: '2026-11-23T12:20:00Z' });
    await pass(0);
    expect(tokens.refresh).toHaveBeenCalledOnce();
    expect(socket.emitted[1]).toEqual(['auth:renew', { token: 'of another tab' }]);
  });

  it('asks again for a token that cannot be had just now', async () => {
    const { connection, socket, tokens } = setting('later');
    connection.open();
    await pass(0);
    socket.accept();
    socket.push('auth:expiring', { expires_at: '2026-11-23T12:10:00Z' });
    await pass(25_000);
    expect(tokens.refresh).toHaveBeenCalledTimes(3);
    expect(socket.emitted).toEqual([]);
  });

  it('asks for the truth when the server says that the session is revoked', async () => {
    const { connection, socket, tokens } = setting('ended');
    connection.open();
    await pass(0);
    socket.accept();
    socket.push('session:revoked', { reason: 'not_me' });
    expect(tokens.revoked).toHaveBeenCalledExactlyOnceWith('not_me');
    socket.push('session:revoked', 'nonsense');
    expect(tokens.revoked).toHaveBeenLastCalledWith(null);
  });

  it('does nothing more once closed', async () => {
    const { connection, socket } = setting();
    connection.open();
    await pass(0);
    socket.refuse('unauthenticated');
    connection.close();
    await pass(600_000);
    expect(socket.connects).toBe(1);
    expect(connection.get()).toBe('idle');
  });

  it('says offline when the device is, and tries at once when it is back', async () => {
    const { connection, socket } = setting();
    connection.open();
    await pass(0);
    socket.accept();
    vi.stubGlobal('navigator', { onLine: false });
    socket.cut('transport close');
    expect(connection.get()).toBe('offline');
    vi.stubGlobal('navigator', { onLine: true });
    window.dispatchEvent(new Event('online'));
    await pass(0);
    expect(socket.connects).toBe(2);
  });
});
