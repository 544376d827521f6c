import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { useNow } from '../../platform/clock';
import { Link } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { CheckIcon, CloseIcon } from '../../ui/icons';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import type { Notification } from './notifications';
import './notifications.css';

export function NotificationsPage() {
  const { notifications } = useMember();
  const { t } = useTexts();
  const unread = useStore(notifications.unread);
  usePageTitle(t('notifications.title'));
  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('notifications.title')}</h1>
        <p>{t('notifications.lead')}</p>
      </div>
      <div className="card notification-tools">
        <button
          type="button"
          className="button-soft"
          aria-disabled={unread === 0}
          onClick={() => unread > 0 && void notifications.readAll()}
        >
          <CheckIcon />
          {t('notifications.read_all')}
        </button>
        <Link to="/settings/notifications" className="button-quiet">
          {t('notifications.settings')}
        </Link>
      </div>
      <ListView
        list={notifications.list}
        maxAgeMs={0}
        loading={<Skeletons shape="member" count={5} />}
        empty={<Empty title={t('notifications.empty')} hint={t('notifications.empty_hint')} />}
      >
        {(items) => (
          <ul className="members">
            {items.map((item) => (
              <Item key={item.id} item={item} />
            ))}
          </ul>
        )}
      </ListView>
    </div>
  );
}

function Item({ item }: { item: Notification }) {
  const { notifications } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const now = useNow();
  const actor = item.actors[0];
  return (
    <li className={`card member notification notification-${item.read_at ? 'read' : 'unread'}`}>
      {actor && <Avatar id={actor.id} name={actor.display_name} />}
      <div className="member-who">
        <Link to={item.path} onClick={() => void notifications.read(item)}>
          {item.text}
        </Link>
        <span className="soft member-facts">
          {!item.read_at && <span className="notification-new">{t('notifications.new')}</span>}
          <time dateTime={item.updated_at}>{texts.ago(item.updated_at, now)}</time>
          {(item.priority.band === 'urgent' || item.priority.band === 'important') && (
            <span>{t(`notifications.band.${item.priority.band}`)}</span>
          )}
        </span>
      </div>
      <button
        type="button"
        className="button-quiet"
        aria-label={`${t('notifications.forget')}: ${item.text}`}
        onClick={() => void notifications.remove(item)}
      >
        <CloseIcon />
      </button>
    </li>
  );
}
