import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { FollowButton } from '../follows/FollowButton';
import type { Member } from './members';
import { Verified } from './Verified';

export function MemberCard({ member }: { member: Member }) {
  const { t } = useTexts();
  return (
    <li className="card member">
      <Avatar id={member.id} name={member.display_name} />
      <div className="member-who">
        <span className="named">
          <Link to={`/members/${member.username}`}>{member.display_name}</Link>
          <Verified of={member} />
        </span>
        <span className="soft member-facts">
          <span>@{member.username}</span>
          <span>{t('members.followers', { count: member.follower_count })}</span>
        </span>
      </div>
      <FollowButton member={member} />
    </li>
  );
}
