/**
 * Files on their way to the server, over tus: an upload that breaks off goes on where it stopped, after a tunnel, a
 * new token or a reload of the page (the address of an unfinished upload is remembered in this browser for the file).
 * One such list belongs to one form; what stands in it when the form is sent is named there by `mediaIds`.
 */
import { Upload, type DetailedError, type HttpRequest } from 'tus-js-client';
import { type Api, asProblem, type components, Problem, type TokenSource } from 'mundo-tango-client';
import { newKey } from '../../platform/ids';
import { createStore, type Readable } from '../../platform/store';

export type Media = components['schemas']['Media'];
export type MediaView = components['schemas']['MediaView'];

export interface Picked {
  key: string;
  name: string;
  /** What the browser shows while the server has nothing to show yet. */
  preview: string | null;
  phase: 'uploading' | 'looking' | 'ready' | 'failed';
  /** From 0 to 1. */
  progress: number;
  alt: string;
  media: Media | null;
  problem: Problem | null;
}

export interface Uploads extends Readable<readonly Picked[]> {
  add(files: Iterable<File>): void;
  /** Goes on where a failed upload stopped. */
  retry(key: string): void;
  remove(key: string): void;
  describe(key: string, alt: string): Promise<void>;
  /** Those that are ready, in their order; null while some are on their way or failed. */
  mediaIds(): string[] | null;
  /** The form was sent: what it named is not ours any more. */
  clear(): void;
}

/** What one thing may have. */
export const MOST = 10;
/** What the file dialog offers; the server decides by the bytes. */
export const ACCEPT = 'image/jpeg,image/png,image/webp,image/gif,video/mp4,video/quicktime,video/webm,audio/*';

const RETRY_MS = [0, 1_000, 3_000, 5_000, 10_000, 20_000];
const LOOK_MS = [150, 300, 500, 1_000];

type Start = (file: File, hear: Hear, tokens: TokenSource) => { abort(): void; go(): void };

export interface Hear {
  progress(share: number): void;
  done(mediaId: string): void;
  failed(problem: Problem): void;
}

export function createUploads(options: { api: Api; tokens: TokenSource; start?: Start }): Uploads {
  const { api, tokens, start = startTus } = options;
  const list = createStore<readonly Picked[]>([]);
  const running = new Map<string, { abort(): void; go(): void }>();

  function change(key: string, part: Partial<Picked>): void {
    list.set((all) => all.map((each) => (each.key === key ? { ...each, ...part } : each)));
  }

  const known = (key: string) => list.get().find((each) => each.key === key);

  async function look(key: string, id: string): Promise<void> {
    change(key, { phase: 'looking', progress: 1 });
    for (let n = 0; known(key); n += 1) {
      try {
        const media = await api.get<Media>(`/media/${id}`);
        if (media.status === 'ready') return change(key, { phase: 'ready', media });
        if (media.status === 'refused') {
          return change(key, { phase: 'failed', media, problem: new Problem({ status: 415, code: media.refusal! }) });
        }
      } catch (cause) {
        const problem = asProblem(cause);
        if (!problem.passing) return change(key, { phase: 'failed', problem });
      }
      await new Promise((later) => setTimeout(later, LOOK_MS[Math.min(n, LOOK_MS.length - 1)]));
    }
  }

  function forget(each: Picked): void {
    running.get(each.key)?.abort();
    running.delete(each.key);
    if (each.preview) URL.revokeObjectURL(each.preview);
  }

  return {
    get: list.get,
    subscribe: list.subscribe,
    add(files) {
      for (const file of [...files].slice(0, MOST - list.get().length)) {
        const key = newKey();
        const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : null;
        const picked: Picked = {
          key, name: file.name, preview, phase: 'uploading', progress: 0, alt: '', media: null, problem: null,
        };
        list.set((all) => [...all, picked]);
        const upload = start(
          file,
          {
            progress: (progress) => change(key, { progress }),
            done: (id) => void look(key, id),
            failed: (problem) => change(key, { phase: 'failed', problem }),
          },
          tokens,
        );
        running.set(key, upload);
        upload.go();
      }
    },
    retry(key) {
      change(key, { phase: 'uploading', problem: null });
      running.get(key)?.go();
    },
    remove(key) {
      const each = known(key);
      if (!each) return;
      forget(each);
      list.set((all) => all.filter((other) => other.key !== key));
      // The server forgets it after a day in any case.
      if (each.media) void api.delete(`/media/${each.media.id}`).catch(() => undefined);
    },
    async describe(key, alt) {
      const media = known(key)?.media;
      change(key, { alt });
      if (media) await api.patch<Media>(`/media/${media.id}`, { alt });
    },
    mediaIds() {
      const all = list.get();
      return all.every((each) => each.phase === 'ready') ? all.map((each) => each.media!.id) : null;
    },
    clear() {
      list.get().forEach(forget);
      list.set([]);
    },
  };
}

function startTus(file: File, hear: Hear, tokens: TokenSource): { abort(): void; go(): void } {
  let refused: string | null = null;

  async function authorize(request: HttpRequest): Promise<void> {
    let token = tokens.usableToken();
    if (token === null || token === refused) {
      await tokens.refresh(refused);
      token = tokens.usableToken();
    }
    request.setHeader('Authorization', `Bearer ${token ?? ''}`);
  }

  const upload = new Upload(file, {
    endpoint: '/api/v1/uploads',
    retryDelays: RETRY_MS,
    removeFingerprintOnSuccess: true,
    metadata: { filename: file.name },
    onBeforeRequest: authorize,
    onProgress: (sent, total) => hear.progress(total > 0 ? sent / total : 0),
    onShouldRetry(error) {
      const status = error.originalResponse?.getStatus() ?? 0;
      if (status === 401) refused = tokens.usableToken();
      return status === 0 || status === 401 || status === 409 || status === 429 || status >= 500;
    },
    onError: (error) => hear.failed(problemOf(error)),
    onSuccess: () => hear.done(upload.url!.split('/').at(-1)!),
  });
  return {
    abort: () => void upload.abort(false),
    go() {
      void upload.findPreviousUploads().then((previous) => {
        if (previous[0]) upload.resumeFromPreviousUpload(previous[0]);
        upload.start();
      });
    },
  };
}

/** The server's own word where there is one. */
export function problemOf(error: Error | DetailedError): Problem {
  const answer = 'originalResponse' in error ? error.originalResponse : null;
  if (!answer) return new Problem({ status: 0, code: 'network' });
  try {
    const said = JSON.parse(answer.getBody()) as { code?: string; detail?: string };
    return new Problem({ status: answer.getStatus(), code: said.code ?? 'unreadable', detail: said.detail });
  } catch {
    return new Problem({ status: answer.getStatus(), code: 'unreadable' });
  }
}
