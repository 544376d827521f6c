import { useEffect, useState } from 'react';
import { useApp } from '../../app/context';
import { useStore } from '../../platform/store';
import { useTexts, type TextKey } from '../../platform/texts';
import { useSettled } from '../../platform/useSettled';
import { createStrengthQuestion, type PasswordDraft } from './strength';

const WORDS: readonly TextKey[] = ['strength.0', 'strength.1', 'strength.2', 'strength.3', 'strength.4'];
const QUIET_MS = 350;

/** How easily the password is guessed, while it is typed; screen readers hear it once the typing pauses. */
export function StrengthMeter({ password, about }: { password: string; about: Omit<PasswordDraft, 'password'> }) {
  const { exchange } = useApp();
  const { t, locale } = useTexts();
  const [{ answer, ask }] = useState(() => createStrengthQuestion(exchange));
  const judged = useStore(answer);
  const { email, username, display_name } = about;
  const draft = useSettled(JSON.stringify({ password, email, username, display_name }), QUIET_MS);

  useEffect(() => {
    void ask(JSON.parse(draft) as PasswordDraft);
    // The server's words follow the language.
  }, [ask, draft, locale]);

  const shown = password === '' ? null : judged;
  // What the server would refuse is never called good, however it scores.
  const level = shown === null ? 0 : shown.acceptable ? Math.max(1, shown.score) : Math.min(1, shown.score);
  return (
    <div className={`strength strength-${level}`} role="status">
      {shown !== null && (
        <>
          <span className="strength-bar" aria-hidden="true">
            {[1, 2, 3, 4].map((step) => (
              <i key={step} className={step <= level ? 'filled' : undefined} />
            ))}
          </span>
          <p className="strength-word">{t(WORDS[level]!)}</p>
          {shown.warning && <p className="strength-hint">{shown.warning}</p>}
          {!(shown.acceptable && shown.score > 2) &&
            shown.suggestions.map((suggestion) => (
              <p key={suggestion} className="strength-hint">
                {suggestion}
              </p>
            ))}
        </>
      )}
    </div>
  );
}
