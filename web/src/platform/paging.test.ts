import { describe, expect, it } from 'vitest';
import { appendPage, createPagedList, insertNewest, mergeFresh, type Page } from './paging';

const item = (id: string, text = id) => ({ id, text });
const ids = (items: readonly { id: string }[]) => items.map((each) => each.id).join(' ');
const nothing = { arrived: new Set<string>(), removed: new Set<string>(), ahead: () => false };

describe('putting an item in', () => {
  it('keeps the newest first, wherever it belongs', () => {
    expect(ids(insertNewest([item('9'), item('5')], item('7'), 'keep'))).toBe('9 7 5');
    expect(ids(insertNewest([item('9'), item('5')], item('a'), 'keep'))).toBe('a 9 5');
    expect(ids(insertNewest([item('9'), item('5')], item('1'), 'keep'))).toBe('9 5 1');
  });

  it('never puts it in twice', () => {
    const shown = [item('9', 'mine'), item('5')];
    expect(insertNewest(shown, item('9', 'other'), 'keep')).toBe(shown);
    expect(insertNewest(shown, item('9', 'other'), 'replace')).toEqual([item('9', 'other'), item('5')]);
  });
});

it('adds a page without repeating what has slid down into it', () => {
  expect(ids(appendPage([item('9'), item('8')], [item('8'), item('7')]))).toBe('9 8 7');
});

describe('a first page fetched again', () => {
  it('goes before the older pages when it reaches them', () => {
    const merged = mergeFresh([item('5'), item('4'), item('3'), item('2')], 'after 2', { items: [item('6'), item('5'), item('4')], next_cursor: 'after 4' }, nothing);
    expect(ids(merged.items)).toBe('6 5 4 3 2');
    expect(merged.next_cursor).toBe('after 2');
  });

  it('replaces them when there is a gap between', () => {
    const merged = mergeFresh([item('2'), item('1')], null, { items: [item('9'), item('8')], next_cursor: 'after 8' }, nothing);
    expect(ids(merged.items)).toBe('9 8');
    expect(merged.next_cursor).toBe('after 8');
  });

  it('forgets what was deleted elsewhere', () => {
    const merged = mergeFresh([item('5'), item('4'), item('3')], 'after 3', { items: [item('5'), item('3')], next_cursor: 'after 3' }, nothing);
    expect(ids(merged.items)).toBe('5 3');
    expect(ids(mergeFresh([item('5')], null, { items: [], next_cursor: null }, nothing).items)).toBe('');
  });

  it('does not lose what arrived, nor bring back what was removed, while it was on its way', () => {
    const merged = mergeFresh([item('9'), item('5')], null, { items: [item('6'), item('5')], next_cursor: null }, { ...nothing, arrived: new Set(['9']), removed: new Set(['6']) });
    expect(ids(merged.items)).toBe('9 5');
  });

  it('leaves alone an item whose change is still on its way to the server', () => {
    const merged = mergeFresh([item('5', 'liked')], null, { items: [item('5', 'not yet')], next_cursor: null }, { ...nothing, ahead: (id) => id === '5' });
    expect(merged.items).toEqual([item('5', 'liked')]);
  });
});

describe('a list that loads itself', () => {
  function setting() {
    const waiting: { cursor: string | null; answer: (page: Page<{ id: string; text: string }>) => void; refuse: (cause: unknown) => void }[] = [];
    const list = createPagedList<{ id: string; text: string }>({
      fetchPage: (cursor) => new Promise((answer, refuse) => waiting.push({ cursor, answer, refuse })),
      now: () => 0,
    });
    const turn = async () => {
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
    };
    return { list, waiting, turn };
  }

  it('loads once however often it is shown', async () => {
    const { list, waiting, turn } = setting();
    list.ensure();
    list.ensure();
    waiting[0]!.answer({ items: [item('1')], next_cursor: null });
    await turn();
    list.ensure(Infinity);
    expect(waiting).toHaveLength(1);
    expect(list.get()).toMatchObject({ phase: 'ready', items: [item('1')] });
  });

  it('keeps what it shows when a later fetch fails', async () => {
    const { list, waiting, turn } = setting();
    list.ensure();
    waiting[0]!.answer({ items: [item('1')], next_cursor: null });
    await turn();
    void list.refresh();
    waiting[1]!.refuse(new Error('no'));
    await turn();
    expect(list.get()).toMatchObject({ phase: 'ready', items: [item('1')] });
  });

  it('fetches once more when asked during a fetch that may be too old', async () => {
    const { list, waiting, turn } = setting();
    list.ensure();
    void list.refresh();
    void list.refresh();
    waiting[0]!.answer({ items: [item('1')], next_cursor: null });
    await turn();
    expect(waiting).toHaveLength(2);
    waiting[1]!.answer({ items: [item('2'), item('1')], next_cursor: null });
    await turn();
    expect(ids(list.get().items)).toBe('2 1');
    expect(waiting).toHaveLength(2);
  });

  it('holds on to an item that comes while the first page is on its way', async () => {
    const { list, waiting, turn } = setting();
    list.ensure();
    list.insert(item('7'), 'keep');
    waiting[0]!.answer({ items: [item('5')], next_cursor: null });
    await turn();
    expect(ids(list.get().items)).toBe('7 5');
  });

  it('fetches a following page once, and offers it again after a failure', async () => {
    const { list, waiting, turn } = setting();
    list.ensure();
    waiting[0]!.answer({ items: [item('5')], next_cursor: 'c' });
    await turn();
    void list.loadMore();
    void list.loadMore();
    expect(waiting).toHaveLength(2);
    waiting[1]!.refuse(new Error('no'));
    await turn();
    expect(list.get()).toMatchObject({ more: 'failed', phase: 'ready' });
    void list.loadMore();
    waiting[2]!.answer({ items: [item('5'), item('4')], next_cursor: null });
    await turn();
    expect(waiting[2]!.cursor).toBe('c');
    expect(ids(list.get().items)).toBe('5 4');
    expect(list.get().next_cursor).toBeNull();
  });
});
