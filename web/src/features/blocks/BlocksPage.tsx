import { useCallback, useEffect, useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { asProblem, type Problem } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { Failed, Skeletons } from '../../ui/states';
import { SettingsFrame } from '../accounts/SettingsFrame';
import type { Block, Mute } from './blocks';

/** Whom I have nothing to do with, whom I do not want to hear, and the way back. */
export function BlocksPage() {
  const { t } = useTexts();
  return (
    <SettingsFrame title={t('blocks.title')} lead={t('blocks.lead')}>
      <People kind="blocks" title={t('blocks.blocked')} />
      <People kind="mutes" title={t('blocks.muted')} />
    </SettingsFrame>
  );
}

function People({ kind, title }: { kind: 'blocks' | 'mutes'; title: string }) {
  const { blocks } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [all, setAll] = useState<readonly (Block | Mute)[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);

  const load = useCallback(() => {
    setProblem(null);
    (kind === 'blocks' ? blocks.blocked() : blocks.muted()).then(setAll, (cause: unknown) => setProblem(asProblem(cause)));
  }, [blocks, kind]);
  useEffect(load, [load]);

  function takeBack(id: string): void {
    blocks.set(kind, id, false).then(() => setAll((now) => now && now.filter((each) => each.member.id !== id)), notices.trouble);
  }

  return (
    <section className="card settings-form" aria-label={title}>
      <h2>{title}</h2>
      {problem ? (
        <Failed problem={problem} onRetry={load} />
      ) : all === null ? (
        <Skeletons shape="member" count={1} />
      ) : all.length === 0 ? (
        <p className="soft">{t('blocks.none')}</p>
      ) : (
        <ul className="members">
          {all.map(({ member }) => (
            <li key={member.id} className="member">
              <Avatar id={member.id} name={member.display_name} />
              <div className="member-who">
                <strong>{member.display_name}</strong>
                <span className="soft">@{member.username}</span>
              </div>
              <button
                type="button"
                className="button-soft"
                aria-label={t(kind === 'blocks' ? 'blocks.unblock_name' : 'blocks.unmute_name', { name: member.display_name })}
                onClick={() => takeBack(member.id)}
              >
                {t(kind === 'blocks' ? 'blocks.unblock' : 'blocks.unmute')}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
