import { useMember } from '../../app/context';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { useList } from '../../ui/ListView';
import { useUpcoming } from '../events/useUpcoming';

/** Beside the feed on wide screens: the member at a glance, and where the next tanda is. */
export function FeedAside() {
  const { me, members } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const [profile] = useList(members.one(me.username)).items;
  const upcoming = useList(useUpcoming('', ''), 300_000).items.slice(0, 4);

  return (
    <aside className="aside">
      <section className="card aside-me">
        <div className="aside-banner" aria-hidden="true" />
        <Avatar id={me.id} name={me.display_name} size="large" />
        <h2>
          <Link to={`/members/${me.username}`}>{me.display_name}</Link>
        </h2>
        <p className="soft">@{me.username}</p>
        {profile && (
          <p className="aside-counts">
            <Link to={`/members/${me.username}/followers`}>
              {t('members.followers', { count: profile.follower_count })}
            </Link>
            <Link to={`/members/${me.username}/following`}>
              {t('members.following', { count: profile.following_count })}
            </Link>
          </p>
        )}
      </section>
      {upcoming.length > 0 && (
        <section className="card aside-events">
          <h2>{t('events.next')}</h2>
          <ul>
            {upcoming.map((event) => {
              const { day, month } = texts.dayParts(event.starts_at);
              return (
                <li key={event.id}>
                  <span className="date-leaf" aria-hidden="true">
                    <b>{day}</b>
                    {month}
                  </span>
                  <span>
                    <strong>{event.title}</strong>
                    <span className="soft">
                      {event.city} · <time dateTime={event.starts_at}>{texts.time(event.starts_at)}</time>
                    </span>
                  </span>
                </li>
              );
            })}
          </ul>
          <Link to="/events" className="aside-all">
            {t('events.all')}
          </Link>
        </section>
      )}
    </aside>
  );
}
