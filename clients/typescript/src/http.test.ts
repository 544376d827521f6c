import { describe, expect, it, vi } from 'vitest';
import { createApi, createExchange, queryString, type TokenSource, type WireRequest } from './http.ts';
import { fieldProblems, Problem, readRetryAfter } from './problem.ts';

function answering(...answers: (Response | Error)[]) {
  const calls: { url: string; init: RequestInit }[] = [];
  const send = (async (url: string, init: RequestInit) => {
    calls.push({ url, init });
    const answer = answers.shift();
    if (!answer) throw new Error('asked too often');
    if (answer instanceof Error) throw answer;
    return answer;
  }) as typeof fetch;
  return { exchange: createExchange({ fetch: send, browser: true, language: () => 'es-AR' }), calls };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
const document = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  json(status, body, { 'content-type': 'application/problem+json; charset=utf-8', ...headers });

describe('one call', () => {
  it('goes out in the language of the member, with the token, as JSON', async () => {
    const { exchange, calls } = answering(json(201, { id: 'p' }, { etag: '"3"' }));
    const answer = await exchange({
      method: 'POST',
      path: '/posts',
      body: { body: 'hola' },
      headers: { 'Idempotency-Key': 'k' },
      token: 't',
    });
    expect(answer).toEqual({ status: 201, data: { id: 'p' }, etag: '"3"' });
    expect(calls[0]).toMatchObject({
      url: '/api/v1/posts',
      init: {
        method: 'POST',
        body: '{"body":"hola"}',
        headers: {
          'Accept-Language': 'es-AR',
          'Content-Type': 'application/json',
          'Idempotency-Key': 'k',
          Authorization: 'Bearer t',
        },
      },
    });
    expect(calls[0]!.init.headers).not.toHaveProperty('X-Client');
  });

  it('chooses browser mode on auth calls', async () => {
    const { exchange, calls } = answering(json(200, {}));
    await exchange({ method: 'POST', path: '/auth/refresh', body: {} });
    expect(calls[0]!.init.headers).toMatchObject({ 'X-Client': 'web', 'Content-Type': 'application/json' });
    expect(calls[0]!.init.body).toBe('{}');
  });

  it('takes an empty answer for what it is', async () => {
    const { exchange } = answering(new Response(null, { status: 204 }));
    expect((await exchange({ method: 'DELETE', path: '/posts/1' })).data).toBeNull();
  });

  it('leaves out what a query does not name', () => {
    expect(queryString({ limit: 20, cursor: null, city: '', query: 'Ána & co' })).toBe('?limit=20&query=%C3%81na+%26+co');
    expect(queryString({ cursor: undefined })).toBe('');
  });
});

describe('a refusal', () => {
  it('carries everything of the problem document', async () => {
    const { exchange } = answering(
      document(
        422,
        {
          type: '/docs/errors/invalid',
          title: 'Invalid',
          status: 422,
          code: 'invalid',
          detail: 'Bitte nicht so.',
          request_id: 'req-1',
          errors: [
            { pointer: '/username', code: 'taken', detail: 'Taken.' },
            { pointer: '#/email', code: 'format', detail: 'No address.' },
            { pointer: '/username', code: 'second', detail: 'Never shown.' },
            'nonsense',
          ],
        },
        { 'retry-after': '7' },
      ),
    );
    const refused = await exchange({ method: 'POST', path: '/auth/register', body: {} }).catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({
      status: 422,
      code: 'invalid',
      detail: 'Bitte nicht so.',
      requestId: 'req-1',
      retryAfterMs: 7_000,
      passing: false,
    });
    expect(fieldProblems(refused as Problem)).toEqual({ username: 'Taken.', email: 'No address.' });
  });

  it.each([
    ['a page of a proxy', new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } })],
    ['broken JSON', new Response('{"code":', { status: 502, headers: { 'content-type': 'application/json' } })],
    ['a document without a code', json(502, { message: 'no' })],
  ])('that is %s still is a problem', async (_, response) => {
    const { exchange } = answering(response);
    await expect(exchange({ method: 'GET', path: '/feed' })).rejects.toMatchObject({
      status: 502,
      code: 'unreadable',
      passing: true,
    });
  });

  it('by the network has its own code', async () => {
    const { exchange } = answering(new TypeError('Failed to fetch'));
    await expect(exchange({ method: 'GET', path: '/feed' })).rejects.toMatchObject({ status: 0, code: 'network', passing: true });
  });

  it('comes when a good answer is not JSON: the app itself instead of the interface', async () => {
    const { exchange } = answering(new Response('<!doctype html>', { status: 200 }));
    await expect(exchange({ method: 'GET', path: '/feed' })).rejects.toMatchObject({ code: 'unreadable' });
  });

  it('comes when no answer comes in time', async () => {
    const never = ((_url: string, init: RequestInit) =>
      new Promise((_, refuse) => init.signal!.addEventListener('abort', () => refuse(new Error('aborted'))))) as typeof fetch;
    const exchange = createExchange({ fetch: never, language: () => 'en', timeoutMs: 5 });
    await expect(exchange({ method: 'GET', path: '/feed' })).rejects.toMatchObject({ code: 'timeout' });
  });

  it('may say when to come back as seconds or as a date', () => {
    expect(readRetryAfter('30')).toBe(30_000);
    expect(readRetryAfter('Mon, 23 Nov 2026 10:00:10 GMT', Date.parse('2026-11-23T10:00:00Z'))).toBe(10_000);
    expect(readRetryAfter('soon')).toBeNull();
    expect(readRetryAfter(null)).toBeNull();
  });
});

