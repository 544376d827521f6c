import { useEffect, useId, useState } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { Link, navigate } from '../../platform/router';
import { useSettled } from '../../platform/useSettled';
import { useTexts } from '../../platform/texts';
import { Avatar } from '../../ui/Avatar';
import { EventsIcon, FeedIcon, GroupsIcon, SearchIcon } from '../../ui/icons';
import { ListView, useList } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { pathOf, SEARCH_KINDS, type SearchHit, type SearchKind } from './search';
import './search.css';

/** One box for everything; the query stands in the address, so that a search can be shared and come back to. */
export function SearchPage() {
  const { search } = useMember();
  const { t } = useTexts();
  const [query, setQuery] = useState(() => new URLSearchParams(location.search).get('q') ?? '');
  const [kind, setKind] = useState<SearchKind | ''>('');
  const settled = useSettled(query.trim(), 300);
  const id = useId();
  usePageTitle(t('search.title'));

  useEffect(() => {
    const address = settled === '' ? '/search' : `/search?q=${encodeURIComponent(settled)}`;
    if (location.pathname + location.search !== address) navigate(address, { replace: true });
  }, [settled]);

  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('search.title')}</h1>
        <p>{t('search.lead')}</p>
      </div>
      <form className="card filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <div className="field field-search">
          <label className="visually-hidden" htmlFor={id}>
            {t('search.title')}
          </label>
          <div className="field-input">
            <SearchIcon />
            <input
              id={id}
              type="search"
              value={query}
              maxLength={100}
              placeholder={t('search.hint')}
              autoComplete="off"
              onChange={(event) => setQuery(event.target.value)}
            />
          </div>
        </div>
        <div className="rsvp" role="group" aria-label={t('search.what')}>
          {(['', ...SEARCH_KINDS] as const).map((each) => (
            <button key={each} type="button" className="chip" aria-pressed={kind === each} onClick={() => setKind(each)}>
              {t(each === '' ? 'search.all' : `search.kind.${each}`)}
            </button>
          ))}
        </div>
      </form>
      {settled === '' ? (
        <Trending onChoose={setQuery} />
      ) : (
        <ListView
          list={search.find(settled, kind)}
          loading={<Skeletons shape="member" count={5} />}
          empty={<Empty title={t('search.empty')} hint={t('search.empty_hint')} />}
        >
          {(hits) => (
            <ul className="members">
              {hits.map((hit) => (
                <Hit key={`${hit.kind} ${hit.id}`} hit={hit} />
              ))}
            </ul>
          )}
        </ListView>
      )}
    </div>
  );
}

function Hit({ hit }: { hit: SearchHit }) {
  const texts = useTexts();
  const { t } = texts;
  return (
    <li className="card member hit">
      {hit.kind === 'member' ? (
        <Avatar id={hit.id} name={hit.name} />
      ) : (
        <span className={`hit-mark hit-${hit.kind}`}>
          {hit.kind === 'post' ? <FeedIcon /> : hit.kind === 'event' ? <EventsIcon /> : <GroupsIcon />}
        </span>
      )}
      <div className="member-who">
        <Link to={pathOf(hit)}>{hit.kind === 'post' ? t('search.post_of', { name: hit.name }) : hit.name}</Link>
        {hit.text && <span className="hit-text">{hit.text}</span>}
        <span className="soft member-facts">
          <span>{t(`search.kind.${hit.kind}`)}</span>
          {hit.at && <time dateTime={hit.at}>{texts.day(hit.at)}</time>}
          <span>{t(`search.why.${hit.why.rule}`, { words: hit.why.words.join(', ') })}</span>
        </span>
      </div>
    </li>
  );
}

function Trending({ onChoose }: { onChoose: (term: string) => void }) {
  const { search } = useMember();
  const { t } = useTexts();
  const { items } = useList(search.trending);
  if (items.length === 0) return <Empty title={t('search.start')} hint={t('search.start_hint')} />;
  return (
    <section className="card filter" aria-labelledby="trending">
      <h2 id="trending" className="section-name">
        {t('search.trending')}
      </h2>
      <div className="rsvp">
        {items.map((trend) => (
          <button key={trend.id} type="button" className="chip" onClick={() => onChoose(trend.term)}>
            {trend.term}
          </button>
        ))}
      </div>
    </section>
  );
}
