import { useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { CheckIcon } from '../../ui/icons';
import type { Member } from '../members/members';

export function FollowButton({ member }: { member: Member }) {
  const { follows, me } = useMember();
  const { t } = useTexts();
  if (member.id === me.id) return <span className="you">{t('members.you')}</span>;
  const following = member.followed_by_me;
  return (
    <button
      type="button"
      className={following ? 'button-soft follow following' : 'button follow'}
      aria-pressed={following}
      aria-label={t(following ? 'follow.following_name' : 'follow.follow_name', { name: member.display_name })}
      onClick={() => follows.set(member.id, !following)}
    >
      {following && <CheckIcon />}
      {t(following ? 'follow.following' : 'follow.follow')}
    </button>
  );
}
