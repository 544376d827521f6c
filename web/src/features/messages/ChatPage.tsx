import { useEffect, useState } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { asProblem, type Problem } from 'mundo-tango-client';
import { Link } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { roomTitle, type Room } from '../rooms/rooms';
import { RoomsList } from '../rooms/RoomsList';
import { RoomView } from './RoomView';
import './messages.css';

/** The rooms beside the one that is open; on a phone one or the other. */
export function ChatPage({ name }: { name: string | null }) {
  const { t } = useTexts();
  return (
    <div className={name === null ? 'chat chat-at-rooms' : 'chat chat-at-room'}>
      <RoomsList here={name} />
      {name === null ? <Nothing hint={t('chat.choose')} /> : <OpenRoom key={name} name={name} />}
    </div>
  );
}

function Nothing({ hint }: { hint: string }) {
  const { t } = useTexts();
  usePageTitle(t('chat.title'));
  return (
    <section className="card chat-room chat-nothing" aria-label={t('chat.room')}>
      <Empty title={t('chat.title')} hint={hint} />
    </section>
  );
}

function OpenRoom({ name }: { name: string }) {
  const { rooms } = useMember();
  const { t } = useTexts();
  const listed = useStore(rooms).rooms.find((room) => room.id === name || room.slug === name);
  const [found, setFound] = useState<Room | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [tries, setTries] = useState(0);
  const room = listed ?? found;
  usePageTitle(room ? roomTitle(room) : t('chat.title'));

  useEffect(() => {
    let gone = false;
    rooms.find(name).then(
      (answer) => !gone && (setFound(answer), setProblem(null)),
      (cause: unknown) => !gone && setProblem(asProblem(cause)),
    );
    return () => {
      gone = true;
    };
  }, [rooms, name, tries]);

  if (room) return <RoomView room={room} joined={setFound} />;
  return (
    <section className="card chat-room chat-nothing" aria-label={t('chat.room')}>
      {problem === null ? (
        <Skeletons shape="member" count={1} />
      ) : problem.status === 404 ? (
        <Empty title={t('chat.no_room')} hint={t('chat.no_room_hint')}>
          <Link to="/messages" className="button">
            {t('chat.back')}
          </Link>
        </Empty>
      ) : (
        <Failed problem={problem} onRetry={() => setTries(tries + 1)} />
      )}
    </section>
  );
}
