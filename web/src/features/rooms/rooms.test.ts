import { describe, expect, it } from 'vitest';
import { hear, latestFirst, type NewPush, type Room } from './rooms';

const room = (more: Partial<Room> = {}): Room => ({
  id: '01',
  name: 'chat:01',
  kind: 'group',
  slug: null,
  title: 'Encuentro',
  other: null,
  member_count: 2,
  membership: { role: 'member', status: 'joined', muted: false, silenced: false, read_seq: 3 },
  last_message: null,
  unread_count: 0,
  created_at: '2026-11-23T12:00:00Z',
  ...more,
});
const push = (seq: number, sender = 'bruno'): NewPush => ({
  id: `m${seq}`,
  body: 'hola',
  created_at: '2026-11-23T12:00:00Z',
  stream: 'chat:01',
  seq,
  sender: { id: sender, username: sender, display_name: sender, is_verified: false },
});

describe('a room in the list', () => {
  it('counts what others say until it is looked at', () => {
    const once = hear(room(), push(4), 'ana', false);
    expect(once.unread_count).toBe(1);
    expect(once.last_message?.body).toBe('hola');
    expect(hear(once, push(5), 'ana', false).unread_count).toBe(2);
    expect(hear(once, push(5), 'ana', true).unread_count).toBe(0);
    expect(hear(once, push(5, 'ana'), 'ana', false).unread_count).toBe(1);
  });

  it('counts nothing twice and nothing that was read', () => {
    const once = hear(room(), push(4), 'ana', false);
    expect(hear(once, push(4), 'ana', false)).toBe(once);
    expect(hear(room(), push(3), 'ana', false).unread_count).toBe(0);
  });

  it('stands where its news is', () => {
    const quiet = room({ id: '09' });
    const lively = hear(room({ id: '02' }), { ...push(4), id: '10' }, 'ana', false);
    expect(latestFirst([quiet, lively]).map((each) => each.id)).toEqual(['02', '09']);
  });
});
