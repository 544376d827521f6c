import { useStore } from '../platform/store';
import { useTexts } from '../platform/texts';
import { CloseIcon } from './icons';
import type { Notices } from './notices';
import { problemText } from './problemText';

/** The page's two live regions: what is only said, and what went wrong. */
export function NoticesView({ notices }: { notices: Notices }) {
  const texts = useTexts();
  const said = useStore(notices.said);
  const troubles = useStore(notices.troubles);
  return (
    <>
      <div className="visually-hidden" role="status" aria-live="polite">
        <span key={said.id}>{said.text}</span>
      </div>
      <div className="troubles" role="alert">
        {troubles.map(({ id, problem }) => (
          <div key={id} className="trouble">
            <p>
              <strong>{texts.t('problem.title')}</strong> {problemText(problem, texts)}
            </p>
            <button
              type="button"
              className="button-quiet"
              aria-label={texts.t('app.close')}
              onClick={() => notices.dismiss(id)}
            >
              <CloseIcon />
            </button>
          </div>
        ))}
      </div>
    </>
  );
}
