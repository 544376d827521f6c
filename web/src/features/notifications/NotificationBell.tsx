import { useMember } from '../../app/context';
import { Link, usePath } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { BellIcon } from '../../ui/icons';
import './notifications.css';

/** The server counts up to here. */
const COUNTED = 100;

export function NotificationBell() {
  const { notifications } = useMember();
  const { t, number } = useTexts();
  const unread = useStore(notifications.unread);
  const here = usePath() === '/notifications';
  return (
    <Link
      to="/notifications"
      className="top-button"
      aria-current={here ? 'page' : undefined}
      aria-label={unread > 0 ? t('notifications.unread', { count: unread }) : t('notifications.title')}
    >
      <BellIcon />
      {unread > 0 && (
        <span className="badge" aria-hidden="true">
          {unread >= COUNTED ? `${number(COUNTED - 1)}+` : number(unread)}
        </span>
      )}
    </Link>
  );
}
