/**
 * One room as it is read: what was said, what is on its way, how far the others have read.
 *
 * A message on its way has one `client_id` for its life: a lost answer and another try make one message. What has
 * found no line goes again by itself when the line is back; what was refused waits for its sender's word.
 */
import { type Api, asProblem, type components, type Connection, type Problem, type Pushes, type Streams } from 'mundo-tango-client';
import { newKey } from '../../platform/ids';
import type { Page } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';
import type { ReactionType } from '../reactions/reactions';
import type { Rooms } from '../rooms/rooms';

export type Message = components['schemas']['Message'];

export interface Draft {
  client_id: string;
  body: string;
  reply_to_id: string | null;
  /** Null while it is on its way, or waits for the line. */
  problem: Problem | null;
}

export interface ConversationState {
  phase: 'loading' | 'ready' | 'failed';
  problem: Problem | null;
  /** In the order of the room. */
  messages: readonly Message[];
  /** Names what was said before; null at the beginning of the room. */
  older: string | null;
  loadingOlder: boolean;
  drafts: readonly Draft[];
  /** How far others have read, where that is told. */
  reads: Readonly<Record<string, number>>;
}

export interface Conversation extends Readable<ConversationState> {
  /** Listens and loads; answers the function that ends it. */
  open(): () => void;
  refresh(): Promise<void>;
  loadOlder(): Promise<void>;
  send(body: string, replyTo: string | null): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
  edit(id: string, body: string): Promise<void>;
  remove(id: string): Promise<void>;
  react(id: string, type: ReactionType | null): Promise<void>;
  /** The last message is on the screen. */
  readAll(): void;
  search(query: string): Promise<readonly Message[]>;
}

const PAGE = 40;
/** A line that has just come back may break once more for a request, and nobody says when it is whole. */
const AGAIN_MS = 1000;

