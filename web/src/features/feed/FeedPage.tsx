import { useEffect, useRef } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { useNow } from '../../platform/clock';
import { Link } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { UpIcon } from '../../ui/icons';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { Composer } from '../posts/Composer';
import { PostCard } from '../posts/PostCard';
import { FeedAside } from './FeedAside';

export function FeedPage() {
  const { feed, me, publishing } = useMember();
  const { t } = useTexts();
  const now = useNow();
  const waiting = useStore(feed.waiting);
  const drafts = useStore(publishing);
  const top = useRef<HTMLDivElement>(null);
  usePageTitle(t('feed.title'));

  // While the top is in view, new posts go in at once; away from it, or on another page, they wait.
  useEffect(() => {
    const watch = new IntersectionObserver((seen) => feed.setReading(seen.at(-1)!.isIntersecting), {
      rootMargin: '200px 0px 0px 0px',
    });
    watch.observe(top.current!);
    return () => {
      watch.disconnect();
      feed.setReading(false);
    };
  }, [feed]);

  function reveal(): void {
    feed.reveal();
    window.scrollTo({ top: 0 });
    top.current?.parentElement?.querySelector<HTMLElement>('article')?.focus({ preventScroll: true });
  }

  const hour = new Date(now).getHours();
  const greeting = hour < 5 || hour >= 19 ? 'feed.evening' : hour < 12 ? 'feed.morning' : 'feed.afternoon';

  return (
    <div className="columns">
      <div className="column">
        <div className="page-head">
          <h1 tabIndex={-1}>{t(greeting, { name: me.display_name.split(/\s+/)[0]! })}</h1>
        </div>
        <Composer />
        <section className="feed" aria-label={t('feed.posts')}>
          <div ref={top} className="feed-top" />
          {waiting.length > 0 && (
            <button type="button" className="button feed-reveal" onClick={reveal}>
              <UpIcon />
              {t('feed.reveal', { count: waiting.length })}
            </button>
          )}
          <ListView
            list={feed.list}
            maxAgeMs={Infinity}
            loading={<Skeletons shape="post" />}
            empty={
              drafts.length > 0 ? null : (
                <Empty title={t('feed.empty')} hint={t('feed.empty_hint')}>
                  <Link to="/members" className="button">
                    {t('feed.find_members')}
                  </Link>
                </Empty>
              )
            }
          >
            {(posts) => posts.map((post) => <PostCard key={post.id} post={post} />)}
          </ListView>
        </section>
      </div>
      <FeedAside />
    </div>
  );
}
