use super::{
    Place, PlaceId, PlaceKind, Rating,
    ops::{self, Changes, Draft},
    store,
};
use crate::{groups::cities::City, media::MediaId};
use accounts::CurrentUser;
use base::{
    Cursor, Few, Kind, Latitude, Line, Longitude, Page, Paging, Text, Timestamp, Whole,
    error::invalid,
    input,
    list::given,
    page::{Limit, TimeCursor},
};
use platform::{
    AppState,
    http::{Created, IfMatch, Json, NoContent, Once, Path, Query, Result, Routes, Tagged},
};
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("places")
        .for_tokens("places:read", "places:write")
        .get(
            "/places",
            "list_places",
            list_places,
            "Places that members recommend, the best first",
        )
        .post("/places", "create_place", create_place, "Recommend a place")
        .refuses(&[Kind::Conflict, Kind::RateLimited])
        .get("/places/{place_id}", "show_place", show_place, "One place")
        .patch(
            "/places/{place_id}",
            "edit_place",
            edit_place,
            "Change what is said of a place one has recommended",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/places/{place_id}",
            "delete_place",
            delete_place,
            "Take one's recommendation back, with its ratings",
        )
        .get(
            "/places/{place_id}/ratings",
            "list_place_ratings",
            list_place_ratings,
            "What members think of a place",
        )
        .put(
            "/places/{place_id}/rating",
            "rate_place",
            rate_place,
            "Say what I think of a place, in place of what I said before",
        )
        .delete(
            "/places/{place_id}/rating",
            "take_rating_back",
            take_rating_back,
            "Take back what I said of a place",
        )
}

input! {
    /// Which places, and which page.
    pub struct ListPlaces {
        pub city: Option<Line<1, 80>>,
        pub kind: Option<PlaceKind>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

async fn list_places(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListPlaces>,
) -> Result<Json<Page<Place, TimeCursor>>> {
    let city = list.city.as_deref().and_then(|name| City::named(name, None));
    let city = city.map(|city| city.name);
    let first = TimeCursor(Timestamp::from_micros(i64::from(i32::MAX)), Uuid::max());
    let (behind, fetch) = (list.cursor.unwrap_or(first), list.limit.count() as i64 + 1);
    let places = store::list(&app.db, actor.id, city.as_deref(), list.kind, behind, fetch).await?;
    let places = ops::all_with_photos(&app, places).await?;
    // The cursor's number is a score, not a time.
    Ok(Json(Page::of(places, list.limit, |place| {
        TimeCursor(Timestamp::from_micros(place.score), place.id.0)
    })))
}

input! {
    /// A place to recommend.
    pub struct NewPlace {
        pub name: Line<1, 120>,
        pub kind: PlaceKind,
        #[serde(default)]
        pub description: Text<0, 4000>,
        #[serde(default)]
        pub address: Line<0, 200>,
        pub city: Line<1, 80>,
        /// Two letters, or its name.
        pub country: Option<Line<2, 60>>,
        /// Both, or neither.
        pub latitude: Option<Latitude>,
        pub longitude: Option<Longitude>,
        pub website: Option<Line<1, 500>>,
        /// Pictures, in their order.
        #[serde(default)]
        pub media_ids: Few<MediaId, 10>,
    }
}

fn at(latitude: Option<Latitude>, longitude: Option<Longitude>) -> base::Result<Option<(f64, f64)>> {
    match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => Ok(Some((latitude.0, longitude.0))),
        (None, None) => Ok(None),
        _ => Err(invalid("/longitude", "required")),
    }
}

async fn create_place(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewPlace>,
) -> Result<Created<Place>> {
    let draft = Draft {
        name: new.name.into(),
        kind: new.kind,
        description: new.description.into(),
        address: new.address.into(),
        city: new.city.into(),
        country: new.country.map(String::from),
        at: at(new.latitude, new.longitude)?,
        website: new.website.map(String::from),
    };
    Ok(ops::create_place(&app, &actor, once, draft, new.media_ids.0).await?)
}

async fn show_place(app: AppState, actor: CurrentUser, Path(id): Path<PlaceId>) -> Result<Tagged<Place>> {
    let place = ops::see(&app.db, &actor, id).await?;
    Ok(Tagged(ops::with_photos(&app, &app.db, place).await?))
}

input! {
    /// What is to be different.
    pub struct PlaceEdit {
        pub name: Option<Line<1, 120>>,
        pub kind: Option<PlaceKind>,
        pub description: Option<Text<0, 4000>>,
        pub address: Option<Line<0, 200>>,
        pub city: Option<Line<1, 80>>,
        pub country: Option<Line<2, 60>>,
        /// Both, or neither; null takes the point off the map.
        #[serde(default, deserialize_with = "given")]
        pub latitude: Option<Option<Latitude>>,
        #[serde(default, deserialize_with = "given")]
        pub longitude: Option<Option<Longitude>>,
        /// Null takes it off.
        #[serde(default, deserialize_with = "given")]
        pub website: Option<Option<Line<1, 500>>>,
        pub media_ids: Option<Few<MediaId, 10>>,
    }
}

async fn edit_place(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PlaceId>,
    seen: IfMatch,
    Json(edit): Json<PlaceEdit>,
) -> Result<Tagged<Place>> {
    let changes = Changes {
        name: edit.name.map(String::from),
        kind: edit.kind,
        description: edit.description.map(String::from),
        address: edit.address.map(String::from),
        city: edit.city.map(String::from),
        country: edit.country.map(String::from),
        at: match (edit.latitude, edit.longitude) {
            (None, None) => None,
            (latitude, longitude) => Some(at(latitude.flatten(), longitude.flatten())?),
        },
        website: edit.website.map(|website| website.map(String::from)),
        photos: edit.media_ids.map(|ids| ids.0),
    };
    Ok(Tagged(ops::edit_place(&app, &actor, id, seen, changes).await?))
}

async fn delete_place(app: AppState, actor: CurrentUser, Path(id): Path<PlaceId>) -> Result<NoContent> {
    ops::delete_place(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn list_place_ratings(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PlaceId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Rating>>> {
    ops::see(&app.db, &actor, id).await?;
    let ratings = store::list_ratings(&app.db, actor.id, id, paging).await?;
    Ok(Json(Page::of(ratings, paging.limit, |rating| {
        Cursor(rating.member.id.0)
    })))
}

input! {
    /// What I think of it.
    pub struct PlaceOpinion {
        pub stars: Whole<1, 5>,
        #[serde(default)]
        pub body: Text<0, 2000>,
    }
}

async fn rate_place(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PlaceId>,
    Json(opinion): Json<PlaceOpinion>,
) -> Result<Json<Place>> {
    let place = ops::rate_place(&app, &actor, id, opinion.stars.0, opinion.body.into()).await?;
    Ok(Json(place))
}

async fn take_rating_back(app: AppState, actor: CurrentUser, Path(id): Path<PlaceId>) -> Result<NoContent> {
    ops::take_rating_back(&app, &actor, id).await?;
    Ok(NoContent)
}
