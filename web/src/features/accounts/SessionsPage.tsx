import { useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { Dialog } from '../../ui/Dialog';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { SessionCard } from './SessionCard';
import { SettingsFrame } from './SettingsFrame';

const LOOK_AGAIN_MS = 30_000;

export function SessionsPage() {
  const { sessions } = useMember();
  const { t } = useTexts();
  const [asking, setAsking] = useState(false);

  // Ends are pushed; a log-in elsewhere and the last use are not.
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'visible') sessions.changed();
    };
    const timer = setInterval(look, LOOK_AGAIN_MS);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [sessions]);

  return (
    <SettingsFrame title={t('sessions.title')} lead={t('sessions.lead')}>
      <ListView
        list={sessions.list}
        maxAgeMs={0}
        loading={<Skeletons shape="member" />}
        empty={<Empty title={t('sessions.empty')} />}
      >
        {(living) => (
          <>
            <ul className="sessions">
              {living.map((session) => (
                <SessionCard key={session.id} session={session} />
              ))}
            </ul>
            {living.some((session) => !session.current) ? (
              <div className="actions">
                <button type="button" className="button-danger" onClick={() => setAsking(true)}>
                  {t('sessions.end_others')}
                </button>
              </div>
            ) : (
              <p className="soft sessions-alone">{t('sessions.only_here')}</p>
            )}
          </>
        )}
      </ListView>
      {asking && <EndOthersDialog onDone={() => setAsking(false)} />}
    </SettingsFrame>
  );
}

function EndOthersDialog({ onDone }: { onDone: () => void }) {
  const { sessions } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [busy, setBusy] = useState(false);

  async function endOthers(): Promise<void> {
    if (busy) return;
    setBusy(true);
    try {
      const count = await sessions.endOthers();
      notices.say(t('sessions.others_ended', { count }));
    } catch (cause) {
      notices.trouble(cause);
    }
    onDone();
    // The button that opened the question may be gone.
    document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }

  return (
    <Dialog title={t('sessions.end_others_title')} onCancel={onDone}>
      <p>{t('sessions.end_others_hint')}</p>
      <div className="actions">
        <button type="button" className="button-soft" onClick={onDone}>
          {t('app.cancel')}
        </button>
        <button type="button" className="button-danger" aria-disabled={busy} onClick={() => void endOthers()}>
          {busy ? t('sessions.ending') : t('sessions.end_others')}
        </button>
      </div>
    </Dialog>
  );
}
