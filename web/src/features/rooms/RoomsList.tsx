import { useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { Link, navigate } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { Menu, MenuItem } from '../../ui/Menu';
import { PlusIcon } from '../../ui/icons';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { Time } from '../../ui/Time';
import { NewRoomDialog } from './NewRoomDialog';
import { roomTitle, type Room } from './rooms';

/** The rooms I am in, the latest news first, and the way to others. */
export function RoomsList({ here }: { here: string | null }) {
  const { rooms } = useMember();
  const { t } = useTexts();
  const { phase, problem, rooms: all } = useStore(rooms);
  const [making, setMaking] = useState(false);
  const [open, setOpen] = useState(false);
  useEffect(() => rooms.ensure(), [rooms]);

  return (
    <nav className="card chat-rooms" aria-label={t('chat.rooms')}>
      <header className="chat-rooms-head">
        <h1 tabIndex={-1}>{t('chat.title')}</h1>
        <Menu label={t('chat.new')} button={<PlusIcon />}>
          {(close) => (
            <>
              <MenuItem onSelect={() => (close(), setMaking(true))}>{t('chat.new_room')}</MenuItem>
              <MenuItem onSelect={() => (close(), setOpen(true))}>{t('chat.open_rooms')}</MenuItem>
            </>
          )}
        </Menu>
      </header>
      {phase === 'failed' && problem ? (
        <Failed problem={problem} onRetry={() => void rooms.refresh()} />
      ) : phase !== 'ready' ? (
        <Skeletons shape="member" />
      ) : all.length === 0 && !open ? (
        <Empty title={t('chat.empty')} hint={t('chat.empty_hint')}>
          <button type="button" className="button" onClick={() => setOpen(true)}>
            {t('chat.open_rooms')}
          </button>
        </Empty>
      ) : (
        <ul className="chat-list">
          {all.map((room) => (
            <RoomItem key={room.id} room={room} here={here !== null && (room.id === here || room.slug === here)} />
          ))}
        </ul>
      )}
      {open && <OpenRooms />}
      {making && (
        <NewRoomDialog
          onDone={(room) => {
            setMaking(false);
            if (room) navigate(`/messages/${room.id}`);
          }}
        />
      )}
    </nav>
  );
}

function RoomItem({ room, here }: { room: Room; here: boolean }) {
  const { me } = useMember();
  const { t, number } = useTexts();
  const title = roomTitle(room);
  const said = room.last_message;
  const invited = room.membership?.status === 'invited';
  const who = said && (said.sender.id === me.id ? t('chat.you') : said.sender.display_name);
  return (
    <li>
      <Link to={`/messages/${room.slug ?? room.id}`} className="chat-item" aria-current={here ? 'page' : undefined}>
        <Avatar id={room.other?.id ?? room.id} name={title} />
        <span className="chat-item-what">
          <span className="chat-item-title" dir="auto">
            {title}
          </span>
          <span className="chat-item-said" dir="auto">
            {invited
              ? t('chat.invited')
              : said
                ? room.kind === 'direct'
                  ? said.body
                  : t('chat.said', { name: who ?? '', body: said.body })
                : t('chat.nothing_said')}
          </span>
        </span>
        <span className="chat-item-when">
          {said && <Time at={said.created_at} />}
          {room.unread_count > 0 && (
            <span className="chat-unread">
              <span aria-hidden="true">{room.unread_count >= 100 ? `${number(99)}+` : number(room.unread_count)}</span>
              <span className="visually-hidden">{t('chat.unread', { count: room.unread_count })}</span>
            </span>
          )}
        </span>
      </Link>
    </li>
  );
}

/** Rooms that anybody may enter. */
function OpenRooms() {
  const { rooms } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [all, setAll] = useState<readonly Room[] | null>(null);
  useEffect(() => {
    rooms.open().then(setAll, (cause: unknown) => (notices.trouble(cause), setAll([])));
  }, [rooms, notices]);
  if (all === null) return <Skeletons shape="member" count={1} />;
  return (
    <section aria-labelledby="open-rooms" className="chat-open">
      <h2 id="open-rooms">{t('chat.open_rooms')}</h2>
      <ul className="chat-list">
        {all.map((room) => (
          <li key={room.id}>
            <Link to={`/messages/${room.slug ?? room.id}`} className="chat-item">
              <Avatar id={room.id} name={room.title} />
              <span className="chat-item-what">
                <span className="chat-item-title">{room.title}</span>
                <span className="chat-item-said">{t('chat.members', { count: room.member_count })}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {all.length === 0 && <p className="soft">{t('chat.no_open_rooms')}</p>}
    </section>
  );
}
