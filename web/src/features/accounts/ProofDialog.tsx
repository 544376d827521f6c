import { useMember } from '../../app/context';
import type { Question } from '../../platform/proof';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { Dialog } from '../../ui/Dialog';
import { Field } from '../../ui/Field';
import { FormTrouble } from './FormTrouble';
import { useAccountForm } from './useAccountForm';

/** Shown wherever an action needs a fresh proof of who is there. */
export function ProofDialog() {
  const { proofs } = useMember();
  const question = useStore(proofs.question);
  return question && <Ask question={question} />;
}

const FIELDS = ['password'] as const;

function Ask({ question }: { question: Question }) {
  const { me } = useMember();
  const { t } = useTexts();
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: ({ password }) => (password === '' ? { password: 'field.required' } : {}),
    fieldOf: (refused) => (refused.code === 'wrong_password' ? 'password' : null),
    send: ({ password }) => question.answer(password),
  });
  return (
    <Dialog title={t('proof.title')} onCancel={question.decline}>
      <p>{t('proof.hint')}</p>
      <form ref={form} className="dialog-form" onSubmit={submit} noValidate>
        <FormTrouble problem={problem} errors={{}} />
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <Field label={t('field.password')} name="password" type="password" autoComplete="current-password" required autoFocus error={errors.password} />
        <div className="actions">
          <button type="button" className="button-soft" onClick={question.decline}>
            {t('app.cancel')}
          </button>
          <button type="submit" className="button" aria-disabled={sending}>
            {sending ? t('proof.checking') : t('proof.submit')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
