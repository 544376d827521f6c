import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { PlaceIcon } from '../../ui/icons';
import type { Group } from './groups';
import { JoinButton } from './JoinButton';

export function GroupCard({ group }: { group: Group }) {
  const { t } = useTexts();
  return (
    <li className="card group">
      <div className="group-who">
        <Link to={`/groups/${group.slug}`}>{group.name}</Link>
        <span className="soft group-facts">
          <span>{t(`groups.kind.${group.kind}`)}</span>
          <span>{t(`groups.visibility.${group.visibility}`)}</span>
          <span>{t('groups.members', { count: group.member_count })}</span>
          {group.city && group.kind !== 'city' && (
            <span>
              <PlaceIcon />
              {group.city}
            </span>
          )}
        </span>
      </div>
      <JoinButton group={group} />
    </li>
  );
}
