import { useNow } from '../platform/clock';
import { useTexts } from '../platform/texts';

/** "3 minutes ago", with the exact moment on hover and for machines. */
export function Time({ at }: { at: string }) {
  const texts = useTexts();
  const now = useNow();
  return (
    <time dateTime={at} title={texts.moment(at)}>
      {texts.ago(at, Math.max(now, Date.parse(at)))}
    </time>
  );
}
