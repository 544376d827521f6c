/**
 * The streams that somebody listens to, each with the last number it has heard. After a lost line the handshake names
 * these numbers, and the server sends what was missed, in order, before anything new; what it cannot send any more
 * it says, and the listener starts over.
 */
import type { Connection } from './connection.ts';

export interface Streams {
  /**
   * Listens to `chat:<id>` … until the answered function is called. `restart`: what was missed is not kept any more.
   * `joined`: from here on nothing is missed; once for each handshake.
   */
  follow(stream: string, restart: () => void, joined?: () => void): () => void;
}

interface Joined {
  stream: string;
  outcome: 'live' | 'recovered' | 'resynced' | 'expired';
  seq: number;
  missed?: { event: string; data: unknown }[];
}

interface Followed {
  position: number | null;
  restarts: Set<() => void>;
  joins: Set<() => void>;
}

export function createStreams(connection: Connection): Streams {
  const followed = new Map<string, Followed>();
  /** The member's own, which the server joins by itself. */
  let own: string | null = null;

  connection.resumeFrom(() => {
    const positions: Record<string, number> = {};
    for (const [stream, { position }] of followed) if (position !== null) positions[stream] = position;
    return positions;
  });
  connection.onEvery((_, payload) => {
    const { stream, seq } = (payload ?? {}) as { stream?: unknown; seq?: unknown };
    const known = typeof stream === 'string' ? followed.get(stream) : undefined;
    if (known && typeof seq === 'number') known.position = seq;
  });
  connection.on('room:joined', (payload) => settle(payload as unknown as Joined));
  connection.on('room:refused', (payload) => void followed.delete(String((payload as { room?: unknown }).room)));
  connection.on('room:left', (payload) => void followed.delete(String((payload as { stream?: unknown }).stream)));
  connection.onOnline(() => {
    for (const [stream, { position }] of followed) if (position === null && stream !== own) void join(stream);
  });

  async function join(stream: string): Promise<void> {
    try {
      settle((await connection.say('room:join', { room: stream })) as unknown as Joined);
    } catch {
      // No line: the next handshake joins. Refused: there is nothing to hear, and calls over HTTP say why.
    }
  }

  function settle(joined: Joined): void {
    if (joined.stream.startsWith('user:')) own = joined.stream;
    if (joined.stream === own && !followed.has(joined.stream)) {
      followed.set(joined.stream, { position: null, restarts: new Set(), joins: new Set() });
    }
    const known = followed.get(joined.stream);
    if (!known) return;
    known.position = joined.seq;
    for (const { event, data } of joined.missed ?? []) connection.deliver(event, data);
    if (joined.outcome === 'resynced' || joined.outcome === 'expired') for (const restart of known.restarts) restart();
    for (const told of known.joins) told();
  }

  return {
    follow(stream, restart, joined) {
      const known = followed.get(stream) ?? { position: null, restarts: new Set(), joins: new Set() };
      const fresh = !followed.has(stream);
      known.restarts.add(restart);
      if (joined) known.joins.add(joined);
      followed.set(stream, known);
      if (fresh) void join(stream);
      return () => {
        known.restarts.delete(restart);
        if (joined) known.joins.delete(joined);
        if (known.restarts.size > 0 || followed.get(stream) !== known) return;
        followed.delete(stream);
        connection.say('room:leave', { room: stream }).catch(() => undefined);
      };
    },
  };
}
