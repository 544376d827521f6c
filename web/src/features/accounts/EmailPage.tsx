import { useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts, type TextKey } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { FormTrouble } from './FormTrouble';
import { SettingsFrame } from './SettingsFrame';
import { useAccountForm } from './useAccountForm';
import { checkEmail } from './validation';

const FIELDS = ['email'] as const;

export function EmailPage() {
  const { session } = useApp();
  const { me, proofs, changeEmail } = useMember();
  const { t } = useTexts();
  const [done, setDone] = useState(false);
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: ({ email }) => {
      setDone(false);
      const wrong: TextKey | null = checkEmail(email);
      return wrong ? { email: wrong } : {};
    },
    fieldOf: (refused) => (refused.code === 'email_taken' ? 'email' : null),
    send: async ({ email }) => {
      session.update(await proofs.withProof(() => changeEmail(email.trim())));
      form.current?.reset();
      setDone(true);
    },
  });

  return (
    <SettingsFrame title={t('email.title')} lead={t('email.lead')}>
      <form ref={form} className="card settings-form" onSubmit={submit} noValidate>
        <FormTrouble problem={problem} errors={errors} />
        <div role="status">{done && <p className="form-notice">{t('email.done')}</p>}</div>
        <dl className="facts">
          <div>
            <dt>{t('email.current')}</dt>
            <dd className="email-current">{me.email}</dd>
          </div>
        </dl>
        <Field label={t('email.new')} name="email" type="email" autoComplete="email" inputMode="email" required error={errors.email} />
        <button type="submit" className="button" aria-disabled={sending}>
          {sending ? t('settings.saving') : t('email.submit')}
        </button>
      </form>
    </SettingsFrame>
  );
}
