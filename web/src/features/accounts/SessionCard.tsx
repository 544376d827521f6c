import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from 'react';
import { useApp, useMember } from '../../app/context';
import { asProblem } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { problemText } from '../../ui/problemText';
import { Time } from '../../ui/Time';
import type { LivingSession } from './sessions';

/** One log-in on one device. */
export function SessionCard({ session }: { session: LivingSession }) {
  const { sessions } = useMember();
  const { notices } = useApp();
  const { t, moment } = useTexts();
  const [naming, setNaming] = useState(false);
  const [ending, setEnding] = useState(false);
  const rename = useRef<HTMLButtonElement>(null);
  const id = useId();
  const device = session.device || t('sessions.unknown_device');
  const name = session.label || device;

  async function end(): Promise<void> {
    if (ending) return;
    setEnding(true);
    try {
      await sessions.end(session.id);
      notices.say(t('sessions.ended', { name }));
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    } catch (cause) {
      setEnding(false);
      notices.trouble(cause);
    }
  }

  function doneNaming(): void {
    setNaming(false);
    rename.current?.focus();
  }

  return (
    <li className={session.current ? 'card session session-current' : 'card session'} aria-labelledby={id}>
      <div className="session-head">
        <h2 id={id} dir="auto">
          {name}
        </h2>
        {session.current && <span className="session-here">{t('sessions.current')}</span>}
      </div>
      <dl className="facts">
        {session.label !== '' && <Fact term={t('sessions.device')}>{device}</Fact>}
        <Fact term={t('sessions.last_used')}>{session.current ? t('sessions.now') : <Time at={session.last_used_at} />}</Fact>
        <Fact term={t('sessions.began')}>
          <Time at={session.created_at} />
        </Fact>
        <Fact term={t('sessions.network')}>{session.network ?? t('sessions.network_forgotten')}</Fact>
        <Fact term={t('sessions.expires')}>
          <time dateTime={session.expires_at}>{moment(session.expires_at)}</time>
        </Fact>
      </dl>
      {naming && <NameForm session={session} onDone={doneNaming} />}
      <div className="actions">
        <button
          ref={rename}
          type="button"
          className="button-soft"
          aria-expanded={naming}
          aria-label={t('sessions.rename_name', { name })}
          onClick={() => setNaming(!naming)}
        >
          {t('sessions.rename')}
        </button>
        {!session.current && (
          <button
            type="button"
            className="button-soft session-end"
            aria-disabled={ending}
            aria-label={t('sessions.end_name', { name })}
            onClick={() => void end()}
          >
            {ending ? t('sessions.ending') : t('sessions.end')}
          </button>
        )}
      </div>
    </li>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function NameForm({ session, onDone }: { session: LivingSession; onDone: () => void }) {
  const { sessions } = useMember();
  const { notices } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const form = useRef<HTMLFormElement>(null);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);

  useEffect(() => form.current?.querySelector('input')?.select(), []);

  async function save(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (busy) return;
    const label = String(new FormData(event.currentTarget).get('label') ?? '').trim();
    setBusy(true);
    try {
      await sessions.rename(session.id, label);
      notices.say(t('sessions.renamed'));
      onDone();
    } catch (cause) {
      const problem = asProblem(cause);
      setError(problem.errors[0]?.detail ?? problemText(problem, texts));
      setBusy(false);
    }
  }

  return (
    <form ref={form} className="session-name" onSubmit={(event) => void save(event)} noValidate>
      <Field
        label={t('sessions.label')}
        hint={t('sessions.label_hint')}
        name="label"
        defaultValue={session.label}
        maxLength={60}
        autoComplete="off"
        error={error}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onDone();
        }}
      />
      <div className="actions">
        <button type="submit" className="button" aria-disabled={busy}>
          {t('sessions.save')}
        </button>
        <button type="button" className="button-soft" onClick={onDone}>
          {t('app.cancel')}
        </button>
      </div>
    </form>
  );
}
