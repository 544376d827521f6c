import { useEffect, type ReactNode } from 'react';
import { AccountMenu } from '../features/accounts/AccountMenu';
import { NotificationBell } from '../features/notifications/NotificationBell';
import { ConnectionSign } from '../features/realtime/ConnectionSign';
import { Link, usePath } from '../platform/router';
import { useStore } from '../platform/store';
import { useTexts } from '../platform/texts';
import { ChatIcon, EventsIcon, FeedIcon, GroupsIcon, MembersIcon, ProfileIcon, SearchIcon } from '../ui/icons';
import { Ocho, Sea } from '../ui/Ocho';
import { useMember } from './context';

/** What is around every page of a signed-in member. The one navigation is a bar at the foot of a phone. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTexts();
  return (
    <div className="site">
      <a
        className="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        {t('app.skip')}
      </a>
      <Sea />
      <header className="top">
        <div className="top-inner">
          <Link to="/" className="wordmark">
            <Ocho />
            <span>{t('app.name')}</span>
          </Link>
          <Navigation />
          <ConnectionSign />
          <Link to="/search" className="top-button" aria-label={t('search.title')}>
            <SearchIcon />
          </Link>
          <NotificationBell />
          <AccountMenu />
        </div>
      </header>
      <main id="content" className="page" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function Navigation() {
  const { me, feed, rooms } = useMember();
  const { t, number } = useTexts();
  const path = usePath();
  const waiting = useStore(feed.waiting).length;
  const unread = useStore(rooms).rooms.filter((room) => room.unread_count > 0 && !room.membership?.muted).length;
  useEffect(() => rooms.ensure(), [rooms]);
  const profile = `/members/${me.username}`;
  const atProfile = path === profile || path.startsWith(`${profile}/`);
  const places = [
    { to: '/', name: t('nav.feed'), Icon: FeedIcon, here: path === '/' },
    { to: '/messages', name: t('nav.messages'), Icon: ChatIcon, here: path.startsWith('/messages') },
    { to: '/members', name: t('nav.members'), Icon: MembersIcon, here: path.startsWith('/members') && !atProfile },
    { to: '/events', name: t('nav.events'), Icon: EventsIcon, here: path.startsWith('/events') },
    { to: '/groups', name: t('nav.groups'), Icon: GroupsIcon, here: path.startsWith('/groups') },
    { to: profile, name: t('nav.profile'), Icon: ProfileIcon, here: atProfile },
  ];
  return (
    <nav className="navigation" aria-label={t('nav.label')}>
      {places.map(({ to, name, Icon, here }) => (
        <Link key={to} to={to} aria-current={here ? 'page' : undefined}>
          <Icon />
          <span>{name}</span>
          {to === '/messages' && unread > 0 && (
            <span className="badge">
              <span aria-hidden="true">{number(unread)}</span>
              <span className="visually-hidden">{t('nav.unread', { count: unread })}</span>
            </span>
          )}
          {to === '/' && waiting > 0 && (
            <span className="badge">
              <span aria-hidden="true">{number(waiting)}</span>
              <span className="visually-hidden">{t('nav.waiting', { count: waiting })}</span>
            </span>
          )}
        </Link>
      ))}
    </nav>
  );
}
