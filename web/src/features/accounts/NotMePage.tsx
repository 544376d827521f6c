import { useState } from 'react';
import { useApp } from '../../app/context';
import { asProblem, type Problem } from 'mundo-tango-client';
import { Link } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';
import { Welcome } from './Welcome';

/** Behind the link of a mail, for members and for visitors: somebody else was logged in. */
export function NotMePage() {
  const { exchange, session, linkToken } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const token = useStore(linkToken);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState(false);

  async function endAll(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await exchange({ method: 'POST', path: '/auth/not-me', body: { token } });
      setDone(true);
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
      // This browser's own session may be one of them: the server knows.
      if (session.get().phase === 'signed_in') await session.revoked('not_me');
    } catch (cause) {
      setProblem(asProblem(cause));
    }
    setBusy(false);
  }

  if (done) {
    return (
      <Welcome title={t('not_me.done_title')} lead={t('not_me.done')}>
        <Link to="/settings/password" className="button button-wide">
          {t('not_me.next')}
        </Link>
      </Welcome>
    );
  }
  return (
    <Welcome title={t('not_me.title')} lead={t('not_me.lead')}>
      <div role="alert">
        {problem && <p className="form-problem">{problemText(problem, texts)}</p>}
        {token === null && <p className="form-notice">{t('not_me.no_token')}</p>}
      </div>
      {token !== null && (
        <>
          <ul className="not-me-steps">
            <li>{t('not_me.step_end')}</li>
            <li>{t('not_me.step_password')}</li>
          </ul>
          <button type="button" className="button-danger button-wide" aria-disabled={busy} onClick={() => void endAll()}>
            {busy ? t('sessions.ending') : t('not_me.submit')}
          </button>
        </>
      )}
      <p className="welcome-other">
        <Link to={token === null || problem ? '/settings/sessions' : '/'}>
          {t(token === null || problem ? 'not_me.to_sessions' : 'not_me.was_me')}
        </Link>
      </p>
    </Welcome>
  );
}
