import { expect, it, vi } from 'vitest';
import { type Api, Problem } from 'mundo-tango-client';
import { createUploads, problemOf, type Hear, type Media } from './uploads';

function stage(answers: Partial<Media>[]) {
  const heard: Hear[] = [];
  const deleted: string[] = [];
  const api = {
    get: vi.fn(async () => ({ id: 'm1', ...answers.shift()! })),
    patch: vi.fn(async () => ({})),
    delete: vi.fn(async (path: string) => void deleted.push(path)),
  } as unknown as Api;
  const go = vi.fn();
  const uploads = createUploads({
    api,
    tokens: { usableToken: () => 't', refresh: async () => 'renewed' },
    start: (_, hear) => {
      heard.push(hear);
      return { abort: vi.fn(), go };
    },
  });
  const file = new File(['x'], 'milonga.mp4', { type: 'video/mp4' });
  return { uploads, heard, deleted, go, file };
}

it('names what is ready, and nothing before', async () => {
  const { uploads, heard, file } = stage([{ status: 'processing' }, { status: 'ready' }]);
  uploads.add([file]);
  expect(uploads.mediaIds()).toBeNull();
  heard[0]!.progress(0.4);
  expect(uploads.get()[0]).toMatchObject({ phase: 'uploading', progress: 0.4 });
  heard[0]!.done('m1');
  await vi.waitFor(() => expect(uploads.mediaIds()).toEqual(['m1']));
});

it('goes on where a broken upload stopped', () => {
  const { uploads, heard, go, file } = stage([]);
  uploads.add([file]);
  heard[0]!.failed(new Problem({ status: 0, code: 'network' }));
  expect(uploads.get()[0]).toMatchObject({ phase: 'failed' });
  uploads.retry(uploads.get()[0]!.key);
  expect(uploads.get()[0]).toMatchObject({ phase: 'uploading', problem: null });
  expect(go).toHaveBeenCalledTimes(2);
  expect(heard.length, 'the same upload, not a new one').toBe(1);
});

it('tells why the server does not show a file', async () => {
  const { uploads, heard, file } = stage([{ status: 'refused', refusal: 'broken' }]);
  uploads.add([file]);
  heard[0]!.done('m1');
  await vi.waitFor(() => expect(uploads.get()[0]!.problem?.code).toBe('broken'));
  expect(uploads.mediaIds()).toBeNull();
});

it('takes ten at most, and lets one go', async () => {
  const { uploads, heard, deleted, file } = stage([{ status: 'ready' }]);
  uploads.add(Array.from({ length: 12 }, () => file));
  expect(uploads.get().length).toBe(10);
  heard[0]!.done('m1');
  await vi.waitFor(() => expect(uploads.get()[0]!.phase).toBe('ready'));
  uploads.remove(uploads.get()[0]!.key);
  expect(deleted).toEqual(['/media/m1']);
  expect(uploads.get().length).toBe(9);
});

it('reads the reason out of an answer', () => {
  const answer = { getStatus: () => 409, getBody: () => '{"code":"quota_exceeded","detail":"Full."}' };
  const error = Object.assign(new Error('x'), { originalResponse: answer });
  expect(problemOf(error as never)).toMatchObject({ status: 409, code: 'quota_exceeded', detail: 'Full.' });
  expect(problemOf(new Error('x')).code).toBe('network');
});
