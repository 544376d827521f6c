import { useApp } from '../../app/context';
import { Link } from '../../platform/router';
import { useTexts, type TextKey } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { problemText } from '../../ui/problemText';
import { Welcome } from './Welcome';
import { useAccountForm } from './useAccountForm';

const FIELDS = ['email', 'password'] as const;

export function LogIn({ reason }: { reason: string | null }) {
  const { session } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: (values) => {
      const found: Partial<Record<(typeof FIELDS)[number], TextKey>> = {};
      for (const name of FIELDS) if (values[name].trim() === '') found[name] = 'field.required';
      return found;
    },
    send: ({ email, password }) => session.logIn({ email: email.trim(), password }),
  });

  return (
    <Welcome title={t('log_in.title')} lead={t('log_in.lead')}>
      {reason !== null && !problem && (
        <p className="form-notice" role="status">
          {reason === 'session_revoked' ? t('log_in.ended_revoked') : t('log_in.ended')}
        </p>
      )}
      <form ref={form} onSubmit={submit} noValidate>
        {problem && (
          <p className="form-problem" role="alert">
            {problemText(problem, texts)}
          </p>
        )}
        <Field label={t('field.email')} name="email" type="email" autoComplete="username" inputMode="email" required error={errors.email} />
        <Field label={t('field.password')} name="password" type="password" autoComplete="current-password" required error={errors.password} />
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
