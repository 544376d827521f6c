import { createPagedList, type Identified, type Page, type PagedList } from './paging';

/**
 * All lists of one kind of thing by name, so that a change of one post or member shows wherever it stands.
 * A single thing is a list of one.
 */
export interface Collection<T extends Identified> {
  list(name: string, fetchPage: (cursor: string | null) => Promise<Page<T>>): PagedList<T>;
  patch(id: string, change: (item: T) => T): void;
  remove(id: string): void;
  find(id: string): T | null;
}

const KEPT_LISTS = 40;

export function createCollection<T extends Identified>(ahead?: (id: string) => boolean): Collection<T> {
  const lists = new Map<string, PagedList<T>>();

  return {
    list(name, fetchPage) {
      let list = lists.get(name);
      if (list) {
        lists.delete(name);
      } else {
        list = createPagedList({ fetchPage, ahead });
        // Searches make many lists; of those nobody looks at, the one not asked for longest is forgotten.
        if (lists.size >= KEPT_LISTS) {
          const oldest = [...lists].find(([, each]) => !each.watched());
          if (oldest) lists.delete(oldest[0]);
        }
      }
      lists.set(name, list);
      return list;
    },
    patch(id, change) {
      for (const list of lists.values()) list.patch(id, change);
    },
    remove(id) {
      for (const list of lists.values()) list.remove(id);
    },
    find(id) {
      for (const list of lists.values()) {
        const item = list.get().items.find((other) => other.id === id);
        if (item) return item;
      }
      return null;
    },
  };
}
