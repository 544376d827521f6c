import type { Readable } from 'mundo-tango-client';
import { useSyncExternalStore } from 'react';

export { createStore, type Readable, type Store } from 'mundo-tango-client';

export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
