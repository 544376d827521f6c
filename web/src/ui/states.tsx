/** What stands in the place of things: skeletons while they load, words when there are none, a way on when it failed. */
import type { ReactNode } from 'react';
import type { Problem } from 'mundo-tango-client';
import { useTexts } from '../platform/texts';
import { Ocho } from './Ocho';
import { problemText } from './problemText';

export function Skeletons({ count = 3, shape }: { count?: number; shape: 'post' | 'member' | 'event' }) {
  const { t } = useTexts();
  return (
    <div role="status" className="skeletons">
      <span className="visually-hidden">{t('app.loading')}</span>
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className={`card skeleton skeleton-${shape}`} aria-hidden="true">
          <i className="bone bone-round" />
          <i className="bone bone-name" />
          <i className="bone bone-line" />
          <i className="bone bone-line bone-short" />
        </div>
      ))}
    </div>
  );
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="card state">
      <Ocho />
      <p className="state-title">{title}</p>
      {hint && <p className="state-hint">{hint}</p>}
      {children}
    </div>
  );
}

export function Failed({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
  const texts = useTexts();
  const { t } = texts;
  return (
    <div className="card state" role="alert">
      <Ocho />
      <p className="state-title">{t('problem.load')}</p>
      <p className="state-hint">{problemText(problem, texts)}</p>
      <button type="button" className="button" onClick={onRetry}>
        {t('app.retry')}
      </button>
      {problem.requestId && problem.status >= 500 && (
        <p className="state-reference">{t('problem.request_id', { id: problem.requestId })}</p>
      )}
    </div>
  );
}
