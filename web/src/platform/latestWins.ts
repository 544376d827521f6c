/**
 * Sends changes of one thing one after the other, and of several quick changes only the last.
 * For toggles a finger can hit faster than the network answers: like, follow, RSVP.
 */
export interface LatestWins<V> {
  set(id: string, value: V): void;
  /** True while a change of this thing is on its way: the local state is ahead of the server's. */
  busy(id: string): boolean;
}

export function createLatestWins<V, R>(rules: {
  send(id: string, value: V): Promise<R>;
  /** The last wish was carried out. */
  settled(id: string, value: V, result: R): void;
  /** The last wish was refused; the caller shows again what is true. */
  failed(id: string, problem: unknown): void;
}): LatestWins<V> {
  const wanted = new Map<string, { value: V }>();
  const running = new Set<string>();

  async function work(id: string): Promise<void> {
    running.add(id);
    for (;;) {
      const { value } = wanted.get(id)!;
      let outcome: { result: R } | { problem: unknown };
      try {
        outcome = { result: await rules.send(id, value) };
      } catch (problem) {
        outcome = { problem };
      }
      // A newer wish that asks for something else goes out next; the outcome of this one no longer matters.
      if (!Object.is(wanted.get(id)!.value, value)) continue;
      wanted.delete(id);
      running.delete(id);
      if ('result' in outcome) rules.settled(id, value, outcome.result);
      else rules.failed(id, outcome.problem);
      return;
    }
  }

  return {
    set(id, value) {
      wanted.set(id, { value });
      if (!running.has(id)) void work(id);
    },
    busy: (id) => running.has(id),
  };
}
