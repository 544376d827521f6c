import { type Api, asProblem, type components } from 'mundo-tango-client';
import { createCollection, type Collection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';

export type Post = components['schemas']['Post'];

export const BODY_CHARS = 5_000;

export interface Posts {
  collection: Collection<Post>;
  byAuthor(memberId: string): PagedList<Post>;
  /** A list of one. */
  one(id: string): PagedList<Post>;
  /** The post as the server has it now, with the tag that an edit must name. */
  forEditing(id: string): Promise<{ post: Post; etag: string | null }>;
  edit(id: string, body: string, etag: string | null): Promise<void>;
  remove(id: string): Promise<void>;
}

export function createPosts(api: Api, ahead: (id: string) => boolean): Posts {
  const collection = createCollection<Post>(ahead);
  return {
    collection,
    byAuthor: (memberId) =>
      collection.list(`by ${memberId}`, (cursor) =>
        api.get<Page<Post>>('/posts', { author_id: memberId, limit: 20, cursor }),
      ),
    one: (id) =>
      collection.list(`one ${id}`, async () => ({
        items: [await api.get<Post>(`/posts/${encodeURIComponent(id)}`)],
        next_cursor: null,
      })),
    async forEditing(id) {
      const { data, etag } = await api.getTagged<Post>(`/posts/${id}`);
      return { post: data, etag };
    },
    async edit(id, body, etag) {
      const edited = await api.patch<Post>(`/posts/${id}`, { body }, etag ? { 'If-Match': etag } : undefined);
      collection.patch(id, () => edited);
    },
    async remove(id) {
      try {
        await api.delete(`/posts/${id}`);
      } catch (cause) {
        // Deleted already, perhaps by the answer that was lost a moment ago.
        if (asProblem(cause).status !== 404) throw cause;
      }
      collection.remove(id);
    },
  };
}

/** What the server counts: Unicode characters, without the white space around. */
export function bodyLength(body: string): number {
  return [...body.trim()].length;
}

export type BodyPart = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

/** Splits plain text at its web addresses; punctuation that ends a sentence is not part of an address. */
export function bodyParts(body: string): BodyPart[] {
  const parts: BodyPart[] = [];
  let from = 0;
  for (const match of body.matchAll(/https?:\/\/[^\s<>"']+/gi)) {
    const href = match[0].replace(/[.,;:!?)\]}…]+$/, '');
    if (!URL.canParse(href)) continue;
    if (match.index > from) parts.push({ kind: 'text', text: body.slice(from, match.index) });
    parts.push({ kind: 'link', text: href, href });
    from = match.index + href.length;
  }
  if (from < body.length) parts.push({ kind: 'text', text: body.slice(from) });
  return parts;
}
