import { useState } from 'react';
import { useMember } from '../../app/context';
import type { PagedList } from '../../platform/paging';
import type { Event } from './events';

/** The list of upcoming events from a day (`2026-11-23`, local; empty: today) in a city (empty: everywhere). */
export function useUpcoming(day: string, city: string): PagedList<Event> {
  const { events } = useMember();
  // The moment is fixed when the page opens, so that the list keeps its name while it is shown.
  const [today] = useState(() => startOfDay(new Date()));
  const chosen = day === '' ? today : startOfDay(new Date(`${day}T00:00`));
  const from = Number.isNaN(chosen.getTime()) ? today : chosen;
  return events.upcoming(from.toISOString(), city.trim());
}

/** A day as a date input writes it, in local time. */
export function dayOf(date: Date): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function startOfDay(date: Date): Date {
  const start = new Date(date);
  start.setHours(0, 0, 0, 0);
  return start;
}
