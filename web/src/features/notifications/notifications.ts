/**
 * What the member is told. The list and the count are the server's; a push says that they have changed, on whatever
 * device that was, and they are read again.
 */
import type { Api, components } from 'mundo-tango-client';
import { createCollection } from '../../platform/collection';
import type { Page, PagedList } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';

export type Notification = components['schemas']['Notification'];
export type Preferences = components['schemas']['NotificationPreferences'];
export type PreferencesChange = components['schemas']['PutNotificationPreferences'];
export type NotificationKind = components['schemas']['NotificationKind'];

export interface Notifications {
  list: PagedList<Notification>;
  unread: Readable<number>;
  /** Reads the count anew, and the list if somebody has looked at it. */
  changed(): void;
  read(notification: Notification): Promise<void>;
  readAll(): Promise<void>;
  remove(notification: Notification): Promise<void>;
  preferences(): Promise<Preferences>;
  prefer(change: PreferencesChange): Promise<Preferences>;
}

export function createNotifications(api: Api, failed: (problem: unknown) => void): Notifications {
  const unread = createStore(0);
  const list = createCollection<Notification>().list('all', (cursor) =>
    api.get<Page<Notification>>('/notifications', { limit: 20, cursor }),
  );
  let asked = 0;

  async function count(): Promise<void> {
    const mine = ++asked;
    try {
      const answer = await api.get<{ count: number }>('/notifications/unread');
      if (mine === asked) unread.set(answer.count);
    } catch {
      // The number stays as it was; the next push or reconnect asks again.
    }
  }

  function changed(): void {
    void count();
    if (list.get().phase !== 'idle') void list.refresh();
  }

  async function attempt(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
      void count();
    } catch (problem) {
      failed(problem);
    }
  }

  return {
    list,
    unread,
    changed,
    async read(notification) {
      if (notification.read_at) return;
      const now = new Date().toISOString();
      list.patch(notification.id, (shown) => ({ ...shown, read_at: now }));
      await attempt(() => api.put(`/notifications/${notification.id}/read`));
    },
    async readAll() {
      const newest = list.get().items[0];
      if (!newest) return;
      await attempt(() => api.put('/notifications/read', { until: newest.updated_at }));
      await list.refresh();
    },
    async remove(notification) {
      await attempt(async () => {
        await api.delete(`/notifications/${notification.id}`);
        list.remove(notification.id);
      });
    },
    preferences: () => api.get<Preferences>('/notifications/preferences'),
    prefer: (change) => api.putFor<Preferences>('/notifications/preferences', change),
  };
}
