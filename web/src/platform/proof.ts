/**
 * What a stolen access token must not do: the server asks for a fresh proof of who is there (403 `reauth_required`).
 *
 * `withProof` runs an action; when the server asks, the member is asked for the password, and the action is run
 * once more. Several actions that wait at the same time share one question.
 */
import { Problem } from 'mundo-tango-client';
import { createStore, type Readable } from './store';

export interface Question {
  /** Throws a `Problem` when the password is refused; the question then stands on. */
  answer(password: string): Promise<void>;
  decline(): void;
}

export interface Proofs {
  question: Readable<Question | null>;
  /** Rejects with a `Problem` of code `proof_declined` when the member does not want to answer. */
  withProof<T>(action: () => Promise<T>): Promise<T>;
}

export function createProofs(prove: (password: string) => Promise<void>): Proofs {
  const question = createStore<Question | null>(null);
  let asked: Promise<void> | null = null;

  function ask(): Promise<void> {
    asked ??= new Promise<void>((resolve, reject) => {
      question.set({
        answer: async (password) => {
          await prove(password);
          resolve();
        },
        decline: () => reject(new Problem({ status: 0, code: 'proof_declined' })),
      });
    }).finally(() => {
      asked = null;
      question.set(null);
    });
    return asked;
  }

  return {
    question,
    async withProof(action) {
      try {
        return await action();
      } catch (cause) {
        if (!(cause instanceof Problem) || cause.code !== 'reauth_required' || cause.status !== 403) throw cause;
      }
      await ask();
      return action();
    },
  };
}
