import { useId, useRef, type ChangeEvent } from 'react';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';
import { PictureIcon } from '../../ui/icons';
import { ACCEPT, MOST, type Picked, type Uploads } from './uploads';

/** The button that adds files to a form. The form lists them with `PickedMedia` and sends `uploads.mediaIds()`. */
export function MediaButton({ uploads }: { uploads: Uploads }) {
  const { t } = useTexts();
  const input = useRef<HTMLInputElement>(null);
  const full = useStore(uploads).length >= MOST;

  function onChange(event: ChangeEvent<HTMLInputElement>): void {
    uploads.add(event.target.files ?? []);
    // The same file may be picked again after it was let go.
    event.target.value = '';
  }

  return (
    <>
      <input ref={input} type="file" multiple accept={ACCEPT} className="visually-hidden" tabIndex={-1} aria-hidden="true" onChange={onChange} />
      <button
        type="button"
        className="button-quiet media-button"
        aria-disabled={full}
        onClick={() => full || input.current?.click()}
      >
        <PictureIcon />
        {t('media.add')}
      </button>
    </>
  );
}

/** The files of a form: how far each is, its description, and a way to let it go. */
export function PickedMedia({ uploads }: { uploads: Uploads }) {
  const picked = useStore(uploads);
  if (picked.length === 0) return null;
  return (
    <ul className="media-picked">
      {picked.map((each) => (
        <PickedItem key={each.key} each={each} uploads={uploads} />
      ))}
    </ul>
  );
}

function PickedItem({ each, uploads }: { each: Picked; uploads: Uploads }) {
  const texts = useTexts();
  const { t } = texts;
  const id = useId();
  const percent = Math.round(each.progress * 100);
  const shown = each.media?.view?.sizes[0]?.url ?? each.preview;
  return (
    <li className={`media-item media-${each.phase}`}>
      {shown ? <img src={shown} alt="" /> : <span className="media-name">{each.name}</span>}
      {each.phase === 'uploading' && (
        <progress max={100} value={percent} aria-label={t('media.progress', { name: each.name })} />
      )}
      {each.phase === 'looking' && (
        <p className="media-note" role="status">
          {t('media.looking')}
        </p>
      )}
      {each.phase === 'ready' && (
        <>
          <label className="visually-hidden" htmlFor={id}>
            {t('media.alt', { name: each.name })}
          </label>
          <input
            id={id}
            maxLength={1000}
            placeholder={t('media.alt_hint')}
            defaultValue={each.alt}
            onBlur={(event) => void uploads.describe(each.key, event.target.value.trim()).catch(() => undefined)}
          />
        </>
      )}
      {each.phase === 'failed' && (
        <div className="media-note" role="alert">
          <p>{each.media?.refusal ? t(`media.refused_${each.media.refusal}`) : problemText(each.problem!, texts)}</p>
          {!each.media?.refusal && (
            <button type="button" className="button-quiet" onClick={() => uploads.retry(each.key)}>
              {t('media.resume')}
            </button>
          )}
        </div>
      )}
      <button
        type="button"
        className="media-remove"
        aria-label={t('media.remove', { name: each.name })}
        onClick={() => uploads.remove(each.key)}
      >
        ×
      </button>
    </li>
  );
}
