import type { ReactNode } from 'react';
import { usePageTitle } from '../../app/usePageTitle';
import { Link, usePath } from '../../platform/router';
import { useTexts } from '../../platform/texts';

const PLACES = [
  ['/settings/sessions', 'settings.sessions'],
  ['/settings/security-log', 'settings.security_log'],
  ['/settings/password', 'settings.password'],
  ['/settings/email', 'settings.email'],
  ['/settings/blocks', 'settings.blocks'],
  ['/settings/push', 'settings.push'],
  ['/settings/notifications', 'settings.notifications'],
  ['/settings/webhooks', 'settings.programs'],
  ['/settings/data', 'settings.data'],
] as const;

/** The frame of the pages about the account. */
export function SettingsFrame({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const { t } = useTexts();
  const path = usePath();
  usePageTitle(title);
  return (
    <div className="column column-wide settings">
      <div className="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        <p>{lead}</p>
      </div>
      <nav className="card settings-places" aria-label={t('settings.label')}>
        {PLACES.map(([to, name]) => (
          <Link key={to} to={to} aria-current={path === to ? 'page' : undefined}>
            {t(name)}
          </Link>
        ))}
      </nav>
      {children}
    </div>
  );
}
