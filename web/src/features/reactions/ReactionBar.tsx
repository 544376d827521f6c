import { useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { ReactionIcon, SmileIcon } from '../../ui/icons';
import { Menu, MenuChoice } from '../../ui/Menu';
import type { Post } from '../posts/posts';
import { REACTIONS } from './reactions';

/** One tap likes, or takes back whatever was chosen; the menu beside it has all six. */
export function ReactionBar({ post }: { post: Post }) {
  const { reactions } = useMember();
  const { t, number } = useTexts();
  const mine = post.reaction ?? (post.liked_by_me ? 'like' : null);
  const label = t(`reaction.${mine ?? 'like'}`);
  const count = t('reaction.count', { count: post.like_count });

  return (
    <div className="reactions">
      <button
        type="button"
        className={`button-quiet reaction-toggle ${mine ? `reacted reacted-${mine}` : ''}`}
        aria-pressed={mine !== null}
        onClick={() => reactions.set(post.id, mine === null ? 'like' : null)}
      >
        <ReactionIcon type={mine ?? 'like'} />
        {label}
      </button>
      <Menu label={t('reaction.more')} className="reaction-menu" button={<SmileIcon />}>
        {(close) =>
          REACTIONS.map((type) => (
            <MenuChoice
              key={type}
              checked={mine === type}
              label={t(`reaction.${type}`)}
              className={`reaction-choice reacted-${type}`}
              onSelect={() => {
                close();
                reactions.set(post.id, mine === type ? null : type);
              }}
            >
              <ReactionIcon type={type} />
              <span aria-hidden="true">{t(`reaction.${type}`)}</span>
            </MenuChoice>
          ))
        }
      </Menu>
      {post.like_count > 0 && (
        <span className="reaction-count" title={count}>
          <span aria-hidden="true">{number(post.like_count)}</span>
          <span className="visually-hidden">{count}</span>
        </span>
      )}
    </div>
  );
}
