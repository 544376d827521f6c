/** Everything a program needs of a server, put together. */
import { type Calls, createCalls } from './calls.ts';
import { type Connection, createConnection } from './connection.ts';
import { createExchange, withTokens } from './http.ts';
import { createProgramSession, fixedToken, type ProgramSession, type SavedSession } from './session.ts';
import { createStreams, type Streams } from './streams.ts';

export interface Client extends Calls {
  session: ProgramSession;
  /** Live events: `open()` it after a log-in, `on` hears, `say` speaks and gives the ack. */
  live: Connection;
  /** Follows rooms without a gap: after a lost line the server tells what was missed. */
  streams: Streams;
}

export function createClient(options: {
  /** Where the server is, such as `https://tango.example`. */
  url: string;
  /** A personal access token, in place of a log-in. It opens no socket. */
  accessToken?: string;
  saved?: SavedSession | null;
  save?: (session: SavedSession | null) => void;
  /** Of sentences that people read: `es-AR`. */
  language?: string;
  fetch?: typeof fetch;
}): Client {
  const { url, accessToken } = options;
  const exchange = createExchange({ url, language: () => options.language ?? 'en', fetch: options.fetch });
  const session = createProgramSession({ exchange, saved: options.saved, save: options.save });
  const tokens = accessToken === undefined ? session : fixedToken(accessToken);
  const live = createConnection({ url, tokens: session });
  return { ...createCalls(withTokens(exchange, tokens)), session, live, streams: createStreams(live) };
}
