import { useMember } from '../../app/context';
import { useTexts, type TextKey } from '../../platform/texts';
import { CheckIcon } from '../../ui/icons';
import type { Group } from './groups';

/** Joins, asks, takes an invitation, or leaves: whatever comes next between this member and the group. */
export function JoinButton({ group }: { group: Group }) {
  const { groups } = useMember();
  const { t } = useTexts();
  const status = group.my_status;
  const inside = status === 'active' || status === 'requested';
  const words: TextKey =
    status === 'active'
      ? 'groups.joined'
      : status === 'requested'
        ? 'groups.requested'
        : status === 'invited'
          ? 'groups.accept'
          : group.visibility === 'public'
            ? 'groups.join'
            : 'groups.ask';
  return (
    <button
      type="button"
      className={inside ? 'button-soft follow' : 'button follow'}
      aria-pressed={inside}
      aria-label={`${t(words)}: ${group.name}`}
      onClick={() => void (inside ? groups.leave(group) : groups.join(group))}
    >
      {status === 'active' && <CheckIcon />}
      {t(words)}
    </button>
  );
}
