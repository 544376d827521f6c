import { useId, useState, type FormEvent } from 'react';
import { useMember } from '../../app/context';
import { newKey } from '../../platform/ids';
import { asProblem, type Problem } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { useSettled } from '../../platform/useSettled';
import { Dialog } from '../../ui/Dialog';
import { useList } from '../../ui/ListView';
import { problemText } from '../../ui/problemText';
import type { Member } from '../members/members';
import type { Room } from './rooms';

/** A room by invitation: how it is called, and who shall come. */
export function NewRoomDialog({ onDone }: { onDone: (room: Room | null) => void }) {
  const { rooms } = useMember();
  const texts = useTexts();
  const { t } = texts;
  const ids = { title: useId(), search: useId() };
  const [title, setTitle] = useState('');
  const [query, setQuery] = useState('');
  const [invited, setInvited] = useState<readonly Member[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const [key] = useState(newKey);
  const ready = title.trim() !== '' && !busy;

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    try {
      onDone(await rooms.create(title, invited.map((member) => member.id), key));
    } catch (cause) {
      setProblem(asProblem(cause));
      setBusy(false);
    }
  }

  return (
    <Dialog title={t('chat.new_room')} onCancel={() => onDone(null)}>
      <form className="new-room" onSubmit={(event) => void submit(event)}>
        <div className="field">
          <label htmlFor={ids.title}>{t('chat.room_title')}</label>
          <div className="field-input">
            <input id={ids.title} value={title} maxLength={120} onChange={(event) => setTitle(event.target.value)} />
          </div>
        </div>
        <div className="field">
          <label htmlFor={ids.search}>{t('chat.invite')}</label>
          <div className="field-input">
            <input
              id={ids.search}
              type="search"
              value={query}
              placeholder={t('chat.invite_hint')}
              onChange={(event) => setQuery(event.target.value)}
            />
          </div>
        </div>
        <ul className="new-room-members">
          {invited.map((member) => (
            <Choice
              key={member.id}
              member={member}
              chosen
              onChange={() => setInvited(invited.filter((each) => each.id !== member.id))}
            />
          ))}
          {query.trim() !== '' && (
            <Found query={query} without={invited} onChoose={(member) => setInvited([...invited, member])} />
          )}
        </ul>
        {problem && (
          <p className="field-error" role="alert">
            {problemText(problem, texts)}
          </p>
        )}
        <div className="actions">
          <button type="button" className="button-soft" onClick={() => onDone(null)}>
            {t('app.cancel')}
          </button>
          <button type="submit" className="button" aria-disabled={!ready}>
            {t('chat.make_room')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Found({
  query,
  without,
  onChoose,
}: {
  query: string;
  without: readonly Member[];
  onChoose: (member: Member) => void;
}) {
  const { members, me } = useMember();
  const { items } = useList(members.search(useSettled(query.trim(), 250)));
  const known = new Set([me.id, ...without.map((member) => member.id)]);
  return items
    .filter((member) => !known.has(member.id))
    .slice(0, 6)
    .map((member) => <Choice key={member.id} member={member} chosen={false} onChange={() => onChoose(member)} />);
}

function Choice({ member, chosen, onChange }: { member: Member; chosen: boolean; onChange: () => void }) {
  return (
    <li>
      <label className="new-room-choice">
        <input type="checkbox" checked={chosen} onChange={onChange} />
        <span>
          {member.display_name} <span className="soft">@{member.username}</span>
        </span>
      </label>
    </li>
  );
}
