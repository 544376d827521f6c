import { useEffect, useState, type FormEvent } from 'react';
import { useApp, useMember } from '../../app/context';
import { asProblem, fieldProblems } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';
import { BodyField, publishable } from './BodyField';
import type { Post } from './posts';

/**
 * Changes the text of one's own post. The edit names the version it was made from (If-Match), so that a change made
 * elsewhere meanwhile is never overwritten unseen.
 */
export function PostEditor({ post, onDone }: { post: Post; onDone: () => void }) {
  const { posts } = useMember();
  const { notices } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const [body, setBody] = useState(post.body);
  const [etag, setEtag] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  useEffect(() => {
    let current = true;
    posts
      .forEditing(post.id)
      .then((found) => {
        if (!current) return;
        setEtag(found.etag);
        // Shown text that was stale is replaced, unless the member has begun to write.
        setBody((now) => (now === post.body ? found.post.body : now));
      })
      .catch(() => undefined); // Saving will fetch the tag again, and say what is wrong.
    return () => {
      current = false;
    };
    // Only when the editor opens, not when the shown post changes beneath it.
  }, [posts, post.id]);

  async function save(): Promise<void> {
    if (busy || !publishable(body)) return;
    setBusy(true);
    setError(undefined);
    try {
      const tag = etag ?? (await posts.forEditing(post.id)).etag;
      await posts.edit(post.id, body.trim(), tag);
      notices.say(t('post.saved'));
      onDone();
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 412) await takeNewest();
      else setError(fieldProblems(problem).body ?? problemText(problem, texts));
      setBusy(false);
    }
  }

  async function takeNewest(): Promise<void> {
    try {
      const newest = await posts.forEditing(post.id);
      setEtag(newest.etag);
      setBody(newest.post.body);
      setError(t('post.changed_elsewhere'));
    } catch (cause) {
      setError(problemText(asProblem(cause), texts));
    }
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    void save();
  }

  return (
    <form
      className="post-editor"
      onSubmit={submit}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onDone();
      }}
    >
      <BodyField
        label={t('post.edit_label')}
        value={body}
        autoFocus
        error={error}
        onChange={setBody}
        onSubmit={() => void save()}
      >
        <div className="actions">
          <button type="button" className="button-soft" onClick={onDone}>
            {t('app.cancel')}
          </button>
          <button type="submit" className="button" aria-disabled={busy || !publishable(body)}>
            {busy ? t('post.saving') : t('post.save')}
          </button>
        </div>
      </BodyField>
    </form>
  );
}
