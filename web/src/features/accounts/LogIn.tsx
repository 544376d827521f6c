import { useApp } from '../../app/context';
import { Link } from '../../platform/router';
import { useTexts, type TextKey } from '../../platform/texts';
import { Checkbox, Field } from '../../ui/Field';
import { FormTrouble } from './FormTrouble';
import { reasonText } from './reasons';
import { Welcome } from './Welcome';
import { useAccountForm } from './useAccountForm';

const FIELDS = ['email', 'password', 'remember'] as const;
const NEEDED = ['email', 'password'] as const;

export function LogIn({ reason }: { reason: string | null }) {
  const { session } = useApp();
  const { t } = useTexts();
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: (values) => {
      const found: Partial<Record<(typeof FIELDS)[number], TextKey>> = {};
      for (const name of NEEDED) if (values[name].trim() === '') found[name] = 'field.required';
      return found;
    },
    send: ({ email, password, remember }) => session.logIn({ email: email.trim(), password, remember: remember !== '' }),
  });

  return (
    <Welcome title={t('log_in.title')} lead={t('log_in.lead')}>
      {reason !== null && !problem && (
        <p className="form-notice" role="status">
          {t(reasonText(reason))} {t('log_in.again')}
        </p>
      )}
      <form ref={form} onSubmit={submit} noValidate>
        <FormTrouble problem={problem} errors={errors} />
        <Field label={t('field.email')} name="email" type="email" autoComplete="username" inputMode="email" required error={errors.email} />
        <Field label={t('field.password')} name="password" type="password" autoComplete="current-password" required error={errors.password} />
        <Checkbox label={t('log_in.remember')} hint={t('log_in.remember_hint')} name="remember" defaultChecked />
        <button type="submit" className="button button-wide" aria-disabled={sending}>
          {sending ? t('log_in.submitting') : t('log_in.submit')}
        </button>
      </form>
      <p className="welcome-other">
        {t('log_in.no_account')} <Link to="/signup">{t('log_in.to_sign_up')}</Link>
      </p>
    </Welcome>
  );
}
