use super::{
    Place, PlaceChanged, PlaceId, PlaceKind, policy,
    store::{self, Facts},
};
use crate::{
    groups::cities::City,
    media::{self, MediaId, Subject, SubjectKind},
};
use accounts::{
    CurrentUser, MemberId,
    audit::{self, Act, Action},
};
use base::{
    Error, Kind, Result,
    error::{invalid, not_found},
    slug,
};
use db::{Executor, Tx};
use platform::{
    AppState,
    http::{Created, IfMatch, Once},
    limits::Limit,
};
use std::time::Duration;

/// A place as somebody describes it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    pub kind: PlaceKind,
    pub description: String,
    pub address: String,
    pub city: String,
    pub country: Option<String>,
    pub at: Option<(f64, f64)>,
    pub website: Option<String>,
}

impl Draft {
    fn facts(self) -> Result<Facts> {
        let city = City::named(&self.city, self.country.as_deref());
        let city = city.ok_or_else(|| invalid("/city", "required"))?;
        let name = slug(&self.name);
        if name.is_empty() {
            return Err(invalid("/name", "required"));
        }
        if let Some(website) = &self.website
            && !(website.starts_with("https://") || website.starts_with("http://"))
        {
            return Err(invalid("/website", "invalid_url"));
        }
        Ok(Facts {
            slug: format!("{name}-{}", city.slug()),
            name: self.name,
            kind: self.kind,
            description: self.description,
            address: self.address,
            country: city.country,
            city: city.name,
            latitude: self.at.map(|(latitude, _)| latitude),
            longitude: self.at.map(|(_, longitude)| longitude),
            website: self.website,
        })
    }
}

pub async fn create_place(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    draft: Draft,
    photos: Vec<MediaId>,
) -> Result<Created<Place>> {
    let limit = Limit {
        name: "places",
        count: app.config.limits.places_per_day,
        period: Duration::from_hours(24),
    };
    app.limits.take(limit, actor.id).await.into_result()?;
    let (own, by, now) = (app.clone(), actor.id, app.clock.now());
    let (id, facts) = (PlaceId(app.ids.at(now)), draft.facts()?);
    once.create(app, by.0, "create_place", move |tx| async move {
        store::insert(&tx, id, by, &facts, now).await?;
        media::attach(&own, &tx, by, of(id), &photos).await?;
        own.signals.announce(&tx, &PlaceChanged { id }, now).await?;
        let place = store::find(&tx, by, id).await?;
        with_photos(&own, &tx, place.ok_or_else(|| not_found("place"))?).await
    })
    .await
}

/// What to change of a place; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub kind: Option<PlaceKind>,
    pub description: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    /// Without it, a new city stands in its own.
    pub country: Option<String>,
    pub at: Option<Option<(f64, f64)>>,
    pub website: Option<Option<String>>,
    /// The author's alone: pictures are of who uploaded them.
    pub photos: Option<Vec<MediaId>>,
}

pub async fn edit_place(
    app: &AppState,
    actor: &CurrentUser,
    id: PlaceId,
    seen: IfMatch,
    changes: Changes,
) -> Result<Place> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let before = see(&tx, &actor, id).await?;
            policy::may_edit(&actor, &before)?;
            seen.check(before.version)?;
            let country = changes.country.or(match &changes.city {
                Some(_) => None,
                None => before.country,
            });
            let draft = Draft {
                name: changes.name.unwrap_or(before.name),
                kind: changes.kind.unwrap_or(before.kind),
                description: changes.description.unwrap_or(before.description),
                address: changes.address.unwrap_or(before.address),
                city: changes.city.unwrap_or(before.city),
                country,
                at: changes.at.unwrap_or(before.latitude.zip(before.longitude)),
                website: changes.website.unwrap_or(before.website),
            };
            if !store::update(&tx, id, before.version, &draft.facts()?, now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            if let Some(photos) = &changes.photos {
                media::attach(&own, &tx, actor.id, of(id), photos).await?;
            }
            by_office(&own, &tx, &actor, before.is_mine, id, "edited").await?;
            own.signals.announce(&tx, &PlaceChanged { id }, now).await?;
            with_photos(&own, &tx, see(&tx, &actor, id).await?).await
        })
        .await
}

pub async fn delete_place(app: &AppState, actor: &CurrentUser, id: PlaceId) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            let place = see(&tx, &actor, id).await?;
            policy::may_change(&actor, &place)?;
            media::detach(&own, &tx, of(id)).await?;
            by_office(&own, &tx, &actor, place.is_mine, id, "deleted").await?;
            store::delete(&tx, id).await
        })
        .await
}

/// One rating of each member; a second one takes the place of the first.
pub async fn rate_place(
    app: &AppState,
    actor: &CurrentUser,
    id: PlaceId,
    stars: i64,
    body: String,
) -> Result<Place> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            store::lock(&tx, id).await?;
            see(&tx, &actor, id).await?;
            store::put_rating(&tx, id, actor.id, stars, &body, now).await?;
            with_photos(&own, &tx, see(&tx, &actor, id).await?).await
        })
        .await
}

pub async fn take_rating_back(app: &AppState, actor: &CurrentUser, id: PlaceId) -> Result<()> {
    let actor = *actor;
    app.db
        .write_again(move |tx| async move {
            store::lock(&tx, id).await?;
            see(&tx, &actor, id).await?;
            store::delete_rating(&tx, id, actor.id).await
        })
        .await
}

/// What a member who leaves had recommended is nobody's, and found by other words; says how much of it.
pub async fn forget_member(app: &AppState, tx: &Tx, member: MemberId) -> Result<u64> {
    let left = store::forget(tx, member).await?;
    for id in &left {
        let changed = PlaceChanged { id: *id };
        app.signals.announce(tx, &changed, app.clock.now()).await?;
    }
    Ok(left.len() as u64)
}

/// The place, if the caller may see it.
pub async fn see(db: &impl Executor, actor: &CurrentUser, id: PlaceId) -> Result<Place> {
    let place = store::find(db, actor.id, id).await?;
    place
        .filter(|place| policy::may_see(actor, place))
        .ok_or_else(|| not_found("place"))
}

fn of(id: PlaceId) -> Subject {
    Subject::new(SubjectKind::Recommendation, id.0)
}

/// The place with its pictures. Whether it may be seen has been asked.
pub async fn with_photos(app: &AppState, db: &impl Executor, mut place: Place) -> Result<Place> {
    show_photos(app, db, std::slice::from_mut(&mut place)).await?;
    Ok(place)
}

pub async fn all_with_photos(app: &AppState, mut places: Vec<Place>) -> Result<Vec<Place>> {
    show_photos(app, &app.db, &mut places).await?;
    Ok(places)
}

async fn show_photos(app: &AppState, db: &impl Executor, places: &mut [Place]) -> Result<()> {
    let put = |place: &mut Place, photos| place.photos = photos;
    media::show(
        app,
        db,
        SubjectKind::Recommendation,
        places,
        |place| Some(place.id.0),
        put,
    )
    .await
}

/// Staff who change what is not theirs leave an entry in the audit log.
async fn by_office(
    app: &AppState,
    tx: &Tx,
    actor: &CurrentUser,
    is_mine: bool,
    id: PlaceId,
    what: &str,
) -> Result<()> {
    if is_mine {
        return Ok(());
    }
    let act = Act {
        actor: Some(actor.id),
        action: Action::PlaceModerated,
        subject: None,
        detail: &format!("{id}: {what}"),
    };
    audit::record(tx, app, act).await
}
