import { asProblem, type Problem } from 'mundo-tango-client';
import { useState, type FormEvent } from 'react';
import { useApp } from '../../app/context';
import { Link } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';
import { Welcome } from '../accounts/Welcome';

/** Behind the link of a mail, also for who cannot log in: the moderators decided, and somebody else should look. */
export function AppealPage() {
  const { exchange, linkToken } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const token = useStore(linkToken);
  const [words, setWords] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [done, setDone] = useState(false);

  async function appeal(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (busy || words.trim() === '') return;
    setBusy(true);
    setProblem(null);
    try {
      await exchange({ method: 'POST', path: '/appeals', body: { token, text: words } });
      setDone(true);
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    } catch (cause) {
      setProblem(asProblem(cause));
    }
    setBusy(false);
  }

  if (done) {
    return (
      <Welcome title={t('appeal.done_title')} lead={t('appeal.done')}>
        <Link to="/" className="button button-wide">
          {t('appeal.next')}
        </Link>
      </Welcome>
    );
  }
  return (
    <Welcome title={t('appeal.title')} lead={t('appeal.lead')}>
      <div role="alert">
        {problem && <p className="form-problem">{problemText(problem, texts)}</p>}
        {token === null && <p className="form-notice">{t('not_me.no_token')}</p>}
      </div>
      {token !== null && (
        <form onSubmit={(event) => void appeal(event)}>
          <label>
            {t('appeal.words')}
            <textarea rows={6} maxLength={2000} value={words} required onChange={(event) => setWords(event.target.value)} />
          </label>
          <button type="submit" className="button-wide" aria-disabled={busy}>
            {t('appeal.submit')}
          </button>
        </form>
      )}
    </Welcome>
  );
}
