/**
 * Posts on their way to the server. Each has one Idempotency-Key for its life, so that a lost answer and a second
 * try make one post.
 */
import { type Api, asProblem, type Problem } from 'mundo-tango-client';
import { newKey } from '../../platform/ids';
import { createStore, type Readable } from '../../platform/store';
import type { Post } from './posts';

export interface Draft {
  key: string;
  body: string;
  /** Null while it is on its way. */
  problem: Problem | null;
}

export interface Publishing extends Readable<readonly Draft[]> {
  publish(body: string): void;
  retry(key: string): void;
  /** Takes a failed draft out of the queue; its text goes back into the box, or away. */
  discard(key: string): void;
  /** True when this body is on its way: its post may come as a push before its own answer. */
  expects(body: string): boolean;
}

export function createPublishing(options: { api: Api; published: (post: Post) => void }): Publishing {
  const drafts = createStore<readonly Draft[]>([]);

  async function send(key: string): Promise<void> {
    const draft = drafts.get().find((each) => each.key === key);
    if (!draft) return;
    mark(key, null);
    try {
      const post = await options.api.post<Post>('/posts', { body: draft.body }, { 'Idempotency-Key': key });
      options.published(post);
      discard(key);
    } catch (cause) {
      mark(key, asProblem(cause));
    }
  }

  function mark(key: string, problem: Problem | null): void {
    drafts.set((all) => all.map((draft) => (draft.key === key ? { ...draft, problem } : draft)));
  }

  function discard(key: string): void {
    drafts.set((all) => all.filter((draft) => draft.key !== key));
  }

  return {
    get: drafts.get,
    subscribe: drafts.subscribe,
    publish(body) {
      const key = newKey();
      drafts.set((all) => [{ key, body: body.trim(), problem: null }, ...all]);
      void send(key);
    },
    retry: (key) => void send(key),
    discard,
    expects: (body) => drafts.get().some((draft) => draft.body === body),
  };
}
