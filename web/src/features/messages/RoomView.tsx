import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { Link, navigate } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { BackIcon, MoreIcon } from '../../ui/icons';
import { Menu, MenuItem } from '../../ui/Menu';
import { problemText } from '../../ui/problemText';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { roomTitle, type Room } from '../rooms/rooms';
import type { Conversation, Message } from './conversation';
import { DraftItem, MessageItem } from './MessageItem';
import { SayBox } from './SayBox';

/** This close to the end, the reader is at the end. */
const NEAR_PX = 80;

/** One room: what was said, what is said now, and the box to say something. */
export function RoomView({ room, joined }: { room: Room; joined: (room: Room) => void }) {
  const { conversations } = useMember();
  const { t } = useTexts();
  const reads = room.membership?.status === 'joined' || (room.kind === 'open' && room.membership === null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [room.id]);

  return (
    <section className="card chat-room" aria-label={t('chat.room_named', { name: roomTitle(room) })}>
      <Head room={room} heading={heading} />
      {reads ? (
        <Talk key={room.id} room={room} conversation={conversations.of(room.id)} joined={joined} />
      ) : (
        <Invitation room={room} joined={joined} />
      )}
    </section>
  );
}

function Head({ room, heading }: { room: Room; heading: React.RefObject<HTMLHeadingElement | null> }) {
  const { rooms } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const title = roomTitle(room);
  const leaves = room.kind !== 'direct' && room.membership !== null;

  async function leave(): Promise<void> {
    try {
      await rooms.leave(room.id);
      navigate('/messages');
    } catch (cause) {
      notices.trouble(cause);
    }
  }

  return (
    <header className="chat-head">
      <Link to="/messages" className="button-quiet chat-back" aria-label={t('chat.back')}>
        <BackIcon />
      </Link>
      <Avatar id={room.other?.id ?? room.id} name={title} size="small" />
      <div className="chat-head-who">
        <h2 tabIndex={-1} ref={heading} dir="auto">
          {room.other ? <Link to={`/members/${room.other.username}`}>{title}</Link> : title}
        </h2>
        {room.kind !== 'direct' && <p className="soft">{t('chat.members', { count: room.member_count })}</p>}
      </div>
      {leaves && (
        <Menu label={t('chat.options')} button={<MoreIcon />}>
          {(close) => <MenuItem onSelect={() => (close(), void leave())}>{t('chat.leave')}</MenuItem>}
        </Menu>
      )}
    </header>
  );
}

/** Somebody invited me: nothing is shown before I say yes. */
function Invitation({ room, joined }: { room: Room; joined: (room: Room) => void }) {
  const { t } = useTexts();
  return (
    <div className="chat-nothing">
      {room.membership?.status === 'invited' ? (
        <Empty title={t('chat.invited_title', { name: room.title })} hint={t('chat.invited_hint')}>
          <JoinButton room={room} joined={joined} />
        </Empty>
      ) : (
        <Empty title={t('chat.put_out')} hint={t('chat.put_out_hint')} />
      )}
    </div>
  );
}

function JoinButton({ room, joined }: { room: Room; joined: (room: Room) => void }) {
  const { rooms } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [busy, setBusy] = useState(false);
  async function join(): Promise<void> {
    if (busy) return;
    setBusy(true);
    try {
      joined(await rooms.join(room.id));
    } catch (cause) {
      notices.trouble(cause);
    } finally {
      setBusy(false);
    }
  }
  return (
    <button type="button" className="button" aria-disabled={busy} onClick={() => void join()}>
      {t('chat.join')}
    </button>
  );
}

