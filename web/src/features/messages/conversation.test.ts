import { describe, expect, it, vi } from 'vitest';
import { createConversation, merge, restarted, withoutSent, type Message } from './conversation';
import { Problem } from 'mundo-tango-client';

const said = (seq: number, more: Partial<Message> = {}): Message => ({
  id: `m${seq}`,
  room: 'chat:r',
  seq,
  sender: { id: 'ana', username: 'ana', display_name: 'Ana', is_verified: false },
  body: `message ${seq}`,
  client_id: null,
  reply_to_id: null,
  forwarded: false,
  created_at: '2026-11-23T12:00:00Z',
  edited_at: null,
  deleted: false,
  reactions: [],
  reaction: null,
  media: [],
  ...more,
});
const seqs = (messages: readonly Message[]) => messages.map((message) => message.seq);

describe('what was said', () => {
  it('stands in the order of the room, each once, in its newest version', () => {
    const merged = merge([said(1), said(3)], [said(2), said(3, { body: 'edited' })]);
    expect(seqs(merged)).toEqual([1, 2, 3]);
    expect(merged[2]!.body).toBe('edited');
  });

  it('keeps the older pages where a fresh page meets them', () => {
    const shown = { messages: [said(1), said(2), said(3)], older: 'before-1' };
    const fresh = restarted(shown, { items: [said(4), said(3)], next_cursor: 'before-3' });
    expect(seqs(fresh.messages)).toEqual([1, 2, 3, 4]);
    expect(fresh.older).toBe('before-1');
  });

  it('leaves no hole where it does not', () => {
    const shown = { messages: [said(1), said(2)], older: null };
    const fresh = restarted(shown, { items: [said(9), said(8)], next_cursor: 'before-8' });
    expect(seqs(fresh.messages)).toEqual([8, 9]);
    expect(fresh.older).toBe('before-8');
  });

  it('keeps what was heard while the page was on its way', () => {
    const shown = { messages: [said(7), said(9)], older: null };
    const fresh = restarted(shown, { items: [said(8), said(7)], next_cursor: null });
    expect(seqs(fresh.messages)).toEqual([7, 8, 9]);
  });
});

describe('a message on its way', () => {
  const draft = { client_id: 'c', body: 'hola', reply_to_id: null, problem: null };

  it('is done when its message comes, whichever way', () => {
    expect(withoutSent([draft], [said(1, { client_id: 'c' })], 'ana')).toEqual([]);
  });

  it("is not taken for another member's with the same name", () => {
    expect(withoutSent([draft], [said(1, { client_id: 'c' })], 'bruno')).toEqual([draft]);
  });
});

describe('a message on its way', () => {
  it('goes again when the first request breaks although the line is back', async () => {
    vi.useFakeTimers();
    const sent = said(1, { client_id: 'd1', body: 'I am in a tunnel.' });
    const post = vi.fn().mockRejectedValueOnce(new Problem({ status: 0, code: 'network' })).mockResolvedValueOnce(sent);
    const quiet = { on: () => () => {}, onOnline: () => () => {}, subscribe: () => () => {}, get: () => 'online' };
    const room = createConversation({
      api: { get: async () => ({ items: [], next_cursor: null }), post } as never,
      connection: quiet as never,
      streams: { follow: () => () => {} } as never,
      rooms: { members: async () => [] } as never,
      myId: sent.sender.id,
      roomId: 'r1',
      key: () => 'd1',
    });
    const close = room.open();
    room.send('I am in a tunnel.', null);
    await vi.advanceTimersByTimeAsync(500);
    expect(room.get().drafts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(600);
    expect(post).toHaveBeenCalledTimes(2);
    expect(room.get().drafts).toHaveLength(0);
    expect(room.get().messages.map(({ body }) => body)).toEqual(['I am in a tunnel.']);
    close();
    vi.useRealTimers();
  });
});
