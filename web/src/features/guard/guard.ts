/** Protected files, for staff: how they are, what was put back, what lies in the quarantine, the ledger. */
import { type Api, asProblem, type components, type Problem } from 'mundo-tango-client';
import type { Me } from '../accounts/session';
import { createPagedList, type Page, type PagedList } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';
import type { TextKey } from '../../platform/texts';

type Schemas = components['schemas'];
export type GuardView = Schemas['GuardView'];
export type GuardSuspect = Schemas['GuardSuspect'];
/** A line of the ledger has its number; lists know their items by `id`. */
type Line<T> = T & { id: string };
export type Restore = Line<Schemas['GuardRestore']>;
export type Quarantined = Line<Schemas['GuardQuarantined']>;
export type LedgerLine = Line<Schemas['GuardLine']>;

export interface GuardState {
  view: GuardView | null;
  problem: Problem | null;
}

export interface Guard {
  state: Readable<GuardState>;
  restores: PagedList<Restore>;
  quarantine: PagedList<Quarantined>;
  ledger: PagedList<LedgerLine>;
  refresh(): Promise<void>;
  /** Something happened: what is on the screen is read again. */
  changed(): void;
}

/** Whether the roles permit it; the server decides in any case. */
export function maySeeGuard(me: Me): boolean {
  return me.roles.some((role) => role === 'super_admin' || role === 'god');
}

export function createGuard(api: Api): Guard {
  const state = createStore<GuardState>({ view: null, problem: null });
  const list = <T extends { line: number }>(path: string): PagedList<Line<T>> =>
    createPagedList<Line<T>>({
      fetchPage: async (cursor) => {
        const page = await api.get<Page<T>>(path, { limit: 25, cursor });
        return { ...page, items: page.items.map((item) => ({ ...item, id: String(item.line) })) };
      },
    });
  const restores = list<Schemas['GuardRestore']>('/guard/restores');
  const quarantine = list<Schemas['GuardQuarantined']>('/guard/quarantine');
  const ledger = list<Schemas['GuardLine']>('/guard/ledger');
  let shown = false;

  async function refresh(): Promise<void> {
    shown = true;
    try {
      const view = await api.get<GuardView>('/guard');
      state.set({ view, problem: null });
    } catch (cause) {
      state.set(({ view }) => ({ view, problem: asProblem(cause) }));
    }
  }

  return {
    state,
    restores,
    quarantine,
    ledger,
    refresh,
    changed() {
      if (shown) void refresh();
      if (restores.watched()) void restores.refresh();
      if (quarantine.watched()) void quarantine.refresh();
      if (ledger.watched()) void ledger.refresh();
    },
  };
}

const FAULTS: Record<string, TextKey> = {
  missing: 'guard.fault.missing',
  emptied: 'guard.fault.emptied',
  replaced: 'guard.fault.replaced',
  blocked: 'guard.fault.blocked',
  linked: 'guard.fault.linked',
  corrupted: 'guard.fault.corrupted',
  mode: 'guard.fault.mode',
  unreadable: 'guard.fault.unreadable',
  too_large: 'guard.fault.too_large',
};

export function faultText(fault: string): TextKey {
  return FAULTS[fault] ?? 'guard.fault.other';
}

const KINDS: Record<string, TextKey> = {
  trusted: 'guard.kind.trusted',
  adopted: 'guard.kind.adopted',
  dormant: 'guard.kind.dormant',
  start: 'guard.kind.start',
  quarantined: 'guard.kind.quarantined',
  restored: 'guard.kind.restored',
  trouble: 'guard.kind.trouble',
  draft: 'guard.kind.draft',
  settled: 'guard.kind.settled',
  edit_opened: 'guard.kind.edit_opened',
  edit_closed: 'guard.kind.edit_closed',
  incident: 'guard.kind.incident',
  healed: 'guard.kind.healed',
  pruned: 'guard.kind.pruned',
};

export function kindText(kind: string): TextKey {
  return KINDS[kind] ?? 'guard.kind.other';
}

const LEVELS: Record<string, TextKey> = {
  watch: 'guard.level.watch',
  restore: 'guard.level.restore',
  attribution: 'guard.level.attribution',
  landlock: 'guard.level.landlock',
  'read-only': 'guard.level.read_only',
  immutable: 'guard.level.immutable',
  locks: 'guard.level.locks',
};

export function levelText(name: string): TextKey {
  return LEVELS[name] ?? 'guard.level.other';
}
