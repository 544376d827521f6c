import type { components, Exchange } from 'mundo-tango-client';
import { createStore, type Readable } from '../../platform/store';

export type PasswordStrength = components['schemas']['PasswordStrength'];
export type PasswordDraft = components['schemas']['PasswordDraft'];

export interface StrengthQuestion {
  /** What is known of the last password asked about; null while there is none, or when the server had no answer. */
  answer: Readable<PasswordStrength | null>;
  ask(draft: PasswordDraft): Promise<void>;
}

/** Asks the server, which knows what it will take. A hint only: trouble shows nothing, and old answers do not count. */
export function createStrengthQuestion(exchange: Exchange): StrengthQuestion {
  const answer = createStore<PasswordStrength | null>(null);
  let last = 0;
  return {
    answer,
    async ask(draft) {
      last += 1;
      const own = last;
      if (draft.password === '') return answer.set(null);
      let found: PasswordStrength | null = null;
      try {
        found = (await exchange({ method: 'POST', path: '/auth/password-strength', body: draft })).data as PasswordStrength;
      } catch {
        // The form itself will hear what the server thinks.
      }
      if (own === last) answer.set(found);
    },
  };
}
