/** Whom the member blocked and muted. */
import type { Api, components } from 'mundo-tango-client';
import type { Page } from '../../platform/paging';

export type Block = components['schemas']['Block'];
export type Mute = components['schemas']['Mute'];

export interface Blocks {
  blocked(): Promise<readonly Block[]>;
  muted(): Promise<readonly Mute[]>;
  set(kind: 'blocks' | 'mutes', memberId: string, on: boolean): Promise<void>;
}

export function createBlocks(api: Api): Blocks {
  return {
    blocked: async () => (await api.get<Page<Block>>('/blocks', { limit: 100 })).items,
    muted: async () => (await api.get<Page<Mute>>('/mutes', { limit: 100 })).items,
    set: (kind, memberId, on) => (on ? api.put(`/${kind}/${memberId}`) : api.delete(`/${kind}/${memberId}`)),
  };
}
