/** The calls of the API with the types of its own document: a path, what stands in it, and what comes back. */
import type { paths } from './api/schema.ts';
import { type Exchange, type WireRequest } from './http.ts';

type Root = '/api/v1';
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths that know this method, without `/api/v1`. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? (P extends `${Root}${infer Rest}` ? Rest : never) : never;
}[keyof paths];

type OperationAt<P extends string, M extends Method> = `${Root}${P}` extends infer Path
  ? Path extends keyof paths
    ? M extends keyof paths[Path]
      ? NonNullable<paths[Path][M]>
      : never
    : never
  : never;

type Json<T> = T extends { content: { 'application/json': infer Body } } ? Body : undefined;

/** What a call answers when it succeeds; nothing for 202 and 204. */
export type AnswerOf<O> = O extends { responses: infer R } ? { [S in keyof R & (200 | 201)]: Json<R[S]> }[keyof R & (200 | 201)] : never;

type Given<Name extends string, T> = [T] extends [undefined | never]
  ? { [K in Name]?: undefined }
  : {} extends NonNullable<T>
    ? { [K in Name]?: NonNullable<T> }
    : { [K in Name]: NonNullable<T> };

type Part<O, Name extends string> = O extends { parameters: { [K in Name]?: infer T } } ? T : undefined;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined;

export type OptionsOf<O> = Given<'path', Part<O, 'path'>> &
  Given<'query', Part<O, 'query'>> &
  Given<'body', BodyOf<O>> & {
    /** Repeats of the same call create nothing twice. */
    idempotencyKey?: string;
    /** The ETag that was read, for changes that must not overwrite others'. */
    ifMatch?: string;
  };

type Arguments<O> = {} extends OptionsOf<O> ? [options?: OptionsOf<O>] : [options: OptionsOf<O>];

type Call<M extends Method> = <P extends PathOf<M>>(
  path: P,
  ...options: Arguments<OperationAt<P, M>>
) => Promise<AnswerOf<OperationAt<P, M>>>;

/** `await calls.get('/posts/{post_id}', { path: { post_id } })`. Every failure is thrown as a `Problem`. */
export type Calls = { [M in Method]: Call<M> };

interface Loose {
  path?: Record<string, unknown>;
  query?: WireRequest['query'];
  body?: unknown;
  idempotencyKey?: string;
  ifMatch?: string;
}

export function createCalls(exchange: Exchange): Calls {
  const call = (method: Method) => async (path: string, options: Loose = {}) => {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(options.path?.[name])));
    const headers: Record<string, string> = {};
    if (options.idempotencyKey !== undefined) headers['Idempotency-Key'] = options.idempotencyKey;
    if (options.ifMatch !== undefined) headers['If-Match'] = options.ifMatch;
    const verb = method.toUpperCase() as WireRequest['method'];
    const answer = await exchange({ method: verb, path: filled, query: options.query, body: options.body, headers });
    return answer.data ?? undefined;
  };
  const calls = { get: call('get'), post: call('post'), put: call('put'), patch: call('patch'), delete: call('delete') };
  return calls as unknown as Calls;
}
