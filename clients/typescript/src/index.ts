export type { components, paths } from './api/schema.ts';
export type { Messages, Pushes } from './api/events.ts';
export { type AnswerOf, type Calls, createCalls, type Method, type OptionsOf, type PathOf } from './calls.ts';
export { type Client, createClient } from './client.ts';
export { type Connection, type ConnectionState, createConnection, type Tokens } from './connection.ts';
export {
  type Api,
  createApi,
  createExchange,
  type Exchange,
  queryString,
  type RefreshOutcome,
  SESSION_ENDED,
  type TokenSource,
  type WireAnswer,
  type WireRequest,
  withTokens,
} from './http.ts';
export { asProblem, type FieldProblem, fieldProblems, Problem, readProblem, readRetryAfter } from './problem.ts';
export { createProgramSession, fixedToken, type ProgramSession, type SavedSession } from './session.ts';
export { createStore, type Readable, type Store } from './store.ts';
export { createStreams, type Streams } from './streams.ts';
