import type { ReactNode } from 'react';
import { useApp } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { LANGUAGES, useTexts } from '../../platform/texts';
import { Ocho, OchoRings } from '../../ui/Ocho';

/** The frame of the pages before the door: the sea on one side, a form on the other. */
export function Welcome({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const { language } = useApp();
  const { t, language: current } = useTexts();
  usePageTitle(title);

  return (
    <div className="welcome">
      <header className="welcome-sea">
        <OchoRings />
        <p className="wordmark wordmark-large">
          <Ocho />
          <span>{t('app.name')}</span>
        </p>
        <div className="welcome-words">
          <p className="welcome-tagline">{t('app.tagline')}</p>
          <p className="welcome-lead">{t('app.lead')}</p>
        </div>
      </header>
      <div className="welcome-side">
        <main className="card welcome-card" id="content" tabIndex={-1}>
          <h1 tabIndex={-1}>{title}</h1>
          <p className="welcome-hello">{lead}</p>
          {children}
        </main>
        <footer className="welcome-languages">
          <div role="group" aria-label={t('account.language')}>
            {LANGUAGES.map((each) => (
              <button
                key={each}
                type="button"
                lang={each}
                className="button-quiet"
                aria-pressed={each === current}
                onClick={() => language.choose(each)}
              >
                {t(`account.language.${each}`)}
              </button>
            ))}
          </div>
        </footer>
      </div>
    </div>
  );
}
