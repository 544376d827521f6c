import { useEffect, useId, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { useTexts } from '../../platform/texts';
import { BODY_CHARS, bodyLength } from './posts';

/** From here on the count says what is left. */
const NEAR_CHARS = 200;

/** The text of a post with its character count, and the buttons beside it. Ctrl+Enter or Cmd+Enter submits. */
export function BodyField({
  label,
  value,
  placeholder,
  autoFocus = false,
  error,
  onChange,
  onSubmit,
  children,
}: {
  label: string;
  value: string;
  placeholder?: string;
  autoFocus?: boolean;
  error?: string | undefined;
  onChange: (value: string) => void;
  onSubmit: () => void;
  children: ReactNode;
}) {
  const { t } = useTexts();
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const length = bodyLength(value);
  const left = BODY_CHARS - length;

  useEffect(() => {
    if (autoFocus) area.current?.focus();
  }, [autoFocus]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSubmit();
    }
  }

  return (
    <div className="body-field">
      <label className="visually-hidden" htmlFor={id}>
        {label}
      </label>
      <textarea
        ref={area}
        id={id}
        rows={2}
        value={value}
        placeholder={placeholder}
        aria-invalid={left < 0 || error ? true : undefined}
        aria-describedby={`${id}-count`}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      <div className="body-foot">
        <p id={`${id}-count`} className={left < 0 ? 'body-count body-over' : 'body-count'}>
          {left < 0
            ? t('post.count_over', { count: -left })
            : left <= NEAR_CHARS
              ? t('post.count_left', { count: left })
              : t('post.count', { count: length, most: BODY_CHARS })}
        </p>
        {children}
      </div>
      {/* Said aloud only where it matters: near the end and beyond it. */}
      <span className="visually-hidden" role="status">
        {left < 0 ? t('post.count_over', { count: -left }) : left <= 20 ? t('post.count_left', { count: left }) : ''}
      </span>
    </div>
  );
}

export function publishable(body: string): boolean {
  const length = bodyLength(body);
  return length > 0 && length <= BODY_CHARS;
}
