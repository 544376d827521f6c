import { useEffect, useRef, type ReactNode } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import type { PagedList } from '../../platform/paging';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { ListView, useList } from '../../ui/ListView';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { MemberActions } from '../blocks/MemberActions';
import { FollowButton } from '../follows/FollowButton';
import { PostCard } from '../posts/PostCard';
import { MemberCard } from './MemberCard';
import type { Member } from './members';
import { Verified } from './Verified';

export type ProfileTab = 'posts' | 'followers' | 'following';

/** A member's profile: who they are, what they write, whom they know. */
export function MemberPage({ username, tab }: { username: string; tab: ProfileTab }) {
  const { members } = useMember();
  const { t } = useTexts();
  const list = members.one(username);
  const { items, problem } = useList(list);
  const member = items[0];
  usePageTitle(member?.display_name ?? t('members.title'));

  if (!member) {
    return (
      <div className="column">
        <div className="page-head">
          <h1 tabIndex={-1}>{t('members.title')}</h1>
        </div>
        {problem?.status === 404 ? (
          <Empty title={t('members.not_found')} hint={t('members.not_found_hint')}>
            <Link to="/members" className="button">
              {t('members.search')}
            </Link>
          </Empty>
        ) : problem ? (
          <Failed problem={problem} onRetry={() => void list.refresh()} />
        ) : (
          <Skeletons shape="member" count={1} />
        )}
      </div>
    );
  }

  return (
    <div className="column">
      <Header member={member} tab={tab} />
      {tab === 'posts' ? <MemberPosts member={member} /> : <MemberList member={member} kind={tab} />}
    </div>
  );
}

function Header({ member, tab }: { member: Member; tab: ProfileTab }) {
  const { t, month } = useTexts();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // The heading shown while this loaded is gone, and the focus that stood on it fell to the page.
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, []);
  const path = `/members/${member.username}`;
  const link = (to: string, name: ProfileTab, children: ReactNode) => (
    <Link to={to} aria-current={tab === name ? 'page' : undefined}>
      {children}
    </Link>
  );
  return (
    <section className="card profile">
      <div className="profile-banner" aria-hidden="true" />
      <div className="profile-main">
        <Avatar id={member.id} name={member.display_name} size="large" />
        <div className="profile-actions">
          <MemberActions member={member} />
          <FollowButton member={member} />
        </div>
        <h1 tabIndex={-1} ref={heading}>
          {member.display_name}
          <Verified of={member} />
        </h1>
        <p className="soft">
          @{member.username} · {t('members.since', { month: month(member.created_at) })}
        </p>
      </div>
      <nav className="tabs" aria-label={t('members.tabs')}>
        {link(path, 'posts', t('members.posts_tab'))}
        {link(`${path}/followers`, 'followers', t('members.followers', { count: member.follower_count }))}
        {link(`${path}/following`, 'following', t('members.following', { count: member.following_count }))}
      </nav>
    </section>
  );
}

function MemberPosts({ member }: { member: Member }) {
  const { posts, me } = useMember();
  const { t } = useTexts();
  return (
    <section className="feed" aria-label={t('members.posts_tab')}>
      <ListView
        list={posts.byAuthor(member.id)}
        loading={<Skeletons shape="post" />}
        empty={
          <Empty
            title={t('members.no_posts')}
            hint={
              member.id === me.id
                ? t('members.no_posts_mine')
                : t('members.no_posts_hint', { name: member.display_name })
            }
          />
        }
      >
        {(all) => all.map((post) => <PostCard key={post.id} post={post} />)}
      </ListView>
    </section>
  );
}

function MemberList({ member, kind }: { member: Member; kind: 'followers' | 'following' }) {
  const { follows } = useMember();
  const { t } = useTexts();
  const list: PagedList<Member> = kind === 'followers' ? follows.followers(member.id) : follows.following(member.id);
  return (
    <section aria-label={t(kind === 'followers' ? 'members.followers_tab' : 'members.following_tab')}>
      <ListView
        list={list}
        maxAgeMs={0}
        loading={<Skeletons shape="member" />}
        empty={<Empty title={t(kind === 'followers' ? 'members.no_followers' : 'members.no_following')} />}
      >
        {(all) => (
          <ul className="members">
            {all.map((each) => (
              <MemberCard key={each.id} member={each} />
            ))}
          </ul>
        )}
      </ListView>
    </section>
  );
}