describe("a member's call", () => {
  /** A server that accepts one token, and a session that has another. */
  function setting(options: { held: string | null; accepted: string; outcome?: 'renewed' | 'ended' | 'later' }) {
    let held = options.held;
    const refresh = vi.fn(async () => {
      const outcome = options.outcome ?? 'renewed';
      if (outcome === 'renewed') held = 'renewed token';
      return outcome;
    });
    const tokens: TokenSource = { usableToken: () => held, refresh };
    const sent: (string | null | undefined)[] = [];
    const exchange = async (request: WireRequest) => {
      sent.push(request.token);
      if (request.token !== options.accepted) throw new Problem({ status: 401, code: 'unauthenticated' });
      return { status: 200, data: 'fine', etag: null };
    };
    return { api: createApi(exchange, tokens), refresh, sent, setHeld: (token: string) => (held = token) };
  }

  it('goes through with a good token', async () => {
    const { api, refresh } = setting({ held: 'good', accepted: 'good' });
    expect(await api.get('/feed')).toBe('fine');
    expect(refresh).not.toHaveBeenCalled();
  });

  it('is repeated once with a new token after a 401', async () => {
    const { api, refresh, sent } = setting({ held: 'old', accepted: 'renewed token' });
    expect(await api.get('/feed')).toBe('fine');
    expect(refresh).toHaveBeenCalledExactlyOnceWith('old');
    expect(sent).toEqual(['old', 'renewed token']);
  });

  it('is not repeated forever', async () => {
    const { api, sent } = setting({ held: 'old', accepted: 'never' });
    await expect(api.get('/feed')).rejects.toMatchObject({ status: 401 });
    expect(sent).toEqual(['old', 'renewed token']);
  });

  it('takes the token another call has fetched meanwhile', async () => {
    const { api, refresh, sent, setHeld } = setting({ held: 'old', accepted: 'newer' });
    const call = api.get('/feed');
    setHeld('newer');
    expect(await call).toBe('fine');
    expect(refresh).not.toHaveBeenCalled();
    expect(sent).toEqual(['old', 'newer']);
  });

  it('fetches a token first when there is none to use', async () => {
    const { api, refresh, sent } = setting({ held: null, accepted: 'renewed token' });
    expect(await api.get('/feed')).toBe('fine');
    expect(refresh).toHaveBeenCalledExactlyOnceWith(null);
    expect(sent).toEqual(['renewed token']);
  });

  it('says "unavailable", not "logged out", when a new token cannot be had just now', async () => {
    const { api } = setting({ held: 'old', accepted: 'x', outcome: 'later' });
    await expect(api.get('/feed')).rejects.toMatchObject({ status: 503, code: 'unavailable' });
  });

  it('says so when the session is over', async () => {
    const { api } = setting({ held: 'old', accepted: 'x', outcome: 'ended' });
    await expect(api.get('/feed')).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
  });
});
