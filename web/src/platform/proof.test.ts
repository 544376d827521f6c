import { expect, it, vi } from 'vitest';
import { Problem } from 'mundo-tango-client';
import { createProofs } from './proof';

const asks = () => new Problem({ status: 403, code: 'reauth_required' });

/** An action that the server lets pass once the password was shown. */
function setting() {
  let proved = false;
  const prove = vi.fn(async (password: string) => {
    if (password !== 'right') throw new Problem({ status: 403, code: 'wrong_password' });
    proved = true;
  });
  const action = vi.fn(async () => {
    if (!proved) throw asks();
    return 'done';
  });
  return { ...createProofs(prove), prove, action };
}

const turn = () => new Promise((go) => setTimeout(go));

it('asks nothing when the server asks nothing', async () => {
  const { withProof, question, prove } = setting();
  expect(await withProof(async () => 'done')).toBe('done');
  expect(question.get()).toBeNull();
  expect(prove).not.toHaveBeenCalled();
});

it('asks for the password and runs the action again', async () => {
  const { withProof, question, action } = setting();
  const result = withProof(action);
  await turn();
  await question.get()!.answer('right');
  expect(await result).toBe('done');
  expect(action).toHaveBeenCalledTimes(2);
  expect(question.get()).toBeNull();
});

it('lets the question stand after a wrong password', async () => {
  const { withProof, question, action } = setting();
  const result = withProof(action);
  await turn();
  await expect(question.get()!.answer('wrong')).rejects.toMatchObject({ code: 'wrong_password' });
  expect(question.get()).not.toBeNull();
  expect(action).toHaveBeenCalledTimes(1);
  await question.get()!.answer('right');
  expect(await result).toBe('done');
});

it('ends with proof_declined when the member does not answer, and asks anew the next time', async () => {
  const { withProof, question, action } = setting();
  const result = withProof(action);
  await turn();
  question.get()!.decline();
  await expect(result).rejects.toMatchObject({ code: 'proof_declined' });
  expect(question.get()).toBeNull();
  const again = withProof(action);
  await turn();
  await question.get()!.answer('right');
  expect(await again).toBe('done');
});

it('asks once for two actions that wait', async () => {
  const { withProof, question, action, prove } = setting();
  const both = Promise.all([withProof(action), withProof(action)]);
  await turn();
  await question.get()!.answer('right');
  expect(await both).toEqual(['done', 'done']);
  expect(prove).toHaveBeenCalledTimes(1);
});

it('leaves other refusals to the caller, and does not ask twice for one action', async () => {
  const { withProof, question } = setting();
  const forbidden = new Problem({ status: 403, code: 'forbidden' });
  await expect(withProof(() => Promise.reject(forbidden))).rejects.toBe(forbidden);
  expect(question.get()).toBeNull();
  const stubborn = withProof(() => Promise.reject(asks()));
  await turn();
  await question.get()!.answer('right');
  await expect(stubborn).rejects.toMatchObject({ code: 'reauth_required' });
});
