import { useEffect } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { Link, usePath } from '../../platform/router';
import { useStore } from '../../platform/store';
import { useTexts } from '../../platform/texts';
import { ListView } from '../../ui/ListView';
import { Empty, Failed, Skeletons } from '../../ui/states';
import { Time } from '../../ui/Time';
import {
  faultText,
  kindText,
  levelText,
  type GuardSuspect,
  type GuardView,
  type LedgerLine,
  type Quarantined,
  type Restore,
} from './guard';

export type GuardTab = 'restores' | 'quarantine' | 'ledger';

const TABS = [
  ['/guard', 'guard.restores'],
  ['/guard/quarantine', 'guard.quarantine'],
  ['/guard/ledger', 'guard.ledger'],
] as const;

/** What staff see of the files that must not vanish. */
export function GuardPage({ tab }: { tab: GuardTab }) {
  const { guard } = useMember();
  const { view, problem } = useStore(guard.state);
  const { t } = useTexts();
  const path = usePath();
  usePageTitle(t('guard.title'));
  useEffect(() => void guard.refresh(), [guard]);

  return (
    <div className="column column-wide guard">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('guard.title')}</h1>
        <p>{t('guard.lead')}</p>
      </div>
      {view === null ? (
        problem === null ? (
          <Skeletons shape="member" />
        ) : (
          <Failed problem={problem} onRetry={() => void guard.refresh()} />
        )
      ) : (
        <>
          <State view={view} />
          {view.state !== 'off' && (
            <>
              <div className="guard-pair">
                <Classes view={view} />
                <Levels view={view} />
              </div>
              <nav className="card guard-tabs" aria-label={t('guard.tabs')}>
                {TABS.map(([to, name]) => (
                  <Link key={to} to={to} aria-current={path === to ? 'page' : undefined}>
                    {t(name)}
                  </Link>
                ))}
              </nav>
              {tab === 'restores' && <Restores />}
              {tab === 'quarantine' && <Quarantine />}
              {tab === 'ledger' && <Ledger />}
            </>
          )}
        </>
      )}
    </div>
  );
}

