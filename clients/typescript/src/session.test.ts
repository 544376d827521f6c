import { describe, expect, it, vi } from 'vitest';
import type { WireRequest } from './http.ts';
import { createCalls } from './calls.ts';
import { withTokens } from './http.ts';
import { Problem } from './problem.ts';
import { createProgramSession, fixedToken, type SavedSession } from './session.ts';

/** A server of one account: each refresh token is good once, as the real one holds it. */
function setting(saved: SavedSession | null = null) {
  let generation = 0;
  let time = 0;
  const calls: WireRequest[] = [];
  const trouble: Problem[] = [];
  const save = vi.fn();
  const tokens = () => ({
    access_token: `access ${generation}`,
    token_type: 'Bearer',
    expires_in: 600,
    refresh_token: `refresh ${generation}`,
    device_token: generation === 0 ? 'device' : undefined,
  });
  const exchange = async (request: WireRequest) => {
    calls.push(request);
    await Promise.resolve();
    const problem = trouble.shift();
    if (problem) throw problem;
    const answer = (data: unknown) => ({ status: 200, data, etag: null });
    if (request.path === '/auth/login') return answer(tokens());
    if (request.path === '/auth/refresh') {
      const { refresh_token } = request.body as { refresh_token: string };
      if (refresh_token !== `refresh ${generation}`) throw new Problem({ status: 401, code: 'session_revoked' });
      generation += 1;
      return answer(tokens());
    }
    if (request.token !== `access ${generation}`) throw new Problem({ status: 401, code: 'invalid_token' });
    return answer({ path: request.path });
  };
  const session = createProgramSession({ exchange, saved, save, now: () => time });
  const pass = (ms: number) => (time += ms);
  return { session, exchange, calls, trouble, save, pass, server: { expire: () => (generation += 1) } };
}

const credentials = { email: 'ana@example.test', password: 'correct horse' };
const refreshes = (calls: WireRequest[]) => calls.filter((call) => call.path === '/auth/refresh').length;

describe('a session of a program', () => {
  it('refreshes once, however many ask at once', async () => {
    const { session, exchange, calls, pass } = setting();
    await session.logIn(credentials);
    pass(600_000);
    const api = createCalls(withTokens(exchange, session));
    await Promise.all(Array.from({ length: 20 }, () => api.get('/feed')));
    expect(refreshes(calls)).toBe(1);
    expect(calls.at(-1)?.token).toBe('access 1');
  });

  it('shows the device with each refresh and keeps what is new', async () => {
    const { session, calls, save, pass } = setting();
    await session.logIn(credentials);
    pass(600_000);
    expect(await session.refresh(null)).toBe('renewed');
    expect(calls.at(-1)?.body).toEqual({ refresh_token: 'refresh 0', device_token: 'device' });
    expect(save).toHaveBeenLastCalledWith({ refreshToken: 'refresh 1', deviceToken: 'device' });
  });

  it('goes on where an earlier run ended', async () => {
    const { session } = setting({ refreshToken: 'refresh 0', deviceToken: 'device' });
    expect(session.usableToken()).toBeNull();
    expect(await session.refresh(null)).toBe('renewed');
    expect(session.usableToken()).toBe('access 1');
  });

  it('is not given up for a dead network or a busy server', async () => {
    const { session, trouble, save, pass } = setting();
    await session.logIn(credentials);
    pass(600_000);
    trouble.push(new Problem({ status: 0, code: 'network' }), new Problem({ status: 503, code: 'unavailable' }));
    expect(await session.refresh(null)).toBe('later');
    expect(await session.refresh(null)).toBe('later');
    expect(await session.refresh(null)).toBe('renewed');
    expect(save).not.toHaveBeenCalledWith(null);
  });

  it('ends when the server says so', async () => {
    const { session, save } = setting({ refreshToken: 'stolen' });
    expect(await session.refresh(null)).toBe('ended');
    expect(save).toHaveBeenCalledExactlyOnceWith(null);
    expect(await session.refresh(null)).toBe('ended');
  });

  it('does not refresh again for a token that somebody has replaced', async () => {
    const { session, calls, pass } = setting();
    await session.logIn(credentials);
    pass(600_000);
    await session.refresh('access 0');
    expect(await session.refresh('access 0')).toBe('renewed');
    expect(refreshes(calls)).toBe(1);
  });
});

describe('calls', () => {
  it('fill what stands in braces and name what must not happen twice', async () => {
    const { exchange, calls, session } = setting();
    await session.logIn(credentials);
    const api = createCalls(withTokens(exchange, session));
    await api.get('/posts/{post_id}', { path: { post_id: 'a/b?' } });
    expect(calls.at(-1)).toMatchObject({ method: 'GET', path: '/posts/a%2Fb%3F' });
    await api.post('/posts', { body: { body: 'hola' }, idempotencyKey: 'k' });
    expect(calls.at(-1)).toMatchObject({ method: 'POST', body: { body: 'hola' }, headers: { 'Idempotency-Key': 'k' } });
  });

  it('say at once that a personal access token is no longer good', async () => {
    const { exchange } = setting();
    const api = createCalls(withTokens(exchange, fixedToken('mt_old')));
    await expect(api.get('/feed')).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});
