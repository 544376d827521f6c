import { useTexts } from '../../platform/texts';
import { VerifiedIcon } from '../../ui/icons';

/** Beside the name of a member of whom staff have made sure who they are; nothing beside others. */
export function Verified({ of }: { of: { is_verified?: boolean } }) {
  const { t } = useTexts();
  if (!of.is_verified) return null;
  return (
    <span className="verified" role="img" aria-label={t('members.verified')} title={t('members.verified')}>
      <VerifiedIcon />
    </span>
  );
}
