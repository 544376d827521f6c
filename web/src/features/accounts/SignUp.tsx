import { useState, type FormEvent } from 'react';
import { useApp } from '../../app/context';
import { Link } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { FormTrouble } from './FormTrouble';
import { StrengthMeter } from './StrengthMeter';
import { Welcome } from './Welcome';
import { useAccountForm } from './useAccountForm';
import { checkNewAccount } from './validation';

const FIELDS = ['display_name', 'username', 'email', 'password'] as const;

export function SignUp() {
  const { session } = useApp();
  const { t } = useTexts();
  const [draft, setDraft] = useState({ password: '', email: '', username: '', display_name: '' });
  const { form, errors, problem, sending, submit } = useAccountForm({
    fields: FIELDS,
    t,
    check: checkNewAccount,
    send: (values) =>
      session.register({
        email: values.email.trim(),
        password: values.password,
        username: values.username.trim().toLowerCase(),
        display_name: values.display_name.trim(),
      }),
  });

  function keepDraft(event: FormEvent<HTMLFormElement>): void {
    const { name, value } = event.target as HTMLInputElement;
    if (name in draft) setDraft((before) => ({ ...before, [name]: value }));
  }

  return (
    <Welcome title={t('sign_up.title')} lead={t('sign_up.lead')}>
      <form ref={form} onSubmit={submit} onInput={keepDraft} noValidate>
        <FormTrouble problem={problem} errors={errors} />
        <Field label={t('field.display_name')} hint={t('field.display_name_hint')} name="display_name" autoComplete="name" required error={errors.display_name} />
        <Field label={t('field.username')} hint={t('field.username_hint')} name="username" autoComplete="nickname" autoCapitalize="none" spellCheck={false} required error={errors.username} />
        <Field label={t('field.email')} name="email" type="email" autoComplete="username" inputMode="email" required error={errors.email} />
        <Field label={t('field.password')} hint={t('field.password_hint')} name="password" type="password" autoComplete="new-password" required error={errors.password} />
        <StrengthMeter password={draft.password} about={draft} />
        <button type="submit" className="button button-wide" aria-disabled={sending}>
          {sending ? t('sign_up.submitting') : t('sign_up.submit')}
        </button>
      </form>
      <p className="welcome-other">
        {t('sign_up.have_account')} <Link to="/login">{t('sign_up.to_log_in')}</Link>
      </p>
    </Welcome>
  );
}
