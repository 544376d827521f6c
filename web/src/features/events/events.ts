import type { Api, components } from 'mundo-tango-client';
import { createCollection, type Collection } from '../../platform/collection';
import { createOptimistic, type Optimistic } from '../../platform/optimistic';
import type { Page, PagedList } from '../../platform/paging';

/** A gathering that people attend. */
export type Event = components['schemas']['Event'];
export type RsvpStatus = components['schemas']['RsvpStatus'];
type RsvpSummary = components['schemas']['RsvpSummary'];

export const RSVP_STATUSES: readonly RsvpStatus[] = ['going', 'interested', 'maybe', 'not_going'];

export interface Events {
  /** Events from the start of a day (RFC 3339) on, soonest first; in one city, or everywhere. */
  upcoming(from: string, city: string): PagedList<Event>;
  rsvp(eventId: string, status: RsvpStatus): void;
}

export function createEvents(options: { api: Api; failed: (problem: unknown) => void }): Events {
  const { api } = options;
  const collection: Collection<Event> = createCollection<Event>((id) => change.busy(id));
  const change: Optimistic<RsvpStatus> = createOptimistic<Event, RsvpStatus, RsvpSummary>({
    find: collection.find,
    patch: collection.patch,
    apply: applyRsvp,
    send: (id, status) => api.post<RsvpSummary>(`/events/${id}/rsvps`, { status }),
    settle: (event, summary) => ({ ...event, my_rsvp: summary.status, going_count: summary.going_count }),
    restore: (event, before) => ({ ...event, my_rsvp: before.my_rsvp, going_count: before.going_count }),
    failed: options.failed,
  });

  return {
    upcoming: (from, city) =>
      collection.list(`from ${from} in ${city}`, (cursor) =>
        api.get<Page<Event>>('/events', { from, city, limit: 20, cursor }),
      ),
    rsvp: change.set,
  };
}

export function applyRsvp(event: Event, status: RsvpStatus): Event {
  const step = Number(status === 'going') - Number(event.my_rsvp === 'going');
  return { ...event, my_rsvp: status, going_count: Math.max(0, event.going_count + step) };
}
