import { asProblem, type Problem } from 'mundo-tango-client';
import { useCallback, useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { Field } from '../../ui/Field';
import { problemText } from '../../ui/problemText';
import { Failed, Skeletons } from '../../ui/states';
import type { Deletion } from './data';
import { SettingsFrame } from './SettingsFrame';

/** Taking along what is one's own, and leaving. */
export function DataPage() {
  const { t } = useTexts();
  return (
    <SettingsFrame title={t('data.title')} lead={t('data.lead')}>
      <Export />
      <Leaving />
    </SettingsFrame>
  );
}

function Export() {
  const { data, proofs } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [busy, setBusy] = useState(false);

  async function save(): Promise<void> {
    setBusy(true);
    try {
      const text = await proofs.withProof(() => data.export());
      const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
      const link = Object.assign(document.createElement('a'), { href: url, download: 'mundo-tango.json' });
      link.click();
      URL.revokeObjectURL(url);
    } catch (cause) {
      notices.trouble(cause);
    } finally {
      setBusy(false);
    }
  }

  return (
    <section className="card settings-form" aria-label={t('data.export')}>
      <h2>{t('data.export')}</h2>
      <p>{t('data.export_hint')}</p>
      <button type="button" className="button" aria-disabled={busy} onClick={() => void (busy || save())}>
        {busy ? t('data.exporting') : t('data.export_now')}
      </button>
    </section>
  );
}

function Leaving() {
  const { data, proofs, me } = useMember();
  const { notices } = useApp();
  const texts = useTexts();
  const { t } = texts;
  const [deletion, setDeletion] = useState<Deletion | null | 'loading'>('loading');
  const [trouble, setTrouble] = useState<Problem | null>(null);
  const [refused, setRefused] = useState<string | undefined>();

  const load = useCallback(() => {
    setTrouble(null);
    data.deletion().then(setDeletion, (cause: unknown) => setTrouble(asProblem(cause)));
  }, [data]);
  useEffect(load, [load]);

  if (trouble) return <Failed problem={trouble} onRetry={load} />;
  if (deletion === 'loading') return <Skeletons shape="member" count={1} />;
  if (deletion !== null) {
    return (
      <section className="card settings-form" aria-label={t('data.leaving')}>
        <h2>{t('data.leaving')}</h2>
        <p role="status">{t('data.ends', { day: deletion.erase_at.slice(0, 10) })}</p>
        <button
          type="button"
          className="button"
          onClick={() => void data.takeBack().then(() => setDeletion(null), notices.trouble)}
        >
          {t('data.stay')}
        </button>
      </section>
    );
  }
  return (
    <form
      className="card settings-form"
      aria-label={t('data.leaving')}
      onSubmit={(event) => {
        event.preventDefault();
        const username = String(new FormData(event.currentTarget).get('username') ?? '').trim();
        setRefused(undefined);
        // The session ends with the answer; the page at the door says why.
        proofs.withProof(() => data.ask(username)).then(setDeletion, (cause: unknown) => {
          const problem = asProblem(cause);
          if (problem.code === 'invalid') setRefused(t('data.wrong_name'));
          else if (problem.code !== 'proof_declined') setRefused(problemText(problem, texts));
        });
      }}
    >
      <h2>{t('data.leaving')}</h2>
      <p>{t('data.leaving_hint')}</p>
      <Field label={t('data.username', { name: me.username })} name="username" autoComplete="off" required error={refused} />
      <button type="submit" className="button-soft">
        {t('data.leave')}
      </button>
    </form>
  );
}