function Talk({
  room,
  conversation,
  joined,
}: {
  room: Room;
  conversation: Conversation;
  joined: (room: Room) => void;
}) {
  const { me, rooms } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const state = useStore(conversation);
  const { messages, drafts, phase, problem, older } = state;
  const log = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const firstShown = useRef<string | undefined>(undefined);
  const heightBefore = useRef(0);
  const [answered, setAnswered] = useState<Message | null>(null);
  const [hidden, setHidden] = useState(document.hidden);

  useEffect(() => conversation.open(), [conversation]);
  useEffect(() => {
    rooms.look(hidden ? null : room.id);
    return () => rooms.look(null);
  }, [rooms, room.id, hidden]);
  useEffect(() => {
    const look = () => setHidden(document.hidden);
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);

  const last = messages.at(-1)?.id;
  const first = messages[0]?.id;
  useLayoutEffect(() => {
    const box = log.current;
    if (!box) return;
    // Older messages came in above: what was read stays where it is.
    if (firstShown.current !== first && !atEnd.current) box.scrollTop += box.scrollHeight - heightBefore.current;
    else if (atEnd.current) box.scrollTop = box.scrollHeight;
    firstShown.current = first;
    heightBefore.current = box.scrollHeight;
  }, [first, last, drafts.length, phase]);
  useEffect(() => {
    if (!hidden && atEnd.current && room.membership) conversation.readAll();
  }, [conversation, last, hidden, phase, room.membership]);

  const onScroll = useCallback(() => {
    const box = log.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (atEnd.current && !document.hidden && room.membership) conversation.readAll();
    if (box.scrollTop < NEAR_PX && older !== null) void conversation.loadOlder();
  }, [conversation, older, room.membership]);

  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages]);
  const seenBy = seen(messages, state.reads, me.id);

  return (
    <>
      <div className="chat-log" ref={log} onScroll={onScroll} role="log" aria-label={t('chat.log')} tabIndex={0}>
        {phase === 'failed' && problem && messages.length === 0 ? (
          <Failed problem={problem} onRetry={() => void conversation.refresh()} />
        ) : phase === 'loading' && messages.length === 0 ? (
          <Skeletons shape="member" />
        ) : messages.length === 0 && drafts.length === 0 ? (
          <Empty title={t('chat.nothing_said')} hint={t('chat.first_word')} />
        ) : (
          <>
            {older !== null && (
              <button
                type="button"
                className="button-quiet chat-older"
                aria-disabled={state.loadingOlder}
                onClick={() => void conversation.loadOlder()}
              >
                {state.loadingOlder ? t('app.loading_more') : t('chat.older')}
              </button>
            )}
            <ol className="chat-messages">
              {messages.map((message, index) => {
                const before = messages[index - 1];
                const newDay = !before || texts.day(before.created_at) !== texts.day(message.created_at);
                return (
                  <MessageItem
                    key={message.id}
                    message={message}
                    conversation={conversation}
                    day={newDay ? texts.day(message.created_at) : null}
                    follows={!newDay && follows(before, message)}
                    answers={message.reply_to_id === null ? null : (byId.get(message.reply_to_id) ?? 'elsewhere')}
                    seen={message.id === seenBy}
                    mayModerate={room.kind !== 'direct' && (room.membership?.role ?? 'member') !== 'member'}
                    onReply={() => setAnswered(message)}
                  />
                );
              })}
              {drafts.map((draft) => (
                <DraftItem key={draft.client_id} draft={draft} conversation={conversation} />
              ))}
            </ol>
          </>
        )}
        {problem && messages.length > 0 && (
          <p className="field-error" role="alert">
            {problemText(problem, texts)}
          </p>
        )}
      </div>
      {room.kind === 'open' && room.membership === null && (
        <p className="chat-visit">
          {t('chat.visiting')} <JoinButton room={room} joined={joined} />
        </p>
      )}
      {room.membership?.silenced ? (
        <p className="chat-visit">{t('chat.silenced')}</p>
      ) : (
        <SayBox
          answered={answered}
          onForget={() => setAnswered(null)}
          onSay={(body) => {
            atEnd.current = true;
            conversation.send(body, answered?.id ?? null);
            setAnswered(null);
          }}
        />
      )}
    </>
  );
}

/** Said by the same member within five minutes: shown without the name. */
function follows(before: Message | undefined, message: Message): boolean {
  if (!before || before.sender.id !== message.sender.id || message.reply_to_id !== null) return false;
  return Date.parse(message.created_at) - Date.parse(before.created_at) < 300_000;
}

/** My last message that everybody whose reading is told has read. */
function seen(messages: readonly Message[], reads: Readonly<Record<string, number>>, myId: string): string | null {
  const marks = Object.values(reads);
  if (marks.length === 0) return null;
  const upTo = Math.min(...marks);
  const mine = messages.findLast((message) => message.sender.id === myId && !message.deleted);
  return mine && mine.seq <= upTo ? mine.id : null;
}
