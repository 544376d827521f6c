import { useState, type FormEvent } from 'react';
import { useMember } from '../../app/context';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { problemText } from '../../ui/problemText';
import { BodyField, publishable } from './BodyField';
import type { Draft } from './publishing';

/** The new-post box, and below it what is on its way or did not get through. */
export function Composer() {
  const { me, publishing } = useMember();
  const { t } = useTexts();
  const drafts = useStore(publishing);
  const [body, setBody] = useState('');

  function publish(): void {
    if (!publishable(body)) return;
    publishing.publish(body);
    setBody('');
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    publish();
  }

  return (
    <>
      <form className="card composer" onSubmit={submit}>
        <Avatar id={me.id} name={me.display_name} />
        <BodyField
          label={t('post.compose')}
          placeholder={t('post.compose_hint')}
          value={body}
          onChange={setBody}
          onSubmit={publish}
        >
          <button type="submit" className="button" aria-disabled={!publishable(body)}>
            {t('post.publish')}
          </button>
        </BodyField>
      </form>
      {drafts.map((draft) => (
        <DraftCard
          key={draft.key}
          draft={draft}
          onTakeBack={() => {
            publishing.discard(draft.key);
            setBody((now) => (now.trim() === '' ? draft.body : `${draft.body}\n\n${now}`));
          }}
        />
      ))}
    </>
  );
}

function DraftCard({ draft, onTakeBack }: { draft: Draft; onTakeBack: () => void }) {
  const { me, publishing } = useMember();
  const texts = useTexts();
  const { t } = texts;
  return (
    <div className={draft.problem ? 'card post draft draft-failed' : 'card post draft'}>
      <header className="post-head">
        <Avatar id={me.id} name={me.display_name} />
        <div className="post-who">
          <strong>{me.display_name}</strong>
          {!draft.problem && (
            <span className="post-when" role="status">
              {t('post.publishing')}
            </span>
          )}
        </div>
      </header>
      <p className="post-body">{draft.body}</p>
      {draft.problem && (
        <div className="draft-problem">
          <p role="alert">
            <strong>{t('post.not_published')}</strong> {problemText(draft.problem, texts)}
          </p>
          <div className="actions">
            <button type="button" className="button" onClick={() => publishing.retry(draft.key)}>
              {t('app.retry')}
            </button>
            <button type="button" className="button-soft" onClick={onTakeBack}>
              {t('post.change_text')}
            </button>
            <button type="button" className="button-quiet" onClick={() => publishing.discard(draft.key)}>
              {t('post.discard')}
            </button>
          </div>
        </div>
      )}
    </div>
  );
}
