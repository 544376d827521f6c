import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { PlaceIcon } from '../../ui/icons';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import type { Group } from './groups';
import { JoinButton } from './JoinButton';
import './groups.css';

export function GroupPage({ name }: { name: string }) {
  const { groups } = useMember();
  const { t } = useTexts();
  return (
    <div className="column column-wide">
      <ListView list={groups.one(name)} maxAgeMs={0} loading={<Skeletons shape="post" count={1} />} empty={<Empty title={t('groups.empty')} />}>
        {([group]) => group && <Shown group={group} />}
      </ListView>
    </div>
  );
}

function Shown({ group }: { group: Group }) {
  const { t } = useTexts();
  usePageTitle(group.name);
  const reads = group.visibility === 'public' || group.my_status === 'active';
  const moderates = group.my_role === 'admin' || group.my_role === 'moderator';
  return (
    <>
      <article className="card profile">
        <div className="profile-banner group-banner" />
        <div className="profile-main group-main">
          <h1 tabIndex={-1}>{group.name}</h1>
          <JoinButton group={group} />
          <p className="soft group-facts">
            <span>{t(`groups.kind.${group.kind}`)}</span>
            <span>{t(`groups.visibility.${group.visibility}`)}</span>
            <span>{t('groups.members', { count: group.member_count })}</span>
            {group.city && (
              <span>
                <PlaceIcon />
                {group.country ? `${group.city}, ${group.country}` : group.city}
              </span>
            )}
          </p>
          {group.description && <p>{group.description}</p>}
        </div>
      </article>
      {moderates && <Requests group={group} />}
      {reads ? <People group={group} /> : <Empty title={t('groups.inside')} hint={t('groups.inside_hint')} />}
    </>
  );
}

function People({ group }: { group: Group }) {
  const { groups } = useMember();
  const { t } = useTexts();
  return (
    <section aria-labelledby="group-people">
      <h2 id="group-people" className="section-name">
        {t('groups.people')}
      </h2>
      <ListView
        list={groups.members(group.id, 'active')}
        maxAgeMs={0}
        loading={<Skeletons shape="member" count={3} />}
        empty={<Empty title={t('groups.nobody')} hint={t('groups.nobody_hint')} />}
      >
        {(found) => (
          <ul className="members">
            {found.map(({ id, member, role }) => (
              <li key={id} className="card member">
                <Avatar id={member.id} name={member.display_name} />
                <div className="member-who">
                  <Link to={`/members/${member.username}`}>{member.display_name}</Link>
                  <span className="soft">@{member.username}</span>
                </div>
                {role !== 'member' && <span className="you">{t(`groups.role.${role}`)}</span>}
              </li>
            ))}
          </ul>
        )}
      </ListView>
    </section>
  );
}

/** Those who want to come in, for who may let them. */
function Requests({ group }: { group: Group }) {
  const { groups } = useMember();
  const { t } = useTexts();
  return (
    <ListView list={groups.members(group.id, 'requested')} maxAgeMs={0} loading={null} empty={null}>
      {(found) => (
        <section aria-labelledby="group-requests">
          <h2 id="group-requests" className="section-name">
            {t('groups.requests')}
          </h2>
          <ul className="members">
            {found.map(({ id, member }) => (
              <li key={id} className="card member">
                <Avatar id={member.id} name={member.display_name} />
                <div className="member-who">
                  <Link to={`/members/${member.username}`}>{member.display_name}</Link>
                  <span className="soft">@{member.username}</span>
                </div>
                <button
                  type="button"
                  className="button follow"
                  aria-label={t('groups.let_in_name', { name: member.display_name })}
                  onClick={() => void groups.answer(group.id, id, true)}
                >
                  {t('groups.let_in')}
                </button>
                <button
                  type="button"
                  className="button-soft follow"
                  aria-label={t('groups.decline_name', { name: member.display_name })}
                  onClick={() => void groups.answer(group.id, id, false)}
                >
                  {t('groups.decline')}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </ListView>
  );
}
