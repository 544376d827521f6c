import { useEffect, useId, useState, type FormEvent } from 'react';
import { useApp, useMember } from '../../app/context';
import { usePageTitle } from '../../app/usePageTitle';
import { newKey } from '../../platform/ids';
import { useTexts } from '../../platform/texts';
import { useSettled } from '../../platform/useSettled';
import { ListView } from '../../ui/ListView';
import { Empty, Skeletons } from '../../ui/states';
import { MediaGrid } from '../media/MediaGrid';
import { MediaButton, PickedMedia } from '../media/MediaPicker';
import { PLACE_KINDS, type Place, type PlaceKind } from './places';

const STARS = [1, 2, 3, 4, 5] as const;

/** Where members like to eat, dance and learn. */
export function PlacesPage() {
  const { places } = useMember();
  const { t } = useTexts();
  const [city, setCity] = useState('');
  const [adding, setAdding] = useState(false);
  const id = useId();
  usePageTitle(t('places.title'));
  return (
    <div className="column column-wide">
      <div className="page-head">
        <h1 tabIndex={-1}>{t('places.title')}</h1>
        <p>{t('places.lead')}</p>
      </div>
      <form className="card filter" role="search" aria-label={t('places.filter')} onSubmit={(event) => event.preventDefault()}>
        <div className="field">
          <label htmlFor={id}>{t('events.city')}</label>
          <div className="field-input">
            <input id={id} type="search" value={city} autoComplete="address-level2" onChange={(event) => setCity(event.target.value)} />
          </div>
        </div>
        <button type="button" className="button-soft" aria-expanded={adding} onClick={() => setAdding(!adding)}>
          {t('places.new')}
        </button>
      </form>
      {adding && (
        <NewPlaceForm
          onDone={() => {
            setAdding(false);
            setCity('');
          }}
        />
      )}
      <ListView
        list={places.best(useSettled(city, 300).trim())}
        loading={<Skeletons shape="event" />}
        empty={<Empty title={t('places.empty')} hint={t('places.empty_hint')} />}
      >
        {(items) => (
          <ul className="members">
            {items.map((place) => (
              <PlaceCard key={place.id} place={place} />
            ))}
          </ul>
        )}
      </ListView>
    </div>
  );
}

function PlaceCard({ place }: { place: Place }) {
  const { places } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  return (
    <li className="card">
      <h2>{place.name}</h2>
      <p className="soft">
        {t(`places.kind.${place.kind}`)} · {place.city}
        {place.address !== '' && ` · ${place.address}`}
      </p>
      {place.description !== '' && <p>{place.description}</p>}
      <MediaGrid media={place.photos} />
      <p>
        {place.rating === null
          ? t('places.unrated')
          : t('places.rated', { stars: String(place.rating), count: String(place.rating_count) })}
      </p>
      <div role="group" aria-label={t('places.rate', { name: place.name })}>
        {STARS.map((stars) => (
          <button
            key={stars}
            type="button"
            className="button-quiet"
            aria-pressed={place.my_stars === stars}
            onClick={() => void places.rate(place.id, stars).catch(notices.trouble)}
          >
            {t('places.stars', { stars: String(stars) })}
          </button>
        ))}
      </div>
    </li>
  );
}

/** What it is called, what it is and where, with pictures. */
function NewPlaceForm({ onDone }: { onDone: () => void }) {
  const { places, newUploads } = useMember();
  const { notices } = useApp();
  const { t } = useTexts();
  const [name, setName] = useState('');
  const [kind, setKind] = useState<PlaceKind>('venue');
  const [city, setCity] = useState('');
  const [address, setAddress] = useState('');
  const [description, setDescription] = useState('');
  const [sending, setSending] = useState(false);
  const [key] = useState(newKey);
  const [uploads] = useState(newUploads);
  const id = useId();
  useEffect(() => () => uploads.clear(), [uploads]);

  async function recommend(event: FormEvent): Promise<void> {
    event.preventDefault();
    const media_ids = uploads.mediaIds();
    if (sending || media_ids === null || name.trim() === '' || city.trim() === '') return;
    setSending(true);
    try {
      await places.recommend({ name, kind, city, address, description, media_ids }, key);
      onDone();
    } catch (problem) {
      notices.trouble(problem);
      setSending(false);
    }
  }

  const fields = [
    ['name', t('places.name'), name, setName, 120, true],
    ['city', t('events.city'), city, setCity, 80, true],
    ['address', t('places.address'), address, setAddress, 200, false],
    ['about', t('places.about'), description, setDescription, 4000, false],
  ] as const;
  return (
    <form className="card filter new-group" onSubmit={(event) => void recommend(event)} aria-label={t('places.new')}>
      {fields.map(([field, label, value, set, most, required]) => (
        <div key={field} className="field">
          <label htmlFor={`${id}-${field}`}>{label}</label>
          <div className="field-input">
            <input
              id={`${id}-${field}`}
              value={value}
              maxLength={most}
              required={required}
              onChange={(event) => set(event.target.value)}
            />
          </div>
        </div>
      ))}
      <div className="rsvp" role="group" aria-label={t('places.kind')}>
        {PLACE_KINDS.map((each) => (
          <button key={each} type="button" className="chip" aria-pressed={kind === each} onClick={() => setKind(each)}>
            {t(`places.kind.${each}`)}
          </button>
        ))}
      </div>
      <PickedMedia uploads={uploads} />
      <MediaButton uploads={uploads} />
      <button type="submit" className="button" aria-disabled={sending}>
        {t('places.recommend')}
      </button>
    </form>
  );
}
