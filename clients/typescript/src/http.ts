import { Problem, readProblem } from './problem.ts';

/** One call on the wire. `path` is below /api/v1 and starts with a slash. */
export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | null | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  token?: string | null;
  keepalive?: boolean;
}

export interface WireAnswer {
  status: number;
  data: unknown;
  etag: string | null;
}

/** Sends one call and answers what came back; every failure is thrown as a `Problem`. Knows nothing of sessions. */
export type Exchange = (request: WireRequest) => Promise<WireAnswer>;

const ROOT = '/api/v1';
const TIMEOUT_MS = 15_000;

export function createExchange(options: {
  /** Where the server is; left out by a page that it serves itself. */
  url?: string;
  /** A page whose refresh token is a cookie that it never sees. Programs get their tokens in the body. */
  browser?: boolean;
  language: () => string;
  fetch?: typeof fetch;
  timeoutMs?: number;
}): Exchange {
  const send = options.fetch ?? ((input, init) => fetch(input, init));
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const root = (options.url ?? '').replace(/\/+$/, '') + ROOT;

  return async (request) => {
    const headers: Record<string, string> = {
      Accept: 'application/json, application/problem+json',
      'Accept-Language': options.language(),
      ...request.headers,
    };
    if (request.body !== undefined) headers['Content-Type'] = 'application/json';
    if (options.browser && request.path.startsWith('/auth/')) headers['X-Client'] = 'web';
    if (request.token) headers.Authorization = `Bearer ${request.token}`;

    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const response = await send(root + request.path + queryString(request.query), {
        method: request.method,
        headers,
        body: request.body === undefined ? undefined : JSON.stringify(request.body),
        credentials: options.browser ? 'same-origin' : 'omit',
        keepalive: request.keepalive,
        signal: abort.signal,
      });
      if (!response.ok) throw await readProblem(response);
      return { status: response.status, data: await readData(response), etag: response.headers.get('etag') };
    } catch (cause) {
      if (cause instanceof Problem) throw cause;
      throw new Problem({ status: 0, code: abort.signal.aborted ? 'timeout' : 'network' });
    } finally {
      clearTimeout(timer);
    }
  };
}

export type RefreshOutcome = 'renewed' | 'ended' | 'later';

/** Who holds the access token; a session implements it. */
export interface TokenSource {
  /** The access token, or null when there is none or it is about to end. */
  usableToken(): string | null;
  /** Asks for a new token in place of the one that was refused (null: there was none). */
  refresh(refused: string | null): Promise<RefreshOutcome>;
}

/** The answers of /auth/refresh that mean: this session is over. Anything else, a dead network or a 503, does not. */
export const SESSION_ENDED: ReadonlySet<string> = new Set([
  'no_session',
  'invalid_token',
  'session_expired',
  'session_revoked',
  'token_superseded',
  'device_required',
  'reauth_required',
]);

/** The calls of a signed-in member. */
export interface Api {
  get<T>(path: string, query?: WireRequest['query']): Promise<T>;
  post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T>;
  put(path: string, body?: unknown): Promise<void>;
  /** A PUT that answers with what is there now. */
  putFor<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T>;
  delete<T = void>(path: string): Promise<T>;
  /** Like `get`, with the ETag for a later If-Match. */
  getTagged<T>(path: string): Promise<{ data: T; etag: string | null }>;
}

/**
 * Puts the member's token on every call. A 401 leads to one refresh and one repetition, never more;
 * when the refresh cannot be had just now, the caller hears `unavailable` and the session stays.
 */
export function withTokens(exchange: Exchange, tokens: TokenSource): Exchange {
  async function call(request: WireRequest): Promise<WireAnswer> {
    let token = tokens.usableToken();
    if (token === null) token = await renew(null);
    try {
      return await exchange({ ...request, token });
    } catch (cause) {
      if (!(cause instanceof Problem) || cause.status !== 401) throw cause;
      const current = tokens.usableToken();
      const fresh = current !== null && current !== token ? current : await renew(token);
      return exchange({ ...request, token: fresh });
    }
  }

  async function renew(refused: string | null): Promise<string> {
    const outcome = await tokens.refresh(refused);
    if (outcome === 'ended') throw new Problem({ status: 401, code: 'unauthenticated' });
    const token = outcome === 'renewed' ? tokens.usableToken() : null;
    if (token === null) throw new Problem({ status: 503, code: 'unavailable' });
    return token;
  }

  return call;
}

export function createApi(exchange: Exchange, tokens: TokenSource): Api {
  const call = withTokens(exchange, tokens);
  return {
    get: async <T>(path: string, query?: WireRequest['query']) => (await call({ method: 'GET', path, query })).data as T,
    post: async <T>(path: string, body: unknown, headers?: Record<string, string>) =>
      (await call({ method: 'POST', path, body, headers })).data as T,
    put: async (path, body) => void (await call({ method: 'PUT', path, body })),
    putFor: async <T>(path: string, body?: unknown) => (await call({ method: 'PUT', path, body })).data as T,
    patch: async <T>(path: string, body: unknown, headers?: Record<string, string>) =>
      (await call({ method: 'PATCH', path, body, headers })).data as T,
    delete: async <T>(path: string) => (await call({ method: 'DELETE', path })).data as T,
    getTagged: async <T>(path: string) => {
      const answer = await call({ method: 'GET', path });
      return { data: answer.data as T, etag: answer.etag };
    },
  };
}

export function queryString(query: WireRequest['query']): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const joined = search.toString();
  return joined === '' ? '' : `?${joined}`;
}

async function readData(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ status: response.status, code: 'unreadable', requestId: response.headers.get('x-request-id') });
  }
}
