import { useId, useState, type InputHTMLAttributes } from 'react';
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
  const described = [error ? `${id}-error` : null, hint ? `${id}-hint` : null].filter(Boolean).join(' ');

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
