import { useId, useState } from 'react';
import { useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { useSettled } from '../../platform/useSettled';
import { useTexts } from '../../platform/texts';
import { SearchIcon } from '../../ui/icons';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { MemberCard } from './MemberCard';

export function MembersPage() {
  const { members } = useMember();
  const { t } = useTexts();
  const [query, setQuery] = useState('');
  const list = members.search(useSettled(query.trim(), 300));
  const id = useId();
  usePageTitle(t('members.title'));

  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('members.title')}</h1>
        <p>{t('members.lead')}</p>
      </div>
      <form className="card filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <div className="field field-search">
          <label className="visually-hidden" htmlFor={id}>
            {t('members.search')}
          </label>
          <div className="field-input">
            <SearchIcon />
            <input
              id={id}
              type="search"
              value={query}
              placeholder={t('members.search_hint')}
              autoComplete="off"
              autoCapitalize="none"
              onChange={(event) => setQuery(event.target.value)}
            />
          </div>
        </div>
      </form>
      <ListView
        list={list}
        loading={<Skeletons shape="member" count={5} />}
        empty={<Empty title={t('members.empty')} hint={t('members.empty_hint')} />}
      >
        {(found) => (
          <ul className="members">
            {found.map((member) => (
              <MemberCard key={member.id} member={member} />
            ))}
          </ul>
        )}
      </ListView>
    </div>
  );
}
