import { expect, it } from 'vitest';
import { type Api, Problem } from 'mundo-tango-client';
import { createSessions, type LivingSession } from './sessions';

const session = (id: string, used: string, current = false): LivingSession => ({
  id,
  current,
  label: '',
  device: 'Firefox on Linux',
  client: 'web',
  network: null,
  remembered: true,
  created_at: '2026-11-01T00:00:00Z',
  last_used_at: used,
  expires_at: '2026-12-01T00:00:00Z',
});

function setting() {
  let living = [
    session('old', '2026-11-02T00:00:00Z'),
    session('here', '2026-11-03T00:00:00Z', true),
    session('phone', '2026-11-04T00:00:00Z'),
  ];
  const asked: string[] = [];
  const api = {
    async get(path: string) {
      asked.push(`get ${path}`);
      return { items: living, next_cursor: null };
    },
    async patch(path: string) {
      asked.push(`patch ${path}`);
      return null;
    },
    async delete(path: string) {
      asked.push(`delete ${path}`);
      const id = path.split('/')[3];
      if (id && !living.some((each) => each.id === id)) throw new Problem({ status: 404, code: 'not_found' });
      const before = living.length;
      living = living.filter((each) => (id ? each.id !== id : each.current));
      return id ? null : { ended: before - living.length };
    },
  } as unknown as Api;
  const sessions = createSessions(api);
  return { sessions, asked, ids: () => sessions.list.get().items.map((each) => each.id), elsewhere: (id: string) => (living = living.filter((each) => each.id !== id)) };
}

it('shows this device first, then the last used', async () => {
  const { sessions, ids } = setting();
  await sessions.list.refresh();
  expect(ids()).toEqual(['here', 'phone', 'old']);
});

it('ends one, and all others', async () => {
  const { sessions, ids } = setting();
  await sessions.list.refresh();
  await sessions.end('old');
  expect(ids()).toEqual(['here', 'phone']);
  expect(await sessions.endOthers()).toBe(1);
  expect(ids()).toEqual(['here']);
});

it('shows what is true when one had ended already', async () => {
  const { sessions, ids, elsewhere } = setting();
  await sessions.list.refresh();
  elsewhere('old');
  await expect(sessions.end('old')).rejects.toMatchObject({ code: 'not_found' });
  expect(ids()).toEqual(['here', 'phone']);
});

it('keeps a new name', async () => {
  const { sessions, asked } = setting();
  await sessions.list.refresh();
  await sessions.rename('phone', 'Milonga phone');
  expect(asked.at(-1)).toBe('patch /me/sessions/phone');
  expect(sessions.list.get().items.find((each) => each.id === 'phone')?.label).toBe('Milonga phone');
});

it('reads again what somebody looks at, and nothing else', async () => {
  const { sessions, asked, ids, elsewhere } = setting();
  sessions.changed();
  expect(asked).toEqual([]);
  await sessions.list.refresh();
  const stop = sessions.list.subscribe(() => {});
  elsewhere('phone');
  sessions.changed();
  await sessions.list.refresh();
  expect(ids()).toEqual(['here', 'old']);
  stop();
});
