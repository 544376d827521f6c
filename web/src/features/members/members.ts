import type { Api, components } from 'mundo-tango-client';
import { createCollection, type Collection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';

export type Member = components['schemas']['Member'];

export interface Members {
  collection: Collection<Member>;
  search(query: string): PagedList<Member>;
  /** A list of one. */
  one(username: string): PagedList<Member>;
}

export function createMembers(api: Api, ahead: (id: string) => boolean): Members {
  const collection = createCollection<Member>(ahead);
  return {
    collection,
    search: (query) =>
      collection.list(`search ${query}`, (cursor) => api.get<Page<Member>>('/members', { query, limit: 20, cursor })),
    one: (username) =>
      collection.list(`one ${username}`, async () => ({
        items: [await api.get<Member>(`/members/${encodeURIComponent(username)}`)],
        next_cursor: null,
      })),
  };
}
