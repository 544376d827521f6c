import { asProblem, type Problem } from 'mundo-tango-client';
import { type FormEvent, type ReactNode, useCallback, useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { Failed, Skeletons } from '../../ui/states';
import { SettingsFrame } from '../accounts/SettingsFrame';
import type { AccessToken, Scope, Webhook } from './programs';

const SCOPES: readonly Scope[] = [
  'posts:read', 'posts:write', 'feed:read', 'events:read', 'events:write', 'groups:read', 'groups:write',
  'members:read', 'follows:read', 'follows:write', 'messages:read', 'messages:write', 'notifications:read',
  'notifications:write', 'media:read', 'media:write', 'search:read', 'webhooks:read', 'webhooks:write',
];
const DAYS = 90;

/** Tokens and webhooks of the member's own programs. */
export function ProgramsPage() {
  const { t } = useTexts();
  return (
    <SettingsFrame title={t('programs.title')} lead={t('programs.lead')}>
      <Tokens />
      <Webhooks />
    </SettingsFrame>
  );
}

/** Reads a list once, and again when asked. */
function useList<T>(read: () => Promise<T[]>) {
  const [all, setAll] = useState<T[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const load = useCallback(() => {
    setProblem(null);
    read().then(setAll, (cause: unknown) => setProblem(asProblem(cause)));
  }, [read]);
  useEffect(load, [load]);
  return { all, problem, load };
}

function Section({ title, list, secret, children }: {
  title: string;
  list: { all: readonly unknown[] | null; problem: Problem | null; load: () => void };
  secret: string | null;
  children: ReactNode;
}) {
  const { t } = useTexts();
  return (
    <section className="card settings-form" aria-label={title}>
      <h2>{title}</h2>
      <div role="status">
        {secret !== null && (
          <p className="form-notice">
            {t('programs.shown_once')} <code>{secret}</code>
          </p>
        )}
      </div>
      {list.problem ? (
        <Failed problem={list.problem} onRetry={list.load} />
      ) : list.all === null ? (
        <Skeletons shape="member" count={1} />
      ) : (
        children
      )}
    </section>
  );
}

function Tokens() {
  const { programs, proofs } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const list = useList<AccessToken>(programs.tokens);
  const [secret, setSecret] = useState<string | null>(null);

  function make(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const scopes = given.getAll('scope') as Scope[];
    const made = proofs.withProof(() => programs.makeToken(String(given.get('name')), scopes, DAYS));
    made.then((token) => {
      setSecret(token);
      form.reset();
      list.load();
    }, notices.trouble);
  }

  return (
    <Section title={t('programs.tokens')} list={list} secret={secret}>
      <ul className="members">
        {list.all?.map((token) => (
          <li key={token.id} className="member">
            <div className="member-who">
              <strong>{token.name}</strong>
              <span className="soft">
                {token.scopes.join(', ')} · {t('programs.until', { day: token.expires_at.slice(0, 10) })}
              </span>
            </div>
            <button
              type="button"
              className="button-soft"
              aria-label={t('programs.end_name', { name: token.name })}
              onClick={() => void programs.endToken(token.id).then(list.load, notices.trouble)}
            >
              {t('programs.end')}
            </button>
          </li>
        ))}
      </ul>
      <form className="settings-form" onSubmit={make} aria-label={t('programs.new_token')}>
        <Field label={t('programs.name')} name="name" required maxLength={80} />
        <fieldset>
          <legend>{t('programs.scopes')}</legend>
          {SCOPES.map((scope) => (
            <label key={scope}>
              <input type="checkbox" name="scope" value={scope} /> {scope}
            </label>
          ))}
        </fieldset>
        <button type="submit" className="button">
          {t('programs.make_token')}
        </button>
      </form>
    </Section>
  );
}

function Webhooks() {
  const { programs } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const list = useList<Webhook>(programs.webhooks);
  const [secret, setSecret] = useState<string | null>(null);

  function make(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    programs.makeWebhook(String(new FormData(form).get('url'))).then((made) => {
      setSecret(made);
      form.reset();
      list.load();
    }, notices.trouble);
  }

  return (
    <Section title={t('programs.webhooks')} list={list} secret={secret}>
      <ul className="members">
        {list.all?.map((hook) => (
          <li key={hook.id} className="member">
            <div className="member-who">
              <strong>{hook.url}</strong>
              <span className="soft">{hook.enabled ? t('programs.on') : t('programs.off')}</span>
            </div>
            <button
              type="button"
              className="button-soft"
              aria-label={t(hook.enabled ? 'programs.switch_off_name' : 'programs.switch_on_name', { name: hook.url })}
              onClick={() => void programs.switchWebhook(hook.id, !hook.enabled).then(list.load, notices.trouble)}
            >
              {hook.enabled ? t('programs.switch_off') : t('programs.switch_on')}
            </button>
            <button
              type="button"
              className="button-soft"
              aria-label={t('programs.end_name', { name: hook.url })}
              onClick={() => void programs.deleteWebhook(hook.id).then(list.load, notices.trouble)}
            >
              {t('programs.end')}
            </button>
          </li>
        ))}
      </ul>
      <form className="settings-form" onSubmit={make} aria-label={t('programs.new_webhook')}>
        <Field label={t('programs.url')} hint={t('programs.url_hint')} name="url" type="url" required />
        <button type="submit" className="button">
          {t('programs.make_webhook')}
        </button>
      </form>
    </Section>
  );
}
