import { useId, useState, type FormEvent } from 'react';
import { useApp, useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { navigate } from '../../platform/router';
import { useTexts } from '../../platform/texts';
import { ListView, useList } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { GroupCard } from './GroupCard';
import { KINDS, type GroupKind, type GroupVisibility } from './groups';
import { WorldMap } from './WorldMap';
import './groups.css';

type Shown = 'mine' | '' | GroupKind;

export function GroupsPage() {
  const { groups } = useMember();
  const { t } = useTexts();
  const [shown, setShown] = useState<Shown>('');
  const [making, setMaking] = useState(false);
  const cities = useList(groups.cities);
  const invited = useList(groups.mine('invited')).items;
  const list = shown === 'mine' ? groups.mine('active') : groups.list(shown);
  usePageTitle(t('groups.title'));

  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('groups.title')}</h1>
        <p>{t('groups.lead')}</p>
      </div>
      <WorldMap cities={cities.items} />
      <FindCity />
      {invited.length > 0 && (
        <section aria-label={t('groups.invitations')}>
          <h2 className="section-name">{t('groups.invitations')}</h2>
          <ul className="members">
            {invited.map((group) => (
              <GroupCard key={group.id} group={group} />
            ))}
          </ul>
        </section>
      )}
      <div className="group-choice">
        <div className="rsvp" role="group" aria-label={t('groups.show')}>
          {(['', 'mine', ...KINDS] as const).map((kind) => (
            <button key={kind} type="button" className="chip" aria-pressed={shown === kind} onClick={() => setShown(kind)}>
              {t(kind === '' ? 'groups.all' : kind === 'mine' ? 'groups.mine' : `groups.kinds.${kind}`)}
            </button>
          ))}
        </div>
        <button type="button" className="button-soft" aria-expanded={making} onClick={() => setMaking(!making)}>
          {t('groups.new')}
        </button>
      </div>
      {making && <NewGroupForm />}
      <ListView
        list={list}
        loading={<Skeletons shape="member" count={4} />}
        empty={<Empty title={t('groups.empty')} hint={t('groups.empty_hint')} />}
      >
        {(found) => (
          <ul className="members">
            {found.map((group) => (
              <GroupCard key={group.id} group={group} />
            ))}
          </ul>
        )}
      </ListView>
    </div>
  );
}

/** A city's group is there as soon as somebody names the city. */
function FindCity() {
  const { groups } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [city, setCity] = useState('');
  const id = useId();

  async function join(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (city.trim() === '') return;
    try {
      const group = await groups.joinCity(city);
      navigate(`/groups/${group.slug}`);
    } catch (problem) {
      notices.trouble(problem);
    }
  }

  return (
    <form className="card filter find-city" onSubmit={(event) => void join(event)}>
      <div className="field">
        <label htmlFor={id}>{t('groups.your_city')}</label>
        <div className="field-input">
          <input
            id={id}
            value={city}
            placeholder={t('groups.your_city_hint')}
            autoComplete="address-level2"
            onChange={(event) => setCity(event.target.value)}
          />
        </div>
      </div>
      <button type="submit" className="button">
        {t('groups.join_city')}
      </button>
    </form>
  );
}

function NewGroupForm() {
  const { groups } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [kind, setKind] = useState<'community' | 'interest'>('interest');
  const [visibility, setVisibility] = useState<GroupVisibility>('public');
  const [sending, setSending] = useState(false);
  const id = useId();

  async function create(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (sending || name.trim() === '') return;
    setSending(true);
    try {
      const group = await groups.create({ name, kind, visibility, description });
      navigate(`/groups/${group.slug}`);
    } catch (problem) {
      notices.trouble(problem);
    } finally {
      setSending(false);
    }
  }

  return (
    <form className="card filter new-group" onSubmit={(event) => void create(event)} aria-label={t('groups.new')}>
      <div className="field">
        <label htmlFor={`${id}-name`}>{t('groups.name')}</label>
        <div className="field-input">
          <input id={`${id}-name`} value={name} maxLength={80} required onChange={(event) => setName(event.target.value)} />
        </div>
      </div>
      <div className="field">
        <label htmlFor={`${id}-about`}>{t('groups.about')}</label>
        <div className="field-input">
          <input
            id={`${id}-about`}
            value={description}
            maxLength={2000}
            onChange={(event) => setDescription(event.target.value)}
          />
        </div>
      </div>
      <div className="rsvp" role="group" aria-label={t('groups.kind')}>
        {(['interest', 'community'] as const).map((each) => (
          <button key={each} type="button" className="chip" aria-pressed={kind === each} onClick={() => setKind(each)}>
            {t(`groups.kind.${each}`)}
          </button>
        ))}
      </div>
      <div className="rsvp" role="group" aria-label={t('groups.visibility')}>
        {(['public', 'closed', 'private'] as const).map((each) => (
          <button
            key={each}
            type="button"
            className="chip"
            aria-pressed={visibility === each}
            onClick={() => setVisibility(each)}
          >
            {t(`groups.visibility.${each}`)}
          </button>
        ))}
      </div>
      <p className="soft">{t(`groups.visibility_hint.${visibility}`)}</p>
      <button type="submit" className="button" aria-disabled={sending}>
        {t('groups.create')}
      </button>
    </form>
  );
}