export function createConversation(options: {
  api: Api;
  connection: Connection;
  streams: Streams;
  rooms: Rooms;
  myId: string;
  roomId: string;
  key?: () => string;
}): Conversation {
  const { api, connection, streams, rooms, myId, roomId } = options;
  const key = options.key ?? newKey;
  const stream = `chat:${roomId}`;
  const path = `/rooms/${roomId}`;
  const state = createStore<ConversationState>({
    phase: 'loading',
    problem: null,
    messages: [],
    older: null,
    loadingOlder: false,
    drafts: [],
    reads: {},
  });
  /** Drafts that an answer is awaited for. */
  const underWay = new Set<string>();
  let readUpTo = 0;
  let again: ReturnType<typeof setTimeout> | undefined;

  async function refresh(): Promise<void> {
    try {
      const [page, members] = await Promise.all([
        api.get<Page<Message>>(`${path}/messages`, { limit: PAGE }),
        rooms.members(roomId).catch(() => []),
      ]);
      const reads: Record<string, number> = {};
      for (const { member, read_seq } of members) {
        if (read_seq !== null && read_seq !== undefined && member.id !== myId) reads[member.id] = read_seq;
      }
      state.set((now) => ({
        ...now,
        ...restarted(now, page),
        phase: 'ready',
        problem: null,
        reads,
        drafts: withoutSent(now.drafts, page.items, myId),
      }));
    } catch (cause) {
      state.set((now) => ({ ...now, phase: now.phase === 'ready' ? 'ready' : 'failed', problem: asProblem(cause) }));
    }
  }

  async function loadOlder(): Promise<void> {
    const { older, loadingOlder } = state.get();
    if (older === null || loadingOlder) return;
    state.set((now) => ({ ...now, loadingOlder: true }));
    try {
      const page = await api.get<Page<Message>>(`${path}/messages`, { limit: PAGE, cursor: older });
      state.set((now) => ({
        ...now,
        messages: merge(now.messages, page.items),
        older: page.next_cursor,
        loadingOlder: false,
      }));
    } catch (cause) {
      state.set((now) => ({ ...now, loadingOlder: false, problem: asProblem(cause) }));
    }
  }

  function change(id: string, how: (message: Message) => Message): void {
    state.set((now) => ({
      ...now,
      messages: now.messages.map((message) => (message.id === id ? how(message) : message)),
    }));
  }

  function put(message: Message): void {
    state.set((now) => ({
      ...now,
      messages: merge(now.messages, [message]),
      drafts: withoutSent(now.drafts, [message], myId),
    }));
  }

  async function deliver(clientId: string): Promise<void> {
    const draft = state.get().drafts.find((each) => each.client_id === clientId);
    if (!draft || underWay.has(clientId)) return;
    underWay.add(clientId);
    mark(clientId, null);
    try {
      const { body, reply_to_id } = draft;
      put(await api.post<Message>(`${path}/messages`, { body, client_id: clientId, reply_to_id }));
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status !== 0) mark(clientId, problem);
      // No line: it goes again by itself when there is one. The connection may know of one already.
      else if (connection.get() === 'online') {
        clearTimeout(again);
        again = setTimeout(sendWaiting, AGAIN_MS);
      }
    } finally {
      underWay.delete(clientId);
    }
  }

  function sendWaiting(): void {
    for (const draft of state.get().drafts) if (!draft.problem) void deliver(draft.client_id);
  }

  function mark(clientId: string, problem: Problem | null): void {
    state.set((now) => ({
      ...now,
      drafts: now.drafts.map((draft) => (draft.client_id === clientId ? { ...draft, problem } : draft)),
    }));
  }

  function hears<T>(name: keyof Pushes, hear: (push: T) => void): () => void {
    return connection.on(name, (payload) => {
      if ((payload as { stream?: unknown } | null)?.stream === stream) hear(payload as unknown as T);
    });
  }

  type Push = { id: string; seq: number };

  function open(): () => void {
    const stops = [
      streams.follow(stream, () => void refresh()),
      hears<Omit<Message, 'deleted' | 'reactions' | 'reaction'>>('message:new', (push) =>
        put({ ...push, deleted: false, reactions: [], reaction: null }),
      ),
      hears<Push & Pick<Message, 'body' | 'edited_at'>>('message:edited', ({ id, body, edited_at }) =>
        change(id, (message) => ({ ...message, body, edited_at })),
      ),
      hears<Push>('message:deleted', ({ id }) =>
        change(id, (message) => ({ ...message, body: '', deleted: true, reactions: [], reaction: null })),
      ),
      hears<Push & Pick<Message, 'reactions'>>('message:reacted', ({ id, reactions }) =>
        change(id, (message) => ({ ...message, reactions })),
      ),
      connection.on('message:seen', (payload) => {
        const { room, member_id, read_seq } = payload as { room: string; member_id: string; read_seq: number };
        if (room !== state.get().messages[0]?.room || member_id === myId) return;
        state.set((now) => ({ ...now, reads: { ...now.reads, [member_id]: read_seq } }));
      }),
      connection.onOnline(() => {
        // Pushes that are not kept (how far others have read) were missed; the rest is told by the server.
        if (state.get().phase === 'failed') void refresh();
      }),
      connection.subscribe(() => {
        if (connection.get() === 'online') sendWaiting();
      }),
    ];
    sendWaiting();
    void refresh();
    return () => {
      clearTimeout(again);
      stops.forEach((stop) => stop());
    };
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    open,
    refresh,
    loadOlder,
    send(body, replyTo) {
      const draft: Draft = { client_id: key(), body: body.trim(), reply_to_id: replyTo, problem: null };
      state.set((now) => ({ ...now, drafts: [...now.drafts, draft] }));
      void deliver(draft.client_id);
    },
    retry: (clientId) => void deliver(clientId),
    discard(clientId) {
      state.set((now) => ({ ...now, drafts: now.drafts.filter((draft) => draft.client_id !== clientId) }));
    },
    async edit(id, body) {
      put(await api.patch<Message>(`/messages/${id}`, { body }));
    },
    async remove(id) {
      try {
        await api.delete(`/messages/${id}`);
      } catch (cause) {
        if (asProblem(cause).status !== 404) throw cause;
      }
      change(id, (message) => ({ ...message, body: '', deleted: true, reactions: [], reaction: null }));
    },
    async react(id, type) {
      const reactions = `/messages/${id}/reactions`;
      put(type === null ? await api.delete<Message>(reactions) : await api.post<Message>(reactions, { type }));
    },
    readAll() {
      const last = state.get().messages.at(-1)?.seq ?? 0;
      if (last <= readUpTo) return;
      const before = readUpTo;
      readUpTo = last;
      rooms.markRead(roomId, last);
      api.put(`${path}/read`, { seq: last }).catch(() => {
        // It is said again with the next message, or when the room is opened again.
        readUpTo = before;
      });
    },
    async search(query) {
      return (await api.get<Page<Message>>(`${path}/messages`, { query, limit: 50 })).items;
    },
  };
}

/** Puts messages where they belong; one that is there already is replaced by its newer version. */
export function merge(messages: readonly Message[], more: readonly Message[]): readonly Message[] {
  const all = new Map(messages.map((message) => [message.id, message]));
  for (const message of more) all.set(message.id, message);
  return [...all.values()].sort((one, other) => one.seq - other.seq);
}

/** The newest page, loaded again: what was shown before it stays where the two meet. */
export function restarted(
  shown: Pick<ConversationState, 'messages' | 'older'>,
  page: Page<Message>,
): Pick<ConversationState, 'messages' | 'older'> {
  const oldest = page.items.at(-1)?.seq ?? 0;
  const meets = shown.messages.some((message) => page.items.some((fresh) => fresh.id === message.id));
  const kept = meets ? shown.messages.filter((message) => message.seq < oldest) : [];
  const heard = shown.messages.filter((message) => message.seq > (page.items[0]?.seq ?? 0));
  return { messages: merge([...kept, ...heard], page.items), older: meets ? shown.older : page.next_cursor };
}

/** Drafts whose message has come: by its own answer or by the room, whichever was first. */
export function withoutSent(drafts: readonly Draft[], messages: readonly Message[], myId: string): readonly Draft[] {
  const sent = new Set(messages.filter((message) => message.sender.id === myId).map((message) => message.client_id));
  return drafts.some((draft) => sent.has(draft.client_id))
    ? drafts.filter((draft) => !sent.has(draft.client_id))
    : drafts;
}
