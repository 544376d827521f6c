/** Everything that lives as long as the page, and everything that lives as long as one member is signed in. */
import { createContext, useContext } from 'react';
import { createEvents, type Events } from '../features/events/events';
import { createFeed, readPush, type Feed } from '../features/feed/feed';
import { createFollows, type Follows } from '../features/follows/follows';
import { createGuard, type Guard } from '../features/guard/guard';
import { createAvatars, type Avatars } from '../features/media/avatars';
import { createUploads, type Uploads } from '../features/media/uploads';
import { createGroups, type Groups } from '../features/groups/groups';
import { createMembers, type Members } from '../features/members/members';
import { createNotifications, type Notifications } from '../features/notifications/notifications';
import { createPlaces, type Places } from '../features/places/places';
import { createPosts, type Posts } from '../features/posts/posts';
import { createPublishing, type Publishing } from '../features/posts/publishing';
import { createPush, type Push } from '../features/push/push';
import { createReactions, type Reactions } from '../features/reactions/reactions';
import { type Connection, createApi, createConnection, createExchange, createStreams, type Exchange } from 'mundo-tango-client';
import { createRooms, type Rooms } from '../features/rooms/rooms';
import { createConversations, type Conversations } from '../features/messages/conversations';
import { createBlocks, type Blocks } from '../features/blocks/blocks';
import { createSearch, type Search } from '../features/search/search';
import { createSession, type Me, type Session } from '../features/accounts/session';
import { createLinkToken } from '../features/accounts/linkToken';
import { createOwnData, type OwnData } from '../features/accounts/data';
import { createSessions, type Sessions } from '../features/accounts/sessions';
import { createPrograms, type Programs } from '../features/webhooks/programs';
import { createClientErrors, type ClientErrors } from '../platform/clientErrors';
import { createProofs, type Proofs } from '../platform/proof';
import type { Readable } from '../platform/store';
import { createLanguageChoice, type LanguageChoice } from '../platform/texts';
import { createThemeChoice, type ThemeChoice } from '../platform/theme';
import { createNotices, type Notices } from '../ui/notices';

export interface App {
  exchange: Exchange;
  session: Session;
  language: LanguageChoice;
  theme: ThemeChoice;
  notices: Notices;
  clientErrors: ClientErrors;
  /** From a mail's link to /not-me or /appeal. */
  linkToken: Readable<string | null>;
}

export function createApp(): App {
  // Before all else: nothing may read or keep the address while the token stands in it.
  const linkToken = createLinkToken();
  const language = createLanguageChoice();
  const exchange = createExchange({ browser: true, language: () => language.get().locale });
  const session = createSession({ exchange });
  const clientErrors = createClientErrors({
    exchange,
    token: session.currentToken,
    release: __RELEASE__,
    // Without query and fragment: they may hold what is nobody's business.
    url: () => location.origin + location.pathname,
  });
  return { exchange, session, language, theme: createThemeChoice(), notices: createNotices(), clientErrors, linkToken };
}

/** What belongs to one signed-in member; made anew when another one signs in, so nothing crosses over. */
export interface MemberScope {
  me: Me;
  members: Members;
  follows: Follows;
  posts: Posts;
  publishing: Publishing;
  reactions: Reactions;
  feed: Feed;
  events: Events;
  places: Places;
  groups: Groups;
  search: Search;
  notifications: Notifications;
  connection: Connection;
  rooms: Rooms;
  conversations: Conversations;
  blocks: Blocks;
  sessions: Sessions;
  data: OwnData;
  programs: Programs;
  guard: Guard;
  push: Push;
  proofs: Proofs;
  /** The files of one form. */
  newUploads(): Uploads;
  avatars: Avatars;
  changeEmail(email: string): Promise<Me>;
}

export function createMemberScope(app: App, me: Me): MemberScope {
  const api = createApi(app.exchange, app.session);
  const failed = app.notices.trouble;
  const members: Members = createMembers(api, (id) => follows.busy(id));
  const posts: Posts = createPosts(api, (id) => reactions.busy(id));
  const reactions = createReactions({ api, posts: () => posts.collection, failed });
  const publishing: Publishing = createPublishing({ api, published: (post) => published(post) });
  const feed = createFeed({
    api,
    posts,
    own: (push) => push.author.id === me.id && publishing.expects(push.body),
  });
  const follows = createFollows({
    api,
    members: () => members,
    myId: me.id,
    changed: () => void (feed.list.get().phase !== 'idle' && feed.list.refresh()),
    failed,
  });
  const connection = createConnection({ tokens: app.session });
  const streams = createStreams(connection);
  const rooms = createRooms({ api, connection, streams, myId: me.id });

  const sessions = createSessions(api);
  const guard = createGuard(api);
  const notifications = createNotifications(api, failed);

  function published(post: Parameters<Feed['publish']>[0]): void {
    feed.publish(post);
    posts.byAuthor(me.id).insert(post, 'replace');
  }

  connection.on('post:new', (payload) => {
    const push = readPush(payload);
    if (push) feed.arrive(push);
  });
  connection.on('session:ended', sessions.changed);
  for (const name of ['guard:restored', 'guard:incident', 'guard:trouble'] as const) connection.on(name, guard.changed);
  connection.on('notification:new', notifications.changed);
  connection.on('notifications:read', notifications.changed);
  connection.onOnline(() => {
    notifications.changed();
    sessions.changed();
    if (feed.list.get().phase !== 'idle') void feed.list.refresh();
  });

  return {
    me,
    members,
    follows,
    posts,
    publishing,
    reactions,
    feed,
    events: createEvents({ api, failed }),
    places: createPlaces(api),
    groups: createGroups(api, failed),
    search: createSearch(api),
    notifications,
    connection,
    rooms,
    conversations: createConversations({ api, connection, streams, rooms, myId: me.id }),
    blocks: createBlocks(api),
    sessions,
    data: createOwnData(api),
    programs: createPrograms(api),
    guard,
    push: createPush(api),
    proofs: createProofs(app.session.reauthenticate),
    newUploads: () => createUploads({ api, tokens: app.session }),
    avatars: createAvatars(api, me.id),
    changeEmail: (email) => api.post<Me>('/auth/email', { email }),
  };
}

export const AppContext = createContext<App | null>(null);
export const MemberContext = createContext<MemberScope | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('useApp outside of AppContext');
  return app;
}

export function useMember(): MemberScope {
  const scope = useContext(MemberContext);
  if (!scope) throw new Error('useMember outside of MemberContext');
  return scope;
}
