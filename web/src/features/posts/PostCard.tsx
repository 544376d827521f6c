import { useId, useRef, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { Dialog } from '../../ui/Dialog';
import { MoreIcon } from '../../ui/icons';
import { Menu, MenuItem } from '../../ui/Menu';
import { Time } from '../../ui/Time';
import { Verified } from '../members/Verified';
import { ReactionBar } from '../reactions/ReactionBar';
import { bodyParts, type Post } from './posts';
import { PostEditor } from './PostEditor';

/** A body longer than this is folded until the reader asks for the rest. */
const FOLD_CHARS = 900;
const FOLD_LINES = 14;

export function PostCard({ post, whole = false }: { post: Post; whole?: boolean }) {
  const { me } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const id = useId();
  const card = useRef<HTMLElement>(null);
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const mine = post.author.id === me.id;

  function stopEditing(): void {
    setEditing(false);
    card.current?.focus();
  }

  return (
    <article className="card post" aria-labelledby={id} ref={card} tabIndex={-1}>
      <header className="post-head">
        <Avatar id={post.author.id} name={post.author.display_name} />
        <div className="post-who">
          <span id={id} className="visually-hidden">
            {t('post.by', { name: post.author.display_name })}
          </span>
          <span className="named">
            <Link to={`/members/${post.author.username}`} className="post-author">
              {post.author.display_name}
            </Link>
            <Verified of={post.author} />
          </span>
          <span className="post-when">
            <span>@{post.author.username}</span>
            <Link to={`/posts/${post.id}`}>
              <Time at={post.created_at} />
            </Link>
            {post.edited_at && (
              <span title={t('post.edited_at', { time: texts.moment(post.edited_at) })}>{t('post.edited')}</span>
            )}
          </span>
        </div>
        {mine && !editing && (
          <Menu label={t('post.options')} className="post-menu" button={<MoreIcon />}>
            {(close) => (
              <>
                <MenuItem
                  onSelect={() => {
                    close();
                    setEditing(true);
                  }}
                >
                  {t('post.edit')}
                </MenuItem>
                <MenuItem
                  className="menu-item-danger"
                  onSelect={() => {
                    close();
                    setDeleting(true);
                  }}
                >
                  {t('post.delete')}
                </MenuItem>
              </>
            )}
          </Menu>
        )}
      </header>
      {editing ? <PostEditor post={post} onDone={stopEditing} /> : <Body body={post.body} whole={whole} />}
      <footer className="post-foot">
        <ReactionBar post={post} />
        {post.comment_count > 0 && (
          <span className="post-comments">{t('post.comments', { count: post.comment_count })}</span>
        )}
      </footer>
      {deleting && <DeleteDialog post={post} onDone={() => setDeleting(false)} />}
    </article>
  );
}

function Body({ body, whole }: { body: string; whole: boolean }) {
  const { t } = useTexts();
  const [unfolded, setUnfolded] = useState(whole);
  const long = body.length > FOLD_CHARS || body.split('\n').length > FOLD_LINES;
  return (
    <>
      <p className={long && !unfolded ? 'post-body post-folded' : 'post-body'} dir="auto">
        {bodyParts(body).map((part, index) =>
          part.kind === 'link' ? (
            <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
              {part.text}
            </a>
          ) : (
            part.text
          ),
        )}
      </p>
      {long && !unfolded && (
        <button type="button" className="button-quiet post-unfold" onClick={() => setUnfolded(true)}>
          {t('post.read_on')}
        </button>
      )}
    </>
  );
}

function DeleteDialog({ post, onDone }: { post: Post; onDone: () => void }) {
  const { posts } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [busy, setBusy] = useState(false);

  async function remove(): Promise<void> {
    if (busy) return;
    setBusy(true);
    try {
      await posts.remove(post.id);
      notices.say(t('post.deleted'));
    } catch (cause) {
      notices.trouble(cause);
      onDone();
    }
  }

  return (
    <Dialog title={t('post.delete_title')} onCancel={onDone}>
      <p>{t('post.delete_hint')}</p>
      <div className="actions">
        <button type="button" className="button-soft" onClick={onDone}>
          {t('app.cancel')}
        </button>
        <button type="button" className="button-danger" aria-disabled={busy} onClick={() => void remove()}>
          {busy ? t('post.deleting') : t('post.delete')}
        </button>
      </div>
    </Dialog>
  );
}
