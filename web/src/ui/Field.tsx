import { useId, useState, type InputHTMLAttributes, type KeyboardEvent } from 'react';
import { useTexts } from '../platform/texts';
import { EyeIcon, EyeOffIcon } from './icons';

/** A labelled input with its hint and its error, tied together for screen readers. */
export function Field({
  label,
  hint,
  error,
  ...input
}: { label: string; hint?: string; error?: string | undefined } & Omit<InputHTMLAttributes<HTMLInputElement>, 'id'>) {
  const { t } = useTexts();
  const id = useId();
  const [shown, setShown] = useState(false);
  const secret = input.type === 'password';
  const [capsLock, setCapsLock] = useState(false);
  const described = [error ? `${id}-error` : null, hint ? `${id}-hint` : null].filter(Boolean).join(' ');

  function noticeCapsLock(event: KeyboardEvent<HTMLInputElement>): void {
    // A manager that fills the field in sends key events without modifiers.
    if (secret && typeof event.getModifierState === 'function') setCapsLock(event.getModifierState('CapsLock'));
  }

  return (
    <div className={error ? 'field field-wrong' : 'field'}>
      <label htmlFor={id}>{label}</label>
      <div className="field-input">
        <input
          {...input}
          id={id}
          type={secret && shown ? 'text' : input.type}
          aria-invalid={error ? true : undefined}
          aria-describedby={described || undefined}
          onKeyUp={noticeCapsLock}
          onBlur={() => setCapsLock(false)}
        />
        {secret && (
          <button
            type="button"
            className="button-quiet field-eye"
            aria-label={shown ? t('field.password_hide') : t('field.password_show')}
            onClick={() => setShown(!shown)}
          >
            {shown ? <EyeOffIcon /> : <EyeIcon />}
          </button>
        )}
      </div>
      {secret && (
        <p className="field-caps" role="status">
          {capsLock && t('field.caps_lock')}
        </p>
      )}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A box to tick, with its words beside it. */
export function Checkbox({
  label,
  hint,
  ...input
}: { label: string; hint?: string } & Omit<InputHTMLAttributes<HTMLInputElement>, 'id' | 'type'>) {
  const id = useId();
  return (
    <div className="checkbox">
      <input {...input} id={id} type="checkbox" aria-describedby={hint ? `${id}-hint` : undefined} />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p className="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
