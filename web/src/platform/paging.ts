/** Lists that come in pages: pure merging below, the list that loads itself at the end. */
import { asProblem, type Problem } from 'mundo-tango-client';
import { createStore, type Readable } from './store';

export interface Identified {
  id: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface ListState<T> {
  items: readonly T[];
  next_cursor: string | null;
  /** The first page: `failed` only while there is nothing to show. */
  phase: 'idle' | 'loading' | 'ready' | 'failed';
  /** The page after the last one. */
  more: 'idle' | 'loading' | 'failed';
  problem: Problem | null;
}

/** Adds the next page; what is already there stays where it is, in its newer version. */
export function appendPage<T extends Identified>(items: readonly T[], page: readonly T[]): T[] {
  const known = new Set(items.map((item) => item.id));
  return [...items, ...page.filter((item) => !known.has(item.id))];
}

/**
 * Puts one item into a list that is newest first. Ids are UUIDv7, so their order is that of creation.
 * An item already there stays (`keep`) or is replaced (`replace`): never twice.
 */
export function insertNewest<T extends Identified>(items: readonly T[], item: T, present: 'keep' | 'replace'): readonly T[] {
  const at = items.findIndex((other) => other.id === item.id);
  if (at >= 0) return present === 'keep' ? items : items.with(at, item);
  const before = items.findIndex((other) => other.id < item.id);
  return before < 0 ? [...items, item] : items.toSpliced(before, 0, item);
}

/**
 * Takes in a first page fetched again. Where it reaches what was shown before, the older pages stay; where it does
 * not (many new items), they go, and the fresh cursor leads on. `arrived` and `removed` are what happened while the
 * page was on its way, which it may not know.
 */
export function mergeFresh<T extends Identified>(
  shown: readonly T[],
  shownCursor: string | null,
  page: Page<T>,
  during: { arrived: ReadonlySet<string>; removed: ReadonlySet<string>; ahead: (id: string) => boolean },
): { items: T[]; next_cursor: string | null } {
  const local = new Map(shown.map((item) => [item.id, item]));
  const fresh = page.items
    .filter((item) => !during.removed.has(item.id))
    .map((item) => (during.ahead(item.id) ? (local.get(item.id) ?? item) : item));
  const freshIds = new Set(page.items.map((item) => item.id));
  const arrived = shown.filter((item) => during.arrived.has(item.id) && !freshIds.has(item.id));

  let lastShared = -1;
  shown.forEach((item, index) => {
    if (freshIds.has(item.id)) lastShared = index;
  });
  const older = shown.slice(lastShared + 1).filter((item) => !during.arrived.has(item.id));
  const reaches = lastShared >= 0 && page.next_cursor !== null && older.length > 0;
  return reaches
    ? { items: [...arrived, ...fresh, ...older], next_cursor: shownCursor }
    : { items: [...arrived, ...fresh], next_cursor: page.next_cursor };
}

/** A list that fetches its pages, once at a time, and keeps what it has when a fetch fails. */
export interface PagedList<T extends Identified> extends Readable<ListState<T>> {
  /** True while anybody subscribes. */
  watched(): boolean;
  /** Loads the first page if it was never loaded, or fetches it again if it is older than `maxAgeMs`. */
  ensure(maxAgeMs?: number): void;
  refresh(): Promise<void>;
  loadMore(): Promise<void>;
  insert(item: T, present: 'keep' | 'replace'): void;
  patch(id: string, change: (item: T) => T): void;
  remove(id: string): void;
}

export function createPagedList<T extends Identified>(rules: {
  fetchPage: (cursor: string | null) => Promise<Page<T>>;
  /** True while the shown version of an item is newer than the server's (an optimistic change on its way). */
  ahead?: (id: string) => boolean;
  now?: () => number;
}): PagedList<T> {
  const now = rules.now ?? Date.now;
  const state = createStore<ListState<T>>({ items: [], next_cursor: null, phase: 'idle', more: 'idle', problem: null });
  let watchers = 0;
  let loading: Promise<void> | null = null;
  let again = false;
  let loadedAt = 0;
  let arrived = new Set<string>();
  let removed = new Set<string>();

  async function loadFirst(): Promise<void> {
    state.set((list) => ({ ...list, phase: list.phase === 'ready' ? 'ready' : 'loading', problem: null }));
    do {
      again = false;
      arrived = new Set();
      removed = new Set();
      try {
        const page = await rules.fetchPage(null);
        loadedAt = now();
        state.set((list) => ({
          ...list,
          ...mergeFresh(list.items, list.next_cursor, page, { arrived, removed, ahead: rules.ahead ?? (() => false) }),
          phase: 'ready',
          problem: null,
        }));
      } catch (cause) {
        state.set((list) => ({
          ...list,
          phase: list.phase === 'ready' ? 'ready' : 'failed',
          problem: asProblem(cause),
        }));
      }
    } while (again);
  }

  function refresh(): Promise<void> {
    // Asked for while one is on its way: that one may be too old already, so one more follows it.
    if (loading) again = true;
    loading ??= loadFirst().finally(() => {
      loading = null;
    });
    return loading;
  }

  return {
    get: state.get,
    subscribe(listener) {
      const stop = state.subscribe(listener);
      watchers += 1;
      return () => {
        watchers -= 1;
        stop();
      };
    },
    watched: () => watchers > 0,
    refresh,
    ensure(maxAgeMs = Infinity) {
      const { phase } = state.get();
      if (phase === 'idle' || (phase === 'ready' && now() - loadedAt > maxAgeMs)) if (!loading) void refresh();
    },
    async loadMore() {
      const { next_cursor, more, phase } = state.get();
      if (phase !== 'ready' || more === 'loading' || next_cursor === null) return;
      state.set((list) => ({ ...list, more: 'loading' }));
      try {
        const page = await rules.fetchPage(next_cursor);
        state.set((list) =>
          // A refresh in between may have begun the list anew; then this page no longer belongs to its end.
          list.next_cursor === next_cursor
            ? { ...list, items: appendPage(list.items, page.items), next_cursor: page.next_cursor, more: 'idle' }
            : { ...list, more: 'idle' },
        );
      } catch (cause) {
        state.set((list) => ({ ...list, more: 'failed', problem: asProblem(cause) }));
      }
    },
    insert(item, present) {
      arrived.add(item.id);
      state.set((list) => {
        const items = insertNewest(list.items, item, present);
        return items === list.items ? list : { ...list, items };
      });
    },
    patch(id, change) {
      state.set((list) => {
        const at = list.items.findIndex((item) => item.id === id);
        return at < 0 ? list : { ...list, items: list.items.with(at, change(list.items[at]!)) };
      });
    },
    remove(id) {
      removed.add(id);
      state.set((list) =>
        list.items.some((item) => item.id === id)
          ? { ...list, items: list.items.filter((item) => item.id !== id) }
          : list,
      );
    },
  };
}
