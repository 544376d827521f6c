import { describe, expect, it } from 'vitest';
import { createCollection } from '../../platform/collection';
import type { Api } from 'mundo-tango-client';
import { fromPush } from '../feed/feed';
import type { Post } from '../posts/posts';
import { applyReaction, createReactions, type ReactionType } from './reactions';

const POST: Post = {
  ...fromPush({
    id: 'p',
    body: 'hola',
    created_at: '2026-11-23T10:00:00Z',
    author: { id: 'ana', username: 'ana', display_name: 'Ana', is_verified: false },
  }),
  like_count: 3,
};
const turn = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

it('counts a member once, whatever they choose', () => {
  const loved = applyReaction(POST, 'love');
  expect(loved).toMatchObject({ reaction: 'love', liked_by_me: true, like_count: 4 });
  expect(applyReaction(loved, 'sad')).toMatchObject({ reaction: 'sad', like_count: 4 });
  expect(applyReaction(loved, null)).toMatchObject({ reaction: null, liked_by_me: false, like_count: 3 });
});

describe('a reaction', () => {
  async function setting() {
    const sent: { what: string; answer: (result?: unknown) => void; refuse: (cause: unknown) => void }[] = [];
    const wait = (what: string) => new Promise((answer, refuse) => sent.push({ what, answer, refuse }));
    const api = {
      post: (_path: string, { type }: { type: ReactionType }) => wait(type),
      delete: () => wait('none'),
    } as unknown as Api;
    const failures: unknown[] = [];
    const posts = createCollection<Post>((id) => reactions.busy(id));
    const reactions = createReactions({ api, posts: () => posts, failed: (problem) => failures.push(problem) });
    const feed = posts.list('feed', async () => ({ items: [POST], next_cursor: null }));
    const profile = posts.list('profile', async () => ({ items: [POST], next_cursor: null }));
    await Promise.all([feed.refresh(), profile.refresh()]);
    return { reactions, feed, profile, sent, failures, shown: () => feed.get().items[0]! };
  }

  it('shows at once, wherever the post stands, and takes the count of the server', async () => {
    const { reactions, shown, profile, sent } = await setting();
    reactions.set('p', 'like');
    expect(shown()).toMatchObject({ reaction: 'like', like_count: 4 });
    expect(profile.get().items[0]).toMatchObject({ reaction: 'like', like_count: 4 });
    sent[0]!.answer({ reaction: 'like', like_count: 12, liked_by_me: true });
    await turn();
    expect(shown()).toMatchObject({ reaction: 'like', like_count: 12 });
  });

  it('is taken back when the server refuses it', async () => {
    const { reactions, shown, sent, failures } = await setting();
    reactions.set('p', 'like');
    sent[0]!.refuse(new Error('no'));
    await turn();
    expect(shown()).toEqual(POST);
    expect(failures).toHaveLength(1);
  });

  it('tapped many times sends the last wish only, one after the other', async () => {
    const { reactions, shown, sent } = await setting();
    reactions.set('p', 'like');
    reactions.set('p', null);
    reactions.set('p', 'love');
    expect(sent.map(({ what }) => what)).toEqual(['like']);
    sent[0]!.answer({ reaction: 'like', like_count: 4, liked_by_me: true });
    await turn();
    expect(sent.map(({ what }) => what)).toEqual(['like', 'love']);
    expect(shown().reaction).toBe('love');
    sent[1]!.refuse(new Error('no'));
    await turn();
    expect(shown()).toEqual(POST);
  });

  it('is not undone by a feed fetched meanwhile', async () => {
    const { reactions, feed, shown, sent } = await setting();
    reactions.set('p', 'like');
    await feed.refresh();
    expect(shown().reaction).toBe('like');
    sent[0]!.answer({ reaction: 'like', like_count: 4, liked_by_me: true });
    await turn();
    expect(shown()).toMatchObject({ reaction: 'like', like_count: 4 });
  });
});
