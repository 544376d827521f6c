/** The rooms of the member, the latest news first: kept by one call, then by what is heard. */
import { type Api, asProblem, type components, type Connection, type Problem, type Streams } from 'mundo-tango-client';
import type { Page } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';

export type Room = components['schemas']['Room'];
export type RoomMember = components['schemas']['RoomMember'];

export interface RoomsState {
  phase: 'idle' | 'loading' | 'ready' | 'failed';
  problem: Problem | null;
  rooms: readonly Room[];
}

export interface Rooms extends Readable<RoomsState> {
  ensure(): void;
  refresh(): Promise<void>;
  /** By id or short name; asks the server for a room that is not in the list. */
  find(name: string): Promise<Room>;
  open(): Promise<readonly Room[]>;
  openDirect(memberId: string): Promise<Room>;
  create(title: string, memberIds: readonly string[], key: string): Promise<Room>;
  join(id: string): Promise<Room>;
  leave(id: string): Promise<void>;
  members(id: string): Promise<readonly RoomMember[]>;
  /** The room is being looked at: what comes is read at once. */
  look(id: string | null): void;
  markRead(id: string, seq: number): void;
}

/** Rooms listened to and listed at once. */
const LISTED = 50;

export interface NewPush {
  id: string;
  body: string;
  created_at: string;
  stream: string;
  seq: number;
  sender: Room['last_message'] extends infer L ? (L extends { sender: infer S } ? S : never) : never;
}

export function createRooms(options: {
  api: Api;
  connection: Connection;
  streams: Streams;
  myId: string;
}): Rooms {
  const { api, connection, streams, myId } = options;
  const state = createStore<RoomsState>({ phase: 'idle', problem: null, rooms: [] });
  const following = new Map<string, () => void>();
  let loading: Promise<void> | null = null;
  let again = false;
  let looking: string | null = null;

  async function load(): Promise<void> {
    state.set((now) => ({ ...now, phase: now.phase === 'ready' ? 'ready' : 'loading', problem: null }));
    do {
      again = false;
      try {
        const page = await api.get<Page<Room>>('/rooms', { limit: LISTED });
        state.set({ phase: 'ready', problem: null, rooms: page.items.map(seen) });
        for (const room of page.items) if (room.membership?.status === 'joined') follow(room.id);
      } catch (cause) {
        state.set((now) => ({ ...now, phase: now.phase === 'ready' ? 'ready' : 'failed', problem: asProblem(cause) }));
      }
    } while (again);
  }

  function refresh(): Promise<void> {
    if (loading) again = true;
    loading ??= load().finally(() => {
      loading = null;
    });
    return loading;
  }

  /** What is being looked at has nothing unread. */
  function seen(room: Room): Room {
    return room.id === looking ? { ...room, unread_count: 0 } : room;
  }

  /** A room of two in which nothing was said yet is not listed, and is listened to all the same. */
  function follow(id: string): void {
    if (!following.has(id)) following.set(id, streams.follow(`chat:${id}`, () => void refresh()));
  }

  function unfollow(id: string): void {
    following.get(id)?.();
    following.delete(id);
  }

  function patch(id: string, change: (room: Room) => Room): boolean {
    const { rooms } = state.get();
    const at = rooms.findIndex((room) => room.id === id);
    if (at < 0) return false;
    state.set((now) => ({ ...now, rooms: latestFirst(now.rooms.with(at, change(now.rooms[at]!))) }));
    return true;
  }

  function put(room: Room): Room {
    if (room.membership?.status === 'joined') follow(room.id);
    if (!patch(room.id, () => seen(room))) void refresh();
    return room;
  }

  connection.on('message:new', (payload) => {
    const said = payload as NewPush;
    const id = said.stream.slice('chat:'.length);
    const known = patch(id, (room) => hear(room, said, myId, id === looking));
    // The first word in a room of two puts it on the list.
    if (!known && state.get().phase === 'ready') void refresh();
  });
  for (const name of ['message:edited', 'message:deleted'] as const) {
    connection.on(name, (payload) => {
      const { id, stream } = payload as { id: string; stream: string };
      const room = state.get().rooms.find((each) => each.id === stream.slice('chat:'.length));
      if (room?.last_message?.id === id) void refresh();
    });
  }
  connection.on('message:seen', (payload) => {
    const { member_id } = payload as { member_id: string };
    // Read on another device.
    if (member_id === myId && looking === null) void refresh();
  });
  connection.on('room:added', (payload) => {
    const { id, kind } = payload as { id: string; kind: Room['kind'] };
    if (kind === 'direct') follow(id);
    void refresh();
  });
  connection.on('room:left', (payload) => {
    unfollow((payload as { stream: string }).stream.slice('chat:'.length));
    void refresh();
  });
  connection.on('room:changed', () => void refresh());
  // Somebody wrote in a room that is not among those listened to.
  connection.on('notification:new', (payload) => {
    const { kind } = payload as { kind: string };
    if (kind === 'message' && state.get().phase === 'ready') void refresh();
  });
  connection.onOnline(() => void (state.get().phase !== 'idle' && refresh()));

  return {
    get: state.get,
    subscribe: state.subscribe,
    refresh,
    ensure: () => void (state.get().phase === 'idle' && refresh()),
    async find(name) {
      const known = state.get().rooms.find((room) => room.id === name || room.slug === name);
      return known ?? api.get<Room>(`/rooms/${encodeURIComponent(name)}`);
    },
    open: async () => (await api.get<Page<Room>>('/rooms/open', { limit: 100 })).items,
    openDirect: async (memberId) => (await api.putFor<Room>(`/rooms/direct/${memberId}`)),
    async create(title, memberIds, key) {
      const room = await api.post<Room>('/rooms', { title, member_ids: memberIds }, { 'Idempotency-Key': key });
      return put(room);
    },
    join: async (id) => put(await api.putFor<Room>(`/rooms/${id}/membership`)),
    async leave(id) {
      await api.delete(`/rooms/${id}/membership`);
      unfollow(id);
      state.set((now) => ({ ...now, rooms: now.rooms.filter((room) => room.id !== id) }));
    },
    members: async (id) => (await api.get<Page<RoomMember>>(`/rooms/${id}/members`, { limit: 100 })).items,
    look(id) {
      looking = id;
      if (id !== null) patch(id, seen);
    },
    markRead(id, seq) {
      patch(id, (room) => ({
        ...room,
        unread_count: 0,
        membership: room.membership && { ...room.membership, read_seq: Math.max(seq, room.membership.read_seq) },
      }));
    },
  };
}

/** How a room is called: a room of two by the other's name. */
export function roomTitle(room: Room): string {
  return room.other?.display_name ?? room.title;
}

/** What the list shows once something was said. The server counts up to a hundred, and so do we. */
export function hear(room: Room, said: NewPush, myId: string, looking: boolean): Room {
  if (room.last_message && room.last_message.seq >= said.seq) return room;
  const fresh = said.sender.id !== myId && !looking && said.seq > (room.membership?.read_seq ?? 0);
  const { id, seq, body, created_at, sender } = said;
  return {
    ...room,
    last_message: { id, seq, body, created_at, sender },
    unread_count: looking ? 0 : Math.min(100, room.unread_count + Number(fresh)),
  };
}

/** Ids carry the time they were made, so their order is that of the news. */
export function latestFirst(rooms: readonly Room[]): readonly Room[] {
  const place = (room: Room) => room.last_message?.id ?? room.id;
  return [...rooms].sort((one, other) => (place(one) < place(other) ? 1 : -1));
}
