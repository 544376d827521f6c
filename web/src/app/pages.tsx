/** Pages of the app itself: before it knows who is there, when an address leads nowhere, when a page broke. */
import type { Problem } from 'mundo-tango-client';
import { Link } from '../platform/router';
import { useTexts } from '../platform/texts';
import { Ocho } from '../ui/Ocho';
import { problemText } from '../ui/problemText';
import { Empty } from '../ui/states';
import { useApp } from './context';
import { usePageTitle } from './usePageTitle';

export function Starting({ trouble }: { trouble: Problem | null }) {
  const { session } = useApp();
  const texts = useTexts();
  const { t } = texts;
  usePageTitle('');
  return (
    <main className="starting" id="content">
      <Ocho moving />
      {trouble === null ? (
        <p role="status" className="starting-quiet">
          {t('app.starting')}
        </p>
      ) : (
        <div role="alert" className="starting-trouble">
          <h1>{t('app.unreachable')}</h1>
          <p>{problemText(trouble, texts)}</p>
          <p>{t('app.unreachable_hint')}</p>
          <button type="button" className="button" onClick={() => session.tryNow()}>
            {t('app.try_now')}
          </button>
        </div>
      )}
    </main>
  );
}

export function NotFound() {
  const { t } = useTexts();
  usePageTitle(t('not_found.title'));
  return (
    <div className="column">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('not_found.title')}</h1>
      </div>
      <Empty title="404" hint={t('not_found.hint')}>
        <Link to="/" className="button">
          {t('not_found.back')}
        </Link>
      </Empty>
    </div>
  );
}

export function Crashed() {
  const { t } = useTexts();
  return (
    <div className="column crashed" role="alert">
      <div className="card state">
        <Ocho />
        <h1 className="state-title">{t('app.crashed')}</h1>
        <p className="state-hint">{t('app.crashed_hint')}</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {t('app.reload')}
        </button>
      </div>
    </div>
  );
}
