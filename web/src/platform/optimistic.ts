import { createLatestWins } from './latestWins';
import type { Identified } from './paging';

/**
 * A change that shows at once and is made true afterwards: like, follow, RSVP.
 * While it is on its way the shown item is ahead of the server's; when it is refused, what was true comes back.
 */
export interface Optimistic<V> {
  set(id: string, value: V): void;
  busy(id: string): boolean;
}

export function createOptimistic<T extends Identified, V, R>(rules: {
  find(id: string): T | null;
  patch(id: string, change: (item: T) => T): void;
  /** The item as it will be. */
  apply(item: T, value: V): T;
  send(id: string, value: V): Promise<R>;
  /** The item with what the server answered. */
  settle?(item: T, result: R): T;
  /** The item with this change's fields as they were in `before`. */
  restore(item: T, before: T): T;
  settled?(id: string, value: V): void;
  failed(problem: unknown): void;
}): Optimistic<V> {
  const before = new Map<string, T>();
  const sending = createLatestWins<V, R>({
    send: rules.send,
    settled(id, value, result) {
      before.delete(id);
      if (rules.settle) rules.patch(id, (item) => rules.settle!(item, result));
      rules.settled?.(id, value);
    },
    failed(id, problem) {
      const kept = before.get(id);
      before.delete(id);
      if (kept) rules.patch(id, (item) => rules.restore(item, kept));
      rules.failed(problem);
    },
  });

  return {
    set(id, value) {
      const item = rules.find(id);
      if (item && !sending.busy(id)) before.set(id, item);
      rules.patch(id, (shown) => rules.apply(shown, value));
      sending.set(id, value);
    },
    busy: sending.busy,
  };
}
