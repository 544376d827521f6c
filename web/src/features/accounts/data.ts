/** What belongs to the member: taking it along, and leaving. */
import type { Api, components } from 'mundo-tango-client';
import { asProblem } from 'mundo-tango-client';

export type Deletion = components['schemas']['AccountDeletion'];

export interface OwnData {
  /** Everything, as the text of one JSON document. */
  export(): Promise<string>;
  /** When the account will end; null when nobody asked for it. */
  deletion(): Promise<Deletion | null>;
  ask(username: string): Promise<Deletion>;
  takeBack(): Promise<void>;
}

export function createOwnData(api: Api): OwnData {
  return {
    export: async () => JSON.stringify(await api.get<object>('/me/export'), null, 1),
    async deletion() {
      try {
        return await api.get<Deletion>('/me/deletion');
      } catch (cause) {
        if (asProblem(cause).code === 'not_found') return null;
        throw cause;
      }
    },
    ask: (username) => api.putFor<Deletion>('/me/deletion', { username }),
    takeBack: () => api.delete('/me/deletion'),
  };
}
