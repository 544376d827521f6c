/**
 * The rooms that this tab listens to, each with the last number it has heard. After a lost line the handshake names
 * these numbers, and the server sends what was missed, in order, before anything new; what it cannot send any more
 * it says, and the listener starts over.
 */
import type { Connection } from './connection';

export interface Streams {
  /** Listens to `chat:<id>` … until the answered function is called. `restart`: what was missed is not kept any more. */
  follow(stream: string, restart: () => void): () => void;
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
  connection.on('room:joined', (payload) => settle(payload as Joined));
  connection.on('room:refused', (payload) => followed.delete(String((payload as { room?: unknown }).room)));
  connection.on('room:left', (payload) => followed.delete(String((payload as { stream?: unknown }).stream)));
  connection.onOnline(() => {
    for (const [stream, { position }] of followed) if (position === null && stream !== own) void join(stream);
  });

  async function join(stream: string): Promise<void> {
    try {
      settle(await connection.ask<Joined>('room:join', { room: stream }));
    } catch {
      // No line: the next handshake joins. Refused: there is nothing to hear, and calls over HTTP say why.
    }
  }

  function settle(joined: Joined): void {
    if (joined.stream.startsWith('user:')) own = joined.stream;
    if (joined.stream === own && !followed.has(joined.stream)) {
      followed.set(joined.stream, { position: null, restarts: new Set() });
    }
    const known = followed.get(joined.stream);
    if (!known) return;
    known.position = joined.seq;
    for (const { event, data } of joined.missed ?? []) connection.deliver(event, data);
    if (joined.outcome === 'resynced' || joined.outcome === 'expired') for (const restart of known.restarts) restart();
  }

  return {
    follow(stream, restart) {
      const known = followed.get(stream) ?? { position: null, restarts: new Set() };
      const fresh = !followed.has(stream);
      known.restarts.add(restart);
      followed.set(stream, known);
      if (fresh) void join(stream);
      return () => {
        known.restarts.delete(restart);
        if (known.restarts.size > 0 || followed.get(stream) !== known) return;
        followed.delete(stream);
        connection.ask('room:leave', { room: stream }).catch(() => undefined);
      };
    },
  };
}
