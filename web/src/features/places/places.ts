import type { Api, components } from 'mundo-tango-client';
import { createCollection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';

/** A restaurant, a venue, a school … that somebody recommends. */
export type Place = components['schemas']['RecommendedPlace'];

export type PlaceKind = Place['kind'];

export const PLACE_KINDS: readonly PlaceKind[] = ['restaurant', 'cafe', 'bar', 'venue', 'school', 'shop', 'hotel', 'other'];

export interface NewPlace {
  name: string;
  kind: PlaceKind;
  city: string;
  address: string;
  description: string;
  media_ids: string[];
}

export interface Places {
  /** The best first; in one city, or everywhere. */
  best(city: string): PagedList<Place>;
  /** The same key says the same place: sent again, it is recommended once. */
  recommend(place: NewPlace, key: string): Promise<void>;
  /** Gives it stars, in place of those given before. */
  rate(id: string, stars: number): Promise<void>;
}

export function createPlaces(api: Api): Places {
  const collection = createCollection<Place>();
  const best = (city: string) =>
    collection.list(`in ${city}`, (cursor) => api.get<Page<Place>>('/places', { city, limit: 20, cursor }));

  return {
    best,
    async recommend(place, key) {
      await api.post<Place>('/places', place, { 'Idempotency-Key': key });
      await best('').refresh();
    },
    async rate(id, stars) {
      const rated = await api.putFor<Place>(`/places/${id}/rating`, { stars });
      collection.patch(id, () => rated);
    },
  };
}
