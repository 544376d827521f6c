import type { Api, components } from 'mundo-tango-client';
import type { Collection } from '../../platform/collection';
import { createOptimistic, type Optimistic } from '../../platform/optimistic';
import type { Post } from '../posts/posts';

export type ReactionType = components['schemas']['ReactionType'];
type ReactionSummary = components['schemas']['ReactionSummary'];

/** In the order of the menu; the first is the one tap. */
export const REACTIONS: readonly ReactionType[] = ['like', 'love', 'laugh', 'sad', 'angry', 'dislike'];

/** Sets or takes back (null) the member's one reaction to a post. */
export type Reactions = Optimistic<ReactionType | null>;

export function createReactions(options: {
  api: Api;
  posts: () => Collection<Post>;
  failed: (problem: unknown) => void;
}): Reactions {
  const { api, posts } = options;
  return createOptimistic<Post, ReactionType | null, ReactionSummary | null>({
    find: (id) => posts().find(id),
    patch: (id, change) => posts().patch(id, change),
    apply: applyReaction,
    async send(id, type) {
      if (type !== null) return api.post<ReactionSummary>(`/posts/${id}/reactions`, { type });
      await api.delete(`/posts/${id}/reactions`);
      return null;
    },
    settle: (post, summary) =>
      summary === null
        ? post
        : { ...post, reaction: summary.reaction, like_count: summary.like_count, liked_by_me: summary.liked_by_me },
    restore: (post, before) => ({
      ...post,
      reaction: before.reaction,
      like_count: before.like_count,
      liked_by_me: before.liked_by_me,
    }),
    failed: options.failed,
  });
}

/** `like_count` counts members who reacted, whichever way. */
export function applyReaction(post: Post, type: ReactionType | null): Post {
  const had = post.liked_by_me || post.reaction !== null;
  const step = Number(type !== null) - Number(had);
  return { ...post, reaction: type, liked_by_me: type !== null, like_count: Math.max(0, post.like_count + step) };
}
