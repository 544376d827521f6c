import type { Api } from 'mundo-tango-client';
import { createOptimistic } from '../../platform/optimistic';
import type { Page, PagedList } from '../../platform/paging';
import type { Member, Members } from '../members/members';

export interface Follows {
  set(memberId: string, following: boolean): void;
  busy(memberId: string): boolean;
  followers(memberId: string): PagedList<Member>;
  following(memberId: string): PagedList<Member>;
}

export function createFollows(options: {
  api: Api;
  members: () => Members;
  myId: string;
  /** The feed now holds other members' posts than before. */
  changed: () => void;
  failed: (problem: unknown) => void;
}): Follows {
  const { api, members, myId } = options;
  const list = (kind: 'followers' | 'following', memberId: string) =>
    members().collection.list(`${kind} ${memberId}`, (cursor) =>
      api.get<Page<Member>>(`/follows/${kind}`, { member_id: memberId, limit: 20, cursor }),
    );

  const change = createOptimistic<Member, boolean, void>({
    find: (id) => members().collection.find(id),
    patch: (id, next) => members().collection.patch(id, next),
    apply: applyFollow,
    send: (id, following) => (following ? api.put(`/follows/${id}`) : api.delete(`/follows/${id}`)),
    restore: (member, before) => ({
      ...member,
      followed_by_me: before.followed_by_me,
      follower_count: before.follower_count,
    }),
    settled(_, following) {
      const step = following ? 1 : -1;
      members().collection.patch(myId, (me) => ({ ...me, following_count: Math.max(0, me.following_count + step) }));
      options.changed();
    },
    failed: options.failed,
  });

  return {
    set: change.set,
    busy: change.busy,
    followers: (memberId) => list('followers', memberId),
    following: (memberId) => list('following', memberId),
  };
}

export function applyFollow(member: Member, following: boolean): Member {
  if (member.followed_by_me === following) return member;
  return {
    ...member,
    followed_by_me: following,
    follower_count: Math.max(0, member.follower_count + (following ? 1 : -1)),
  };
}
