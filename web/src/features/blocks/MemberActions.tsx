import { useState } from 'react';
import { useApp, useMember } from '../../app/context';
import { navigate } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { Dialog } from '../../ui/Dialog';
import { MoreIcon } from '../../ui/icons';
import { Menu, MenuItem } from '../../ui/Menu';

/** Write to a member, or have less to do with them. */
export function MemberActions({ member }: { member: { id: string; display_name: string } }) {
  const { me, rooms, blocks } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const name = member.display_name;
  if (member.id === me.id) return null;

  async function write(): Promise<void> {
    if (busy) return;
    setBusy(true);
    try {
      const room = await rooms.openDirect(member.id);
      navigate(`/messages/${room.id}`);
    } catch (cause) {
      notices.trouble(cause);
      setBusy(false);
    }
  }

  async function set(kind: 'blocks' | 'mutes'): Promise<void> {
    try {
      await blocks.set(kind, member.id, true);
      notices.say(t(kind === 'blocks' ? 'blocks.blocked_name' : 'blocks.muted_name', { name }));
      if (kind === 'blocks') navigate('/members');
    } catch (cause) {
      notices.trouble(cause);
    }
  }

  return (
    <>
      <button type="button" className="button-soft" aria-label={t('chat.write_to', { name })} aria-disabled={busy} onClick={() => void write()}>
        {t('chat.write')}
      </button>
      <Menu label={t('blocks.options', { name })} button={<MoreIcon />}>
        {(close) => (
          <>
            <MenuItem onSelect={() => (close(), void set('mutes'))}>{t('blocks.mute')}</MenuItem>
            <MenuItem className="menu-item-danger" onSelect={() => (close(), setAsking(true))}>
              {t('blocks.block')}
            </MenuItem>
          </>
        )}
      </Menu>
      {asking && (
        <Dialog title={t('blocks.block_title', { name })} onCancel={() => setAsking(false)}>
          <p>{t('blocks.block_hint', { name })}</p>
          <div className="actions">
            <button type="button" className="button-soft" onClick={() => setAsking(false)}>
              {t('app.cancel')}
            </button>
            <button type="button" className="button-danger" onClick={() => (setAsking(false), void set('blocks'))}>
              {t('blocks.block')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
