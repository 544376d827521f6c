import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { BackIcon } from '../../ui/icons';
import { useList } from '../../ui/ListView';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { PostCard } from './PostCard';

/** One post under its own address. */
export function PostPage({ id }: { id: string }) {
  const { posts } = useMember();
  const { t } = useTexts();
  const list = posts.one(id);
  const { items, phase, problem } = useList(list);
  const post = items[0];
  usePageTitle(t('post.title'));

  return (
    <div className="column">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('post.title')}</h1>
        <Link to="/" className="back">
          <BackIcon />
          {t('post.back')}
        </Link>
      </div>
      {post ? (
        <PostCard post={post} whole />
      ) : phase === 'ready' || problem?.status === 404 || problem?.status === 400 ? (
        <Empty title={t('post.not_found')} hint={t('post.not_found_hint')} />
      ) : problem ? (
        <Failed problem={problem} onRetry={() => void list.refresh()} />
      ) : (
        <Skeletons shape="post" count={1} />
      )}
    </div>
  );
}
