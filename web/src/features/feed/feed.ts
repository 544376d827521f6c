/**
 * The member's feed: their own posts and those of the members they follow, newest first, growing while it is open.
 *
 * A `post:new` push goes in at the top at once while the reader is at the top; otherwise it waits and is counted, so
 * that nothing moves under their eyes. Pushes are ephemeral: after each handshake the feed is fetched again.
 * A post never stands here twice, whichever of push, own answer and fetched page comes first.
 */
import type { Api } from 'mundo-tango-client';
import type { Page, PagedList } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';
import type { Post, Posts } from '../posts/posts';

/** What `post:new` carries of a post. */
export type PushedPost = Pick<Post, 'id' | 'author' | 'body' | 'created_at'>;

export interface Feed {
  list: PagedList<Post>;
  /** Posts that arrived and wait to be shown. */
  waiting: Readable<readonly Post[]>;
  arrive(push: PushedPost): void;
  /** The member's own post, as the server answered it. */
  publish(post: Post): void;
  reveal(): void;
  /** Told by the page: is the top of the feed in view? */
  setReading(atTop: boolean): void;
  /** Runs for every post that comes as a push, once. */
  onArrival(hear: (post: Post) => void): () => void;
}

export function createFeed(options: {
  api: Api;
  posts: Posts;
  /** True when this push is a post of this tab whose answer is still on its way. */
  own: (push: PushedPost) => boolean;
}): Feed {
  const { api, posts } = options;
  const list = posts.collection.list('feed', (cursor) => api.get<Page<Post>>('/feed', { limit: 20, cursor }));
  const waiting = createStore<readonly Post[]>([]);
  const hearers = new Set<(post: Post) => void>();
  let atTop = false;

  const known = (id: string) => [...list.get().items, ...waiting.get()].some((post) => post.id === id);

  // What a fetched page has brought waits no longer.
  list.subscribe(() => {
    const ids = new Set(list.get().items.map((post) => post.id));
    if (waiting.get().some((post) => ids.has(post.id))) {
      waiting.set((all) => all.filter((post) => !ids.has(post.id)));
    }
  });

  function reveal(): void {
    const revealed = waiting.get();
    waiting.set([]);
    for (const post of revealed) list.insert(post, 'keep');
  }

  return {
    list,
    waiting,
    arrive(push) {
      if (options.own(push) || known(push.id)) return;
      const post = fromPush(push);
      if (atTop) list.insert(post, 'keep');
      else waiting.set((all) => [post, ...all]);
      for (const hear of [...hearers]) hear(post);
    },
    publish(post) {
      waiting.set((all) => all.filter((other) => other.id !== post.id));
      list.insert(post, 'replace');
    },
    reveal,
    setReading(top) {
      atTop = top;
      if (top) reveal();
    },
    onArrival(hear) {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
  };
}

/** A post just published, as far as its push tells: nobody can have reacted yet. */
export function fromPush(push: PushedPost): Post {
  return {
    id: push.id,
    author: push.author,
    body: push.body,
    html: null,
    media: [],
    created_at: push.created_at,
    edited_at: null,
    visibility: 'public',
    kind: 'memory',
    group_id: null,
    place: null,
    emotions: [],
    hashtags: [],
    mentions: [],
    companions: [],
    companion_count: 0,
    like_count: 0,
    comment_count: 0,
    share_count: 0,
    liked_by_me: false,
    reaction: null,
    saved_by_me: false,
    is_withheld: false,
    shared_id: null,
    shared: null,
  };
}

/** Reads the payload of a `post:new` push; null when it is not one. */
export function readPush(payload: unknown): PushedPost | null {
  const post = (payload as { post?: Partial<PushedPost> } | null)?.post;
  return post?.id && post.author?.id && typeof post.body === 'string' && post.created_at ? (post as PushedPost) : null;
}
