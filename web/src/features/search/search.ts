import type { Api, components } from 'mundo-tango-client';
import { createCollection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';

export type SearchHit = components['schemas']['SearchHit'];
export type SearchKind = components['schemas']['SearchKind'];
type TrendingTerm = components['schemas']['TrendingTerm'];
/** A list needs an id for each of its items. */
export type Trend = TrendingTerm & { id: string };

export const SEARCH_KINDS: readonly SearchKind[] = ['member', 'post', 'event', 'group', 'place'];

export interface Search {
  find(q: string, kind: SearchKind | ''): PagedList<SearchHit>;
  trending: PagedList<Trend>;
}

export function createSearch(api: Api): Search {
  const hits = createCollection<SearchHit>();
  const trends = createCollection<Trend>();
  return {
    find: (q, kind) =>
      hits.list(`${kind} ${q}`, (cursor) => api.get<Page<SearchHit>>('/search', { q, kind, limit: 20, cursor })),
    trending: trends.list('trending', async () => {
      const page = await api.get<Page<TrendingTerm>>('/search/trending');
      return { items: page.items.map((trend) => ({ ...trend, id: trend.term })), next_cursor: null };
    }),
  };
}

/** The page that shows what was found. */
export function pathOf(hit: SearchHit): string {
  switch (hit.kind) {
    case 'member':
      return `/members/${hit.address}`;
    case 'group':
      return `/groups/${hit.address}`;
    case 'post':
      return `/posts/${hit.id}`;
    case 'event':
      return '/events';
    case 'place':
      return '/places';
  }
}
