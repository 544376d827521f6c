import { describe, expect, it } from 'vitest';
import type { Api } from 'mundo-tango-client';
import type { Page } from '../../platform/paging';
import { createPosts, type Post } from '../posts/posts';
import { createPublishing } from '../posts/publishing';
import { createFeed, fromPush, readPush, type PushedPost } from './feed';

const ANA = { id: 'ana', username: 'ana', display_name: 'Ana', is_verified: false };
const ME = { id: 'me', username: 'me', display_name: 'Me', is_verified: false };
const push = (id: string, body = id, author = ANA): PushedPost => ({ id, body, author, created_at: '2026-11-23T10:00:00Z' });
const turn = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

/** A feed over a server whose answers wait until the test lets them go. */
function setting() {
  const pages: ((page: Page<Post>) => void)[] = [];
  const published: { headers: Record<string, string> | undefined; answer: (post: Post) => void; refuse: (cause: unknown) => void }[] = [];
  const api = {
    get: () => new Promise((answer) => pages.push(answer as (page: Page<Post>) => void)),
    post: (_path: string, _body: unknown, headers?: Record<string, string>) =>
      new Promise((answer, refuse) => published.push({ headers, answer: answer as (post: Post) => void, refuse })),
  } as unknown as Api;
  const posts = createPosts(api, () => false);
  const publishing = createPublishing({ api, published: (post) => feed.publish(post) });
  const feed = createFeed({ api, posts, own: (each) => each.author.id === ME.id && publishing.expects(each.body) });
  const heard: string[] = [];
  feed.onArrival((post) => heard.push(post.id));
  const shown = () => feed.list.get().items.map((post) => post.id).join(' ');
  const load = async (...items: Post[]) => {
    feed.list.ensure();
    pages.shift()!({ items, next_cursor: null });
    await turn();
  };
  return { feed, posts, publishing, pages, published, heard, shown, load };
}

describe('a push', () => {
  it('goes on top while the top is in view', async () => {
    const { feed, shown, heard, load } = setting();
    await load(fromPush(push('3')));
    feed.setReading(true);
    feed.arrive(push('5'));
    expect(shown()).toBe('5 3');
    expect(heard).toEqual(['5']);
  });

  it('waits while the reader is elsewhere, and shows when they come back', async () => {
    const { feed, shown, load } = setting();
    await load(fromPush(push('3')));
    feed.arrive(push('5'));
    feed.arrive(push('6'));
    expect(shown()).toBe('3');
    expect(feed.waiting.get()).toHaveLength(2);
    feed.setReading(true);
    expect(shown()).toBe('6 5 3');
    expect(feed.waiting.get()).toHaveLength(0);
  });

  it('that comes twice, or after the page that has it, counts once', async () => {
    const { feed, shown, heard, load } = setting();
    await load(fromPush(push('3')));
    feed.arrive(push('3'));
    feed.arrive(push('5'));
    feed.arrive(push('5'));
    feed.setReading(true);
    feed.arrive(push('5'));
    expect(shown()).toBe('5 3');
    expect(heard).toEqual(['5']);
  });

  it('no longer waits when a fetched page has brought it', async () => {
    const { feed, shown, pages, load } = setting();
    await load(fromPush(push('3')));
    feed.arrive(push('5'));
    void feed.list.refresh();
    pages.shift()!({ items: [fromPush(push('5')), fromPush(push('3'))], next_cursor: null });
    await turn();
    expect(shown()).toBe('5 3');
    expect(feed.waiting.get()).toHaveLength(0);
  });

  it('survives a refetch that began before it', async () => {
    const { feed, shown, pages, load } = setting();
    await load(fromPush(push('3')));
    feed.setReading(true);
    void feed.list.refresh();
    feed.arrive(push('5'));
    pages.shift()!({ items: [fromPush(push('3'))], next_cursor: null });
    await turn();
    expect(shown()).toBe('5 3');
  });

  it('does not take back the reactions of the version that is shown', async () => {
    const { feed, load } = setting();
    await load({ ...fromPush(push('3')), like_count: 4, liked_by_me: true, reaction: 'like' });
    feed.setReading(true);
    feed.arrive(push('3'));
    expect(feed.list.get().items[0]).toMatchObject({ like_count: 4, reaction: 'like' });
  });

  it('is read with care', () => {
    expect(readPush({ post: push('1') })).toEqual(push('1'));
    for (const bad of [null, {}, { post: null }, { post: { id: '1' } }, 'post']) expect(readPush(bad)).toBeNull();
  });
});

describe("one's own post", () => {
  it('shows once when the push comes before the answer', async () => {
    const { feed, publishing, published, shown, heard, load } = setting();
    await load();
    feed.setReading(true);
    publishing.publish(' hola ');
    feed.arrive(push('5', 'hola', ME));
    expect(shown()).toBe('');
    published[0]!.answer(fromPush(push('5', 'hola', ME)));
    await turn();
    expect(shown()).toBe('5');
    expect(publishing.get()).toHaveLength(0);
    expect(heard).toEqual([]);
  });

  it('shows once when the push comes after the answer, or from another device', async () => {
    const { feed, publishing, published, shown, load } = setting();
    await load();
    feed.setReading(true);
    publishing.publish('hola');
    published[0]!.answer(fromPush(push('5', 'hola', ME)));
    await turn();
    feed.arrive(push('5', 'hola', ME));
    feed.arrive(push('6', 'from the phone', ME));
    expect(shown()).toBe('6 5');
  });

  it('replaces the version a push has brought', async () => {
    const { feed, load } = setting();
    await load();
    feed.setReading(true);
    feed.arrive(push('5', 'hola', ME));
    feed.publish({ ...fromPush(push('5', 'hola', ME)), comment_count: 2 });
    expect(feed.list.get().items).toHaveLength(1);
    expect(feed.list.get().items[0]!.comment_count).toBe(2);
  });

  it('is tried again under the same key', async () => {
    const { publishing, published, shown, load } = setting();
    await load();
    publishing.publish('hola');
    published[0]!.refuse(new Error('lost'));
    await turn();
    const [draft] = publishing.get();
    expect(draft!.problem).not.toBeNull();
    publishing.retry(draft!.key);
    expect(publishing.get()[0]!.problem).toBeNull();
    published[1]!.answer(fromPush(push('5', 'hola', ME)));
    await turn();
    expect(published.map(({ headers }) => headers!['Idempotency-Key'])).toEqual([draft!.key, draft!.key]);
    expect(shown()).toBe('5');
    expect(publishing.get()).toHaveLength(0);
  });
});
