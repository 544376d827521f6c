import { useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { SettingsFrame } from '../accounts/SettingsFrame';

/** Whether this device tells the member what happens while no page is open. */
export function PushPage() {
  const { notices } = useApp();
  const { push } = useMember();
  const { t } = useTexts();
  const state = useStore(push);
  const [busy, setBusy] = useState(false);

  useEffect(() => void push.look().catch(notices.trouble), [push, notices]);

  async function turn(): Promise<void> {
    setBusy(true);
    await (state === 'on' ? push.turnOff() : push.turnOn()).catch(notices.trouble);
    setBusy(false);
  }

  const can = state === 'on' || state === 'off';
  return (
    <SettingsFrame title={t('push.title')} lead={t('push.lead')}>
      <div className="card settings-form">
        <p role="status">{t(`push.${state}`)}</p>
        {can && (
          <div className="actions">
            <button type="button" className="button" disabled={busy} onClick={() => void turn()}>
              {t(state === 'on' ? 'push.turn_off' : 'push.turn_on')}
            </button>
          </div>
        )}
      </div>
    </SettingsFrame>
  );
}
