import { useMember } from '../../app/context';
import { useTexts } from '../../platform/texts';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { Time } from '../../ui/Time';
import { detailText, isAlarming, kindText } from './reasons';
import type { SecurityLogEntry } from './sessions';
import { SettingsFrame } from './SettingsFrame';

export function SecurityLogPage() {
  const { sessions } = useMember();
  const { t } = useTexts();
  return (
    <SettingsFrame title={t('security_log.title')} lead={t('security_log.lead')}>
      <ListView
        list={sessions.log}
        maxAgeMs={0}
        loading={<Skeletons shape="member" />}
        empty={<Empty title={t('security_log.empty')} />}
      >
        {(entries) => (
          <ol className="card log">
            {entries.map((entry) => (
              <LogEntry key={entry.id} entry={entry} />
            ))}
          </ol>
        )}
      </ListView>
    </SettingsFrame>
  );
}

function LogEntry({ entry }: { entry: SecurityLogEntry }) {
  const texts = useTexts();
  const { t } = texts;
  const where = [entry.device, entry.network].filter(Boolean).join(' · ');
  const alarming = isAlarming(entry.kind, entry.detail);
  return (
    <li className={alarming ? 'log-entry log-alarming' : 'log-entry'}>
      <p className="log-what">
        {alarming && <span className="log-mark">{t('security_log.look')}</span>}
        {t(kindText(entry.kind))}
      </p>
      <p className="log-when">
        <Time at={entry.created_at} />
      </p>
      {entry.detail !== null && <p className="log-why">{detailText(entry.kind, entry.detail, texts)}</p>}
      {where !== '' && <p className="soft log-where">{where}</p>}
    </li>
  );
}
