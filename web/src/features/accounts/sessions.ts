/** Where the member is logged in, and what happened to the account. */
import type { Api, components } from 'mundo-tango-client';
import { createPagedList, type Page, type PagedList } from '../../platform/paging';

export type LivingSession = components['schemas']['SessionView'];
export type SecurityLogEntry = components['schemas']['SecurityLogEntry'];

export interface Sessions {
  /** The current one first, then the last used. */
  list: PagedList<LivingSession>;
  log: PagedList<SecurityLogEntry>;
  rename(id: string, label: string): Promise<void>;
  end(id: string): Promise<void>;
  /** Answers how many ended. */
  endOthers(): Promise<number>;
  /** Something changed somewhere else: what is on the screen is read again. */
  changed(): void;
}

export function createSessions(api: Api): Sessions {
  const list = createPagedList<LivingSession>({
    fetchPage: async () => {
      const page = await api.get<Page<LivingSession>>('/me/sessions');
      return { items: inOrder(page.items), next_cursor: null };
    },
  });
  const log = createPagedList<SecurityLogEntry>({
    fetchPage: (cursor) => api.get<Page<SecurityLogEntry>>('/me/security-log', { limit: 25, cursor }),
  });
  return {
    list,
    log,
    async rename(id, label) {
      await api.patch(`/me/sessions/${id}`, { label });
      list.patch(id, (session) => ({ ...session, label }));
    },
    async end(id) {
      try {
        await api.delete(`/me/sessions/${id}`);
      } catch (cause) {
        // It may have ended a moment ago by itself; the fresh list tells.
        await list.refresh();
        throw cause;
      }
      list.remove(id);
    },
    async endOthers() {
      const { ended } = await api.delete<components['schemas']['EndedSessions']>('/me/sessions');
      await list.refresh();
      return ended;
    },
    changed() {
      for (const each of [list, log]) if (each.watched()) void each.refresh();
    },
  };
}

export function inOrder(sessions: readonly LivingSession[]): LivingSession[] {
  return sessions.toSorted(
    (a, b) => Number(b.current) - Number(a.current) || Date.parse(b.last_used_at) - Date.parse(a.last_used_at),
  );
}
