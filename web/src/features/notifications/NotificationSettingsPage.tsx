import { useEffect, useId, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { asProblem, type Problem } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { Failed, Skeletons } from '../../ui/states';
import { SettingsFrame } from '../accounts/SettingsFrame';
import type { Preferences, PreferencesChange } from './notifications';
import './notifications.css';

const CHANNELS = ['in_app', 'push', 'email'] as const;
const DIGESTS = ['off', 'daily', 'weekly'] as const;
/** Eleven in the evening to eight in the morning. */
const NIGHT = { from: 23 * 60, to: 8 * 60 };

export function NotificationSettingsPage() {
  const { notifications } = useMember();
  const { t } = useTexts();
  const [shown, setShown] = useState<Preferences | null>(null);
  const [trouble, setTrouble] = useState<Problem | null>(null);

  useEffect(() => {
    if (shown || trouble) return;
    notifications.preferences().then(setShown, (cause: unknown) => setTrouble(asProblem(cause)));
  }, [notifications, shown, trouble]);

  return (
    <SettingsFrame title={t('settings.notifications')} lead={t('notifications.settings_lead')}>
      {trouble ? (
        <Failed problem={trouble} onRetry={() => setTrouble(null)} />
      ) : shown ? (
        <Form shown={shown} onChange={setShown} />
      ) : (
        <Skeletons shape="post" count={1} />
      )}
    </SettingsFrame>
  );
}

/** Each change is sent at once, and shown as the server has it then. */
function Form({ shown, onChange }: { shown: Preferences; onChange: (preferences: Preferences) => void }) {
  const { notifications } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const id = useId();
  const quiet = shown.quiet_from !== null && shown.quiet_to !== null;

  async function prefer(change: PreferencesChange): Promise<void> {
    try {
      onChange(await notifications.prefer(change));
    } catch (problem) {
      notices.trouble(problem);
    }
  }

  /** The member's clocks are those of this device. */
  const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  return (
    <>
      <section className="card wishes" aria-labelledby={`${id}-kinds`}>
        <h2 id={`${id}-kinds`} className="section-name">
          {t('notifications.kinds')}
        </h2>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('notifications.kind')}</th>
              {CHANNELS.map((channel) => (
                <th key={channel} scope="col">
                  {t(`notifications.channel.${channel}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.kinds.map((wish) => (
              <tr key={wish.kind}>
                <th scope="row">{t(`notifications.kind.${wish.kind}`)}</th>
                {CHANNELS.map((channel) => (
                  <td key={channel}>
                    <input
                      type="checkbox"
                      checked={wish[channel]}
                      aria-label={`${t(`notifications.kind.${wish.kind}`)}: ${t(`notifications.channel.${channel}`)}`}
                      onChange={(event) => void prefer({ kinds: [{ kind: wish.kind, [channel]: event.target.checked }] })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section className="card filter" aria-labelledby={`${id}-quiet`}>
        <h2 id={`${id}-quiet`} className="section-name">
          {t('notifications.quiet')}
        </h2>
        <p className="soft">{t('notifications.quiet_hint', { zone: shown.time_zone })}</p>
        <label className="wish-line">
          <input
            type="checkbox"
            checked={quiet}
            onChange={(event) =>
              void prefer(
                event.target.checked
                  ? { quiet_from: NIGHT.from, quiet_to: NIGHT.to, time_zone }
                  : { quiet_from: 0, quiet_to: 0 },
              )
            }
          />
          {t('notifications.quiet_on')}
        </label>
        {quiet && (
          <div className="wish-times">
            {(['quiet_from', 'quiet_to'] as const).map((end) => (
              <div key={end} className="field">
                <label htmlFor={`${id}-${end}`}>{t(`notifications.${end}`)}</label>
                <div className="field-input">
                  <input
                    id={`${id}-${end}`}
                    type="time"
                    value={clock(shown[end]!)}
                    onChange={(event) => {
                      const minute = minutes(event.target.value);
                      if (minute === null) return;
                      const both = { quiet_from: shown.quiet_from!, quiet_to: shown.quiet_to! };
                      void prefer({ ...both, [end]: minute, time_zone });
                    }}
                  />
                </div>
              </div>
            ))}
          </div>
        )}
      </section>
      <section className="card filter" aria-labelledby={`${id}-digest`}>
        <h2 id={`${id}-digest`} className="section-name">
          {t('notifications.digest')}
        </h2>
        <div className="rsvp" role="group" aria-labelledby={`${id}-digest`}>
          {DIGESTS.map((digest) => (
            <button
              key={digest}
              type="button"
              className="chip"
              aria-pressed={shown.digest === digest}
              onClick={() => void prefer({ digest, time_zone })}
            >
              {t(`notifications.digest.${digest}`)}
            </button>
          ))}
        </div>
      </section>
    </>
  );
}

/** 1380 is 23:00. */
export function clock(minute: number): string {
  const two = (part: number) => String(part).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

export function minutes(text: string): number | null {
  const [hour, minute] = text.split(':').map(Number);
  return hour === undefined || minute === undefined || Number.isNaN(hour + minute) ? null : hour * 60 + minute;
}
