import { Component, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { PlacesPage } from '../features/places/PlacesPage';
import { ProgramsPage } from '../features/webhooks/ProgramsPage';
import { DataPage } from '../features/accounts/DataPage';
import { EmailPage } from '../features/accounts/EmailPage';
import { LogIn } from '../features/accounts/LogIn';
import { NotMePage } from '../features/accounts/NotMePage';
import { AppealPage } from '../features/moderation/AppealPage';
import { PasswordPage } from '../features/accounts/PasswordPage';
import { ProofDialog } from '../features/accounts/ProofDialog';
import { SecurityLogPage } from '../features/accounts/SecurityLogPage';
import { SessionsPage } from '../features/accounts/SessionsPage';
import { SignUp } from '../features/accounts/SignUp';
import type { Me } from '../features/accounts/session';
import { BlocksPage } from '../features/blocks/BlocksPage';
import { EventsPage } from '../features/events/EventsPage';
import { FeedPage } from '../features/feed/FeedPage';
import { GuardPage } from '../features/guard/GuardPage';
import { GroupPage } from '../features/groups/GroupPage';
import { GroupsPage } from '../features/groups/GroupsPage';
import { MemberPage } from '../features/members/MemberPage';
import { ChatPage } from '../features/messages/ChatPage';
import { MembersPage } from '../features/members/MembersPage';
import { NotificationsPage } from '../features/notifications/NotificationsPage';
import { NotificationSettingsPage } from '../features/notifications/NotificationSettingsPage';
import { PostPage } from '../features/posts/PostPage';
import { PushPage } from '../features/push/PushPage';
import { SearchPage } from '../features/search/SearchPage';
import { matchPath, navigate, usePath } from '../platform/router';
import { useStore } from '../platform/store';
import { TextsProvider, useTexts } from '../platform/texts';
import { NoticesView } from '../ui/NoticesView';
import { AppContext, createMemberScope, MemberContext, useApp, type App as AppParts } from './context';
import { Crashed, NotFound, Starting } from './pages';
import { Shell } from './Shell';

export function App({ app }: { app: AppParts }) {
  return (
    <AppContext value={app}>
      <TextsProvider choice={app.language}>
        <ErrorBoundary>
          <Gate />
        </ErrorBoundary>
        <NoticesView notices={app.notices} />
      </TextsProvider>
    </AppContext>
  );
}

/** Who is at the door: not known yet, nobody, or a member. */
function Gate() {
  const { session } = useApp();
  const view = useStore(session);
  const path = usePath();
  useFocusOnNewPage(path, view.phase);

  if (matchPath('/not-me', path)) return <NotMePage />;
  if (matchPath('/appeal', path)) return <AppealPage />;
  switch (view.phase) {
    case 'starting':
      return <Starting trouble={view.trouble} />;
    case 'signed_out':
      return path === '/signup' ? <SignUp /> : <LogIn reason={view.reason} />;
    case 'signed_in':
      return <SignedIn key={view.me.id} me={view.me} />;
  }
}

function SignedIn({ me }: { me: Me }) {
  const app = useApp();
  const { t } = useTexts();
  const [scope] = useState(() => createMemberScope(app, me));

  useEffect(() => {
    scope.connection.open();
    return () => scope.connection.close();
  }, [scope]);

  useEffect(
    () => scope.feed.onArrival((post) => app.notices.say(t('feed.arrived', { name: post.author.display_name }))),
    [scope, app, t],
  );

  // The parts live as long as this member is signed in; what is shown of the member may change (a new address).
  const shown = useMemo(() => ({ ...scope, me }), [scope, me]);

  return (
    <MemberContext value={shown}>
      <Shell>
        <ErrorBoundary>
          <Page />
        </ErrorBoundary>
        <ProofDialog />
      </Shell>
    </MemberContext>
  );
}

function Page() {
  const path = usePath();
  const atDoor = path === '/login' || path === '/signup';
  useEffect(() => {
    if (atDoor) navigate('/', { replace: true });
  }, [atDoor]);

  if (path === '/' || atDoor) return <FeedPage />;
  if (matchPath('/members', path)) return <MembersPage />;
  if (matchPath('/events', path)) return <EventsPage />;
  if (matchPath('/places', path)) return <PlacesPage />;
  if (matchPath('/messages', path)) return <ChatPage name={null} />;
  const room = matchPath('/messages/:room', path);
  if (room) return <ChatPage name={room.room!} />;
  if (matchPath('/settings/blocks', path)) return <BlocksPage />;
  if (matchPath('/groups', path)) return <GroupsPage />;
  if (matchPath('/search', path)) return <SearchPage />;
  if (matchPath('/notifications', path)) return <NotificationsPage />;
  if (matchPath('/settings/notifications', path)) return <NotificationSettingsPage />;
  if (matchPath('/settings/sessions', path)) return <SessionsPage />;
  if (matchPath('/settings/security-log', path)) return <SecurityLogPage />;
  if (matchPath('/settings/password', path)) return <PasswordPage />;
  if (matchPath('/settings/email', path)) return <EmailPage />;
  if (matchPath('/settings/data', path)) return <DataPage />;
  if (matchPath('/settings/webhooks', path)) return <ProgramsPage />;
  for (const [pattern, tab] of GUARD) if (matchPath(pattern, path)) return <GuardPage tab={tab} />;
  if (matchPath('/settings/push', path)) return <PushPage />;
  const post = matchPath('/posts/:id', path);
  if (post) return <PostPage key={post.id} id={post.id!} />;
  const group = matchPath('/groups/:group', path);
  if (group) return <GroupPage key={group.group} name={group.group!} />;
  for (const [pattern, tab] of PROFILE) {
    const member = matchPath(pattern, path);
    if (member) return <MemberPage username={member.username!} tab={tab} />;
  }
  return <NotFound />;
}

const PROFILE = [
  ['/members/:username', 'posts'],
  ['/members/:username/followers', 'followers'],
  ['/members/:username/following', 'following'],
] as const;

const GUARD = [
  ['/guard', 'restores'],
  ['/guard/quarantine', 'quarantine'],
  ['/guard/ledger', 'ledger'],
] as const;

/** After a step to another page the reading position is its heading, as it would be after a real page load. */
function useFocusOnNewPage(path: string, phase: string): void {
  const last = useRef(`${phase} ${path}`);
  useEffect(() => {
    const now = `${phase} ${path}`;
    if (last.current === now) return;
    const fromStart = last.current.startsWith('starting');
    last.current = now;
    if (!fromStart) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }, [path, phase]);
}

class ErrorBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  // The report itself is made by the root's onCaughtError, with all others.
  override render(): ReactNode {
    return this.state.broken ? <Crashed /> : this.props.children;
  }
}