function State({ view }: { view: GuardView }) {
  const { t, number } = useTexts();
  const { comparison, manifest } = view;
  const facts: [string, string][] = [];
  if (comparison) facts.push([t('guard.compared'), t('guard.compared_in', { count: comparison.files, ms: comparison.took_ms.toFixed(1) })]);
  if (manifest) {
    facts.push([t('guard.manifest'), t('guard.manifest_of', { number: manifest.sequence, hash: manifest.hash.slice(0, 12) })]);
    facts.push([t('guard.signed_by'), manifest.signed_by.slice(0, 16) + '…']);
  }
  facts.push([t('guard.restored'), number(view.restored)]);
  facts.push([t('guard.quarantined'), number(view.quarantined)]);
  facts.push([t('guard.incidents'), number(view.incidents)]);
  return (
    <section className="card guard-state" data-state={view.state} role="status">
      <p className="guard-word">{t(`guard.state.${view.state}`)}</p>
      <p className="soft">{t(`guard.state.${view.state}_hint`)}</p>
      {comparison && (comparison.faults.length > 0 || comparison.remarks.length > 0) && (
        <ul className="guard-faults">
          {comparison.faults.map((found) => (
            <li key={found.path}>
              <code>{found.path}</code> {t(faultText(found.fault))}
            </li>
          ))}
          {comparison.remarks.map((remark) => (
            <li key={remark}>{remark}</li>
          ))}
        </ul>
      )}
      {view.state !== 'off' && (
        <dl className="guard-facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {view.drafts.length > 0 && (
        <details className="guard-drafts">
          <summary>{t('guard.drafts', { count: view.drafts.length })}</summary>
          <ul>
            {view.drafts.map((path) => (
              <li key={path}>
                <code>{path}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Classes({ view }: { view: GuardView }) {
  const { t, number } = useTexts();
  return (
    <section className="card guard-box" aria-labelledby="guard-classes">
      <h2 id="guard-classes">{t('guard.classes')}</h2>
      <ul className="guard-rows">
        {view.classes.map((each) => (
          <li key={each.class} data-short={each.files < each.minimum || undefined}>
            <span className="guard-name">{each.class}</span>
            <span>{t('guard.files', { count: each.files })}</span>
            <span className="soft">{each.minimum > 0 && t('guard.at_least', { least: number(each.minimum) })}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Levels({ view }: { view: GuardView }) {
  const { t } = useTexts();
  return (
    <section className="card guard-box" aria-labelledby="guard-levels">
      <h2 id="guard-levels">{t('guard.levels')}</h2>
      <ul className="guard-rows guard-levels">
        {view.levels.map((level) => (
          <li key={level.name}>
            <span className={level.active ? 'guard-on' : 'guard-off'}>{t(level.active ? 'guard.on' : 'guard.off')}</span>
            <span>
              <span className="guard-name">{t(levelText(level.name), { name: level.name })}</span>
              <span className="soft guard-why" lang="en">
                {level.why}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Restores() {
  const { guard } = useMember();
  const { t } = useTexts();
  return (
    <ListView list={guard.restores} maxAgeMs={0} loading={<Skeletons shape="member" />} empty={<Empty title={t('guard.no_restores')} />}>
      {(restores: readonly Restore[]) => (
        <ol className="card guard-lines">
          {restores.map((restore) => (
            <li key={restore.id}>
              <p>
                <code>{restore.path}</code> <span>{t(faultText(restore.fault))}</span>
              </p>
              <p className="soft">
                <Time at={restore.at} /> · {t('guard.took', { ms: restore.took_ms.toFixed(1) })}
              </p>
              <Suspect by={restore.by} />
            </li>
          ))}
        </ol>
      )}
    </ListView>
  );
}

function Suspect({ by }: { by: GuardSuspect }) {
  const { t } = useTexts();
  if (by.executable === null || by.executable === undefined) {
    return (
      <p className="soft">
        {t('guard.unknown')} <span lang="en">{by.unknown}</span>
      </p>
    );
  }
  return (
    <p>
      {t('guard.by', { program: by.executable, pid: String(by.pid ?? '') })}
      {by.parents.length > 0 && <span className="soft"> {t('guard.started_by', { parents: by.parents.join(' ← ') })}</span>}
    </p>
  );
}

function Quarantine() {
  const { guard } = useMember();
  const { t, number } = useTexts();
  return (
    <ListView list={guard.quarantine} maxAgeMs={0} loading={<Skeletons shape="member" />} empty={<Empty title={t('guard.no_quarantine')} />}>
      {(found: readonly Quarantined[]) => (
        <ol className="card guard-lines">
          {found.map((each) => (
            <li key={each.id}>
              <p>
                <code>{each.path}</code>
              </p>
              <p className="soft">
                <Time at={each.at} /> · {t('guard.bytes', { was: each.was, bytes: number(each.size_bytes) })}
              </p>
              <p className="soft">{each.kept ? <code>mundo guard quarantine {each.line}</code> : t('guard.let_go')}</p>
            </li>
          ))}
        </ol>
      )}
    </ListView>
  );
}

function Ledger() {
  const { guard } = useMember();
  const { t } = useTexts();
  return (
    <ListView list={guard.ledger} maxAgeMs={0} loading={<Skeletons shape="member" />} empty={<Empty title={t('guard.no_ledger')} />}>
      {(lines: readonly LedgerLine[]) => (
        <ol className="card guard-lines">
          {lines.map((line) => (
            <li key={line.id} data-alarming={line.kind === 'incident' || line.kind === 'trouble' || undefined}>
              <p>
                <span className="guard-number">{line.line}</span> {t(kindText(line.kind))}
                {line.path && (
                  <>
                    {' '}
                    <code>{line.path}</code>
                  </>
                )}
              </p>
              <p className="soft">
                <Time at={line.at} /> · <span lang="en">{line.text}</span>
              </p>
            </li>
          ))}
        </ol>
      )}
    </ListView>
  );
}
