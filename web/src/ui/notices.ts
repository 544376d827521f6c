import { asProblem, type Problem } from 'mundo-tango-client';
import { createStore, type Readable } from '../platform/store';

/** Something that went wrong away from the place where it was asked for; shown for a while at the edge of the page. */
export interface Notice {
  id: number;
  problem: Problem;
}

export interface Notices {
  troubles: Readable<readonly Notice[]>;
  /** What screen readers say next; nothing is shown. */
  said: Readable<{ id: number; text: string }>;
  say(text: string): void;
  trouble(cause: unknown): void;
  dismiss(id: number): void;
}

const SHOWN_MS = 8_000;
const MOST = 3;

export function createNotices(): Notices {
  const troubles = createStore<readonly Notice[]>([]);
  const said = createStore({ id: 0, text: '' });
  let next = 1;

  function dismiss(id: number): void {
    troubles.set((all) => all.filter((notice) => notice.id !== id));
  }

  return {
    troubles,
    said,
    say: (text) => said.set({ id: next++, text }),
    trouble(cause) {
      const problem = asProblem(cause);
      const id = next++;
      troubles.set((all) => [...all.filter((notice) => notice.problem.code !== problem.code), { id, problem }].slice(-MOST));
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    dismiss,
  };
}
