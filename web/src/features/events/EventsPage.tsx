import { useId, useState } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { Link } from '../../platform/router';
import { useSettled } from '../../platform/useSettled';
import { useTexts } from '../../platform/texts';
import { ClockIcon, PlaceIcon } from '../../ui/icons';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { RSVP_STATUSES, type Event } from './events';
import { dayOf, useUpcoming } from './useUpcoming';

export function EventsPage() {
  const { t } = useTexts();
  const [city, setCity] = useState('');
  const [day, setDay] = useState(() => dayOf(new Date()));
  const list = useUpcoming(day, useSettled(city, 300));
  const id = useId();
  usePageTitle(t('events.title'));

  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('events.title')}</h1>
        <p>
          {t('events.lead')} <Link to="/places">{t('places.title')}</Link>
        </p>
      </div>
      <form className="card filter" role="search" aria-label={t('events.filter')} onSubmit={(event) => event.preventDefault()}>
        <div className="field">
          <label htmlFor={`${id}-city`}>{t('events.city')}</label>
          <div className="field-input">
            <input
              id={`${id}-city`}
              type="search"
              value={city}
              placeholder={t('events.city_hint')}
              autoComplete="address-level2"
              onChange={(event) => setCity(event.target.value)}
            />
          </div>
        </div>
        <div className="field">
          <label htmlFor={`${id}-from`}>{t('events.from')}</label>
          <div className="field-input">
            <input id={`${id}-from`} type="date" value={day} onChange={(event) => setDay(event.target.value)} />
          </div>
        </div>
      </form>
      <ListView
        list={list}
        loading={<Skeletons shape="event" />}
        empty={<Empty title={t('events.empty')} hint={t('events.empty_hint')} />}
      >
        {(events) => byDay(events).map(([key, day]) => <Day key={key} events={day} />)}
      </ListView>
    </div>
  );
}

function Day({ events }: { events: readonly Event[] }) {
  const texts = useTexts();
  const id = useId();
  const { day, month, weekday } = texts.dayParts(events[0]!.starts_at);
  return (
    <section className="day" aria-labelledby={id}>
      <h2 id={id} className="day-name">
        <span className="date-leaf">
          <b>{day}</b>
          {month}
        </span>
        <span>{weekday}</span>
      </h2>
      {events.map((event) => (
        <EventCard key={event.id} event={event} />
      ))}
    </section>
  );
}

function EventCard({ event }: { event: Event }) {
  const { events } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const id = useId();
  return (
    <article className="card event" aria-labelledby={id}>
      <div>
        <h3 id={id}>{event.title}</h3>
        <p className="event-where">
          <span>
            <PlaceIcon />
            {event.city}
          </span>
          <span>
            <ClockIcon />
            <time dateTime={event.starts_at}>{texts.time(event.starts_at)}</time>
          </span>
        </p>
      </div>
      <p className="event-going">{t('events.going', { count: event.going_count })}</p>
      <div className="rsvp" role="group" aria-label={t('events.rsvp', { title: event.title })}>
        {RSVP_STATUSES.map((status) => (
          <button
            key={status}
            type="button"
            className={`chip chip-${status}`}
            aria-pressed={event.my_rsvp === status}
            onClick={() => events.rsvp(event.id, status)}
          >
            {t(`rsvp.${status}`)}
          </button>
        ))}
      </div>
    </article>
  );
}

/** Groups by local day, in the order given. */
function byDay(events: readonly Event[]): [string, Event[]][] {
  const days = new Map<string, Event[]>();
  for (const event of events) {
    const key = new Date(event.starts_at).toDateString();
    days.set(key, [...(days.get(key) ?? []), event]);
  }
  return [...days];
}
