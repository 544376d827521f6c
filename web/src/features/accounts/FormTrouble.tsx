import type { Problem } from 'mundo-tango-client';
import { useTexts } from '../../platform/texts';
import { problemText } from '../../ui/problemText';

/** What is wrong with a form as a whole. Always in the page, so that screen readers hear when it fills. */
export function FormTrouble({ problem, errors }: { problem: Problem | null; errors: Partial<Record<string, string>> }) {
  const texts = useTexts();
  const count = Object.values(errors).filter(Boolean).length;
  return (
    <div role="alert">
      {(problem !== null || count > 0) && (
        <p className="form-problem">{problem ? problemText(problem, texts) : texts.t('form.invalid', { count })}</p>
      )}
    </div>
  );
}
