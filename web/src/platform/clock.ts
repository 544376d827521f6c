import { useSyncExternalStore } from 'react';

/** The present, in steps of half a minute; one timer for all the "3 minutes ago" of a page. */
const STEP_MS = 30_000;
const listeners = new Set<() => void>();
let present = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(): number {
  return useSyncExternalStore(subscribe, () => present);
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    present = Date.now();
    timer = setInterval(() => {
      present = Date.now();
      for (const each of [...listeners]) each();
    }, STEP_MS);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}
