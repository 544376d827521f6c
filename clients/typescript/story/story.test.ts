/** The client against a running server: `MUNDO_URL` and an account in `MUNDO_EMAIL`, `MUNDO_PASSWORD`. Skipped without. */
import { createClient, Problem, type SavedSession } from 'mundo-tango-client';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';

const { MUNDO_URL: url = '', MUNDO_EMAIL: email = '', MUNDO_PASSWORD: password = '' } = process.env;

describe.skipIf(url === '')('a program', () => {
  it('logs in, reads, writes once, and goes on in a later run', async () => {
    const kept: (SavedSession | null)[] = [];
    const first = createClient({ url, save: (session) => kept.push(session) });
    await first.session.logIn({ email, password });
    const key = crypto.randomUUID();
    const options = { body: { body: 'La cumparsita' }, idempotencyKey: key };
    const [post, again] = [await first.post('/posts', options), await first.post('/posts', options)];
    expect(again.id).toBe(post.id);
    const found = await first.get('/posts/{post_id}', { path: { post_id: post.id } });
    expect(found.body).toBe('La cumparsita');

    const later = createClient({ url, saved: kept.at(-1), save: (session) => kept.push(session) });
    const feeds = await Promise.all(Array.from({ length: 10 }, () => later.get('/feed', { query: { limit: 1 } })));
    expect(feeds.every((feed) => feed.items[0]?.id === post.id)).toBe(true);
    expect(kept).toHaveLength(2);
    await later.delete('/posts/{post_id}', { path: { post_id: post.id } });
    const gone = later.get('/posts/{post_id}', { path: { post_id: post.id } });
    await expect(gone).rejects.toSatisfy((cause) => cause instanceof Problem && cause.code === 'not_found');
    await later.session.logOut();
    expect(kept.at(-1)).toBeNull();
  });

  it('talks and hears in a room, also what it missed', async () => {
    const tango = createClient({ url });
    await tango.session.logIn({ email, password });
    const room = await tango.post('/rooms', { body: { title: 'Scripts', member_ids: [] } });
    const heard: string[] = [];
    tango.live.on('message:new', (message) => heard.push(message.body));
    tango.live.open();
    await vi.waitFor(() => expect(tango.live.get()).toBe('online'), 10_000);
    const joined = vi.fn();
    const stop = tango.streams.follow(`chat:${room.id}`, () => heard.push('start over'), joined);
    await vi.waitFor(() => expect(joined).toHaveBeenCalledOnce(), 10_000);
    const ack = await tango.live.say('message:send', { room: room.name, body: 'one' });
    expect(ack).toMatchObject({ ok: true });
    await vi.waitFor(() => expect(heard).toEqual(['one']), 10_000);
    await expect(tango.live.say('message:send', { room: room.name, body: '' })).rejects.toBeInstanceOf(Problem);

    // The line is gone while somebody speaks.
    tango.live.close();
    await tango.post('/rooms/{room}/messages', { path: { room: room.id }, body: { body: 'two' } });
    tango.live.open();
    await vi.waitFor(() => expect(heard).toEqual(['one', 'two']), 10_000);
    stop();
    tango.live.close();
    await tango.session.logOut();
  }, 40_000);

  it('does what its first page promises', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const [, script] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(script!.trim().split('\n').filter((line) => line !== '').length).toBeLessThanOrEqual(10);
    const folder = mkdtempSync(join(tmpdir(), 'quick-start-'));
    const file = join(folder, 'quickstart.ts');
    const own = script!
      .replace('http://127.0.0.1:5000', url)
      .replace('ana@example.test', email)
      .replace('a good password', password);
    writeFileSync(file, `${own}\ntango.live.close();\n`);
    const said = vi.spyOn(console, 'log').mockImplementation(() => {});
    await import(/* @vite-ignore */ file);
    expect(said.mock.calls.at(-1)?.[0]).toBe('published');
    rmSync(folder, { recursive: true });
  });
});
