import { useEffect, useRef, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';
import type { MediaView } from './uploads';

/** Puts another picture into one's own profile: picked, uploaded with its progress, and set once it is ready. */
export function AvatarPicker({ picture, onChange }: { picture: MediaView | null; onChange: (picture: MediaView | null) => void }) {
  const { newUploads, avatars } = useMember();
  const { notices } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const [uploads] = useState(newUploads);
  const input = useRef<HTMLInputElement>(null);
  const each = useStore(uploads)[0];
  const ready = each?.phase === 'ready' ? each.media!.id : null;

  useEffect(() => {
    if (!ready) return;
    avatars.set(ready).then((view) => {
      uploads.clear();
      onChange(view);
      notices.say(t('avatar.changed'));
    }, notices.trouble);
  }, [ready, avatars, uploads, onChange, notices, t]);

  return (
    <div className="avatar-picker">
      {picture && <img className="avatar-picture" src={picture.sizes[0]?.url ?? picture.url} alt="" />}
      <input
        ref={input}
        type="file"
        accept="image/jpeg,image/png,image/webp,image/gif"
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          uploads.clear();
          uploads.add([...(event.target.files ?? [])].slice(0, 1));
          event.target.value = '';
        }}
      />
      <div className="actions">
        <button type="button" className="button-soft" onClick={() => input.current?.click()}>
          {t('avatar.change')}
        </button>
        {picture && (
          <button
            type="button"
            className="button-quiet"
            onClick={() => avatars.remove().then(() => onChange(null), notices.trouble)}
          >
            {t('avatar.remove')}
          </button>
        )}
      </div>
      {each?.phase === 'uploading' && (
        <progress max={100} value={Math.round(each.progress * 100)} aria-label={t('media.progress', { name: each.name })} />
      )}
      {each?.phase === 'failed' && (
        <p role="alert">
          {each.media?.refusal ? t(`media.refused_${each.media.refusal}`) : problemText(each.problem!, texts)}{' '}
          {!each.media?.refusal && (
            <button type="button" className="button-quiet" onClick={() => uploads.retry(each.key)}>
              {t('media.resume')}
            </button>
          )}
        </p>
      )}
    </div>
  );
}
