import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { useTexts } from '../../platform/texts';
import { CloseIcon, SendIcon } from '../../ui/icons';
import { BODY_CHARS, bodyLength } from '../posts/posts';
import type { Message } from './conversation';
import { Quote } from './MessageItem';

/** The box to say something: Enter says it, Shift and Enter begin a new line. */
export function SayBox({
  answered,
  onForget,
  onSay,
}: {
  answered: Message | null;
  onForget: () => void;
  onSay: (body: string) => void;
}) {
  const { t } = useTexts();
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const [body, setBody] = useState('');
  const length = bodyLength(body);
  const over = length - BODY_CHARS;

  useEffect(() => {
    if (answered) area.current?.focus();
  }, [answered]);

  function say(): void {
    if (length === 0 || over > 0) return;
    onSay(body);
    setBody('');
  }

  function onKeyDown(event: KeyboardEvent): void {
    // While a word is being put together (Japanese, for one), Enter belongs to it.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      say();
    }
    if (event.key === 'Escape' && answered) onForget();
  }

  function submit(event: FormEvent): void {
    event.preventDefault();
    say();
    area.current?.focus();
  }

  return (
    <form className="say" onSubmit={submit}>
      {answered && (
        <div className="say-answers">
          <Quote of={answered} />
          <button type="button" className="button-quiet" aria-label={t('chat.forget_reply')} onClick={onForget}>
            <CloseIcon />
          </button>
        </div>
      )}
      <label className="visually-hidden" htmlFor={id}>
        {t('chat.say')}
      </label>
      <textarea
        ref={area}
        id={id}
        rows={1}
        value={body}
        placeholder={t('chat.say_hint')}
        aria-invalid={over > 0 ? true : undefined}
        onChange={(event) => setBody(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" className="button say-button" aria-label={t('chat.send')} aria-disabled={length === 0 || over > 0}>
        <SendIcon />
      </button>
      {over > 0 && (
        <p className="field-error" role="status">
          {t('post.count_over', { count: over })}
        </p>
      )}
    </form>
  );
}
