import { expect, it } from 'vitest';
import { Problem } from 'mundo-tango-client';
import { createStrengthQuestion, type PasswordStrength } from './strength';

const weak: PasswordStrength = { score: 0, acceptable: false, warning: 'Common.', suggestions: [] };
const strong: PasswordStrength = { score: 4, acceptable: true, warning: null, suggestions: [] };

/** A server whose answers come when the test wants. */
function slowServer() {
  const waiting: { password: string; say: (answer: PasswordStrength | Problem) => void }[] = [];
  const { answer, ask } = createStrengthQuestion((request) =>
    new Promise((resolve, reject) => {
      waiting.push({
        password: (request.body as { password: string }).password,
        say: (said) => (said instanceof Problem ? reject(said) : resolve({ status: 200, data: said, etag: null })),
      });
    }),
  );
  return { answer, ask, waiting };
}

it('shows the answer to the last question, whatever the order of the answers', async () => {
  const { answer, ask, waiting } = slowServer();
  const both = [ask({ password: 'tango' }), ask({ password: 'tango y milonga del sur' })];
  waiting[1]!.say(strong);
  waiting[0]!.say(weak);
  await Promise.all(both);
  expect(answer.get()).toEqual(strong);
});

it('forgets the answer when the field is emptied, and asks nothing then', async () => {
  const { answer, ask, waiting } = slowServer();
  const asked = ask({ password: 'tango' });
  await ask({ password: '' });
  waiting[0]!.say(weak);
  await asked;
  expect(answer.get()).toBeNull();
  expect(waiting).toHaveLength(1);
});

it('shows nothing rather than trouble', async () => {
  const { answer, ask, waiting } = slowServer();
  const first = ask({ password: 'a' });
  waiting[0]!.say(weak);
  await first;
  const second = ask({ password: 'ab' });
  waiting[1]!.say(new Problem({ status: 429, code: 'rate_limited' }));
  await second;
  expect(answer.get()).toBeNull();
});
