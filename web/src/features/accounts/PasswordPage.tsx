import { useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts, type TextKey } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { FormTrouble } from './FormTrouble';
import { SettingsFrame } from './SettingsFrame';
import { StrengthMeter } from './StrengthMeter';
import { useAccountForm } from './useAccountForm';
import { checkNewPassword } from './validation';

const FIELDS = ['current_password', 'new_password'] as const;

export function PasswordPage() {
  const { session } = useApp();
  const { me, sessions } = useMember();
  const { t } = useTexts();
  const [draft, setDraft] = useState('');
  const [done, setDone] = useState(false);
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: (values) => {
      setDone(false);
      const found: Partial<Record<(typeof FIELDS)[number], TextKey>> = {};
      if (values.current_password === '') found.current_password = 'field.required';
      const wrong = checkNewPassword(values.new_password);
      if (wrong) found.new_password = wrong;
      return found;
    },
    fieldOf: (refused) => (refused.code === 'wrong_password' ? 'current_password' : null),
    send: async (values) => {
      await session.changePassword(values);
      form.current?.reset();
      setDraft('');
      setDone(true);
      sessions.changed();
    },
  });

  return (
    <SettingsFrame title={t('password.title')} lead={t('password.lead')}>
      <form ref={form} className="card settings-form" onSubmit={submit} noValidate>
        <FormTrouble problem={problem} errors={errors} />
        <div role="status">{done && <p className="form-notice">{t('password.done')}</p>}</div>
        {/* Tells password managers whose password this is. */}
        <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
        <Field label={t('password.current')} name="current_password" type="password" autoComplete="current-password" required error={errors.current_password} />
        <Field
          label={t('password.new')}
          hint={t('field.password_hint')}
          name="new_password"
          type="password"
          autoComplete="new-password"
          required
          error={errors.new_password}
          onChange={(event) => setDraft(event.target.value)}
        />
        <StrengthMeter password={draft} about={me} />
        <p className="soft">{t('password.others_end')}</p>
        <button type="submit" className="button" aria-disabled={sending}>
          {sending ? t('settings.saving') : t('password.submit')}
        </button>
      </form>
    </SettingsFrame>
  );
}
