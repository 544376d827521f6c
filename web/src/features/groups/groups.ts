import type { Api, components } from 'mundo-tango-client';
import { createCollection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';

export type Group = components['schemas']['Group'];
export type CityGroup = components['schemas']['CityGroup'];
export type GroupKind = components['schemas']['GroupKind'];
export type GroupVisibility = components['schemas']['GroupVisibility'];
type GroupMember = components['schemas']['GroupMember'];
type CityConnection = components['schemas']['CityConnection'];
/** A list needs an id for each of its items. */
export type ListedMember = GroupMember & { id: string };

export const KINDS: readonly GroupKind[] = ['city', 'community', 'interest', 'role'];

export interface NewGroup {
  name: string;
  kind: 'community' | 'interest';
  visibility: GroupVisibility;
  description: string;
}

export interface Groups {
  list(kind: GroupKind | ''): PagedList<Group>;
  mine(status: 'active' | 'invited'): PagedList<Group>;
  /** A list of one, by id or address. */
  one(name: string): PagedList<Group>;
  members(groupId: string, status: 'active' | 'requested'): PagedList<ListedMember>;
  /** All cities on the map. */
  cities: PagedList<CityGroup>;
  create(group: NewGroup): Promise<Group>;
  joinCity(city: string): Promise<Group>;
  join(group: Group): Promise<void>;
  leave(group: Group): Promise<void>;
  answer(groupId: string, memberId: string, accepted: boolean): Promise<void>;
}

export function createGroups(api: Api, failed: (problem: unknown) => void): Groups {
  const collection = createCollection<Group>();
  const people = createCollection<ListedMember>();
  const places = createCollection<CityGroup>();
  const mine = (status: 'active' | 'invited') =>
    collection.list(`mine ${status}`, (cursor) => api.get<Page<Group>>('/groups/mine', { status, limit: 20, cursor }));
  const cities = places.list('cities', (cursor) => api.get<Page<CityGroup>>('/groups/cities', { limit: 100, cursor }));
  const members = (groupId: string, status: 'active' | 'requested') =>
    people.list(`${status} ${groupId}`, async (cursor) => {
      const page = await api.get<Page<GroupMember>>(`/groups/${groupId}/members`, { status, limit: 20, cursor });
      return { ...page, items: page.items.map((found) => ({ ...found, id: found.member.id })) };
    });

  /** What others see of it as well may have changed: members, counts, one's own lists. */
  function show(group: Group): void {
    collection.patch(group.id, () => group);
    for (const list of [mine('active'), mine('invited')]) if (list.get().phase !== 'idle') void list.refresh();
    if (cities.get().phase !== 'idle') void cities.refresh();
    const shown = members(group.id, 'active');
    if (shown.get().phase !== 'idle') void shown.refresh();
  }

  return {
    list: (kind) =>
      collection.list(`kind ${kind}`, (cursor) => api.get<Page<Group>>('/groups', { kind, limit: 20, cursor })),
    mine,
    one: (name) =>
      collection.list(`one ${name}`, async () => ({
        items: [await api.get<Group>(`/groups/${encodeURIComponent(name)}`)],
        next_cursor: null,
      })),
    members,
    cities,
    async create(group) {
      const made = await api.post<Group>('/groups', group, { 'Idempotency-Key': crypto.randomUUID() });
      show(made);
      return made;
    },
    async joinCity(city) {
      const { group } = await api.putFor<CityConnection>('/groups/cities', { city });
      show(group);
      return group;
    },
    async join(group) {
      try {
        show(await api.putFor<Group>(`/groups/${group.id}/membership`));
      } catch (problem) {
        failed(problem);
      }
    },
    async leave(group) {
      try {
        await api.delete(`/groups/${group.id}/membership`);
        const was = group.my_status === 'active' ? 1 : 0;
        show({ ...group, my_status: null, my_role: null, member_count: group.member_count - was });
      } catch (problem) {
        failed(problem);
      }
    },
    async answer(groupId, memberId, accepted) {
      try {
        const path = `/groups/${groupId}/requests/${memberId}`;
        await (accepted ? api.put(path) : api.delete(path));
        people.remove(memberId);
        if (accepted) void members(groupId, 'active').refresh();
      } catch (problem) {
        failed(problem);
      }
    },
  };
}
