use super::{
    Found, FoundId,
    relevance::{self, Reason, Wanted, Weights},
    store::{self, Filter, Hit},
    trends, words,
};
use crate::groups::cities::City;
use accounts::CurrentUser;
use base::{
    Kind, Latitude, Line, Longitude, Page, Timestamp, Whole,
    error::invalid,
    geo::distance_km,
    input,
    page::{Limit, TimeCursor},
};
use platform::{
    AppState,
    http::{Json, Query, Result, Routes},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use uuid::Uuid;

/// Fewer hits than this, and slips of the finger are mended.
const FEW: usize = 5;
/// Known words that a mistyped one may stand for.
const CLOSE: usize = 5;
const KILOMETRES_PER_DEGREE: f64 = 111.0;
/// Letters of a text that a hit shows.
const SHOWN: usize = 240;
const TRENDING: i64 = 10;
const SUGGESTIONS: usize = 8;

pub fn routes() -> Routes {
    Routes::new("search")
        .for_tokens("search:read", "search:read")
        .get(
            "/search",
            "search",
            search,
            "People, posts, groups, events and places, the best answer first",
        )
        .refuses(&[Kind::Invalid])
        .get("/search/suggestions", "suggest", suggest, "How a query may go on")
        .get(
            "/search/trending",
            "list_trending_terms",
            list_trending_terms,
            "What many look for",
        )
}

input! {
    /// What is looked for, and what it must be besides.
    pub struct SearchQuery {
        pub q: Line<1, 100>,
        /// One kind of things; all unless said.
        pub kind: Option<Found>,
        /// Events that begin, and posts that were written, from then on.
        pub from: Option<Timestamp>,
        /// And before then.
        pub to: Option<Timestamp>,
        /// The middle of where it should be.
        pub latitude: Option<Latitude>,
        pub longitude: Option<Longitude>,
        /// How far from there.
        pub within_km: Option<Whole<1, 20_000>>,
        pub city: Option<Line<1, 80>>,
        /// A tango role of members, or of groups: `dj`.
        pub role: Option<Line<1, 40>>,
        /// Members who lead or follow at least so well.
        pub level: Option<Whole<1, 10>>,
        /// Members who speak it: `es`.
        pub language: Option<Line<2, 10>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<TimeCursor>,
    }
}

/// Something that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SearchHit {
    kind: Found,
    id: FoundId,
    /// A member's, a group's or an event's name; of a post, its author's.
    name: String,
    /// The beginning of what it says: of a member and of an event, the city.
    text: String,
    /// A member's user name (of a post, its author's), a group's address.
    address: String,
    /// When an event begins or a post was written.
    at: Option<Timestamp>,
    /// Kilometres from the place that was asked for.
    distance_km: Option<f64>,
    /// Why it stands where it stands.
    why: Reason,
}

async fn search(
    app: AppState,
    actor: CurrentUser,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<SearchHit, TimeCursor>>> {
    let near = match (query.latitude, query.longitude, &query.within_km) {
        (Some(latitude), Some(longitude), Some(km)) => Some(((latitude.0, longitude.0), km.0 as f64)),
        (None, None, None) => None,
        _ => return Err(invalid("within_km", "required").into()),
    };
    let word = |word: &Line<1, 40>| base::fold(word).replace(' ', "_");
    let filter = Filter {
        from: query.from,
        to: query.to,
        bounds: near.map(|(middle, km)| bounds(middle, km)),
        city: query
            .city
            .as_deref()
            .and_then(|name| City::named(name, None))
            .map(|city| city.name),
        role: query.role.as_ref().map(word),
        level: query.level.as_ref().map(|level| level.0),
        language: query.language.as_deref().map(base::fold),
    };
    let wanted = words::of_query(&query.q);
    if wanted.words.is_empty() {
        return Ok(Json(Page {
            items: vec![],
            next_cursor: None,
        }));
    }
    let kinds: Vec<Found> = Found::ALL
        .iter()
        .copied()
        .filter(|kind| query.kind.is_none_or(|wanted| wanted == *kind) && can_be(*kind, &filter))
        .collect();
    let weights = Weights::of(&app.config);
    let mut hits = found(&app, &actor, &kinds, wanted, &filter, &weights).await?;
    if let Some((middle, km)) = near {
        hits.retain_mut(|(hit, shown)| {
            let distance = hit.place.map(|place| distance_km(middle, place));
            shown.distance_km = distance.map(|km| (km * 10.0).round() / 10.0);
            distance.is_some_and(|distance| distance <= km)
        });
    }
    if !hits.is_empty() && query.cursor.is_none() {
        trends::heard(&app, actor.id, &words::of_query(&query.q).phrase());
    }
    let mut items: Vec<SearchHit> = hits.into_iter().map(|(_, shown)| shown).collect();
    items.sort_by_key(|hit| Reverse(rank(hit)));
    if let Some(TimeCursor(points, id)) = query.cursor {
        items.retain(|hit| rank(hit) < (points.as_micros(), id));
    }
    Ok(Json(Page::of(items, query.limit, |hit| {
        let (points, id) = rank(hit);
        TimeCursor(Timestamp::from_micros(points), id)
    })))
}

/// The order of the answers: by points, then the newest. Ids hold their time.
fn rank(hit: &SearchHit) -> (i64, Uuid) {
    (i64::from(hit.why.points), hit.id.0)
}

/// Whether things of a kind can be what the filter wants at all.
fn can_be(kind: Found, filter: &Filter) -> bool {
    let dated = filter.from.is_some() || filter.to.is_some();
    let personal = filter.level.is_some() || filter.language.is_some();
    match kind {
        Found::Member => !dated,
        Found::Group => !dated && !personal,
        Found::Post => !personal && filter.role.is_none() && filter.city.is_none(),
        Found::Event => !personal && filter.role.is_none(),
        Found::Place => !dated && !personal && filter.role.is_none(),
    }
}

/// The degrees around a place within which everything near enough lies.
fn bounds((latitude, longitude): (f64, f64), km: f64) -> [f64; 4] {
    let dlat = km / KILOMETRES_PER_DEGREE;
    // Near a pole, or across the date line, every longitude may be near.
    let dlng = dlat / latitude.to_radians().cos().max(0.01);
    let whole = longitude - dlng < -180.0 || longitude + dlng > 180.0;
    let (west, east) = if whole {
        (-180.0, 180.0)
    } else {
        (longitude - dlng, longitude + dlng)
    };
    [latitude - dlat, latitude + dlat, west, east]
}

async fn found(
    app: &AppState,
    actor: &CurrentUser,
    kinds: &[Found],
    wanted: Wanted,
    filter: &Filter,
    weights: &Weights,
) -> Result<Vec<(Hit, SearchHit)>> {
    let mut hits = all(app, actor, kinds, &wanted, filter).await?;
    let mut wanted = wanted;
    if hits.len() < FEW && mend(app, &mut wanted).await? {
        hits = all(app, actor, kinds, &wanted, filter).await?;
    }
    let judged = hits.into_iter().map(|hit| {
        let why = relevance::judge(&wanted, &hit.title, &hit.body, weights);
        let shown = SearchHit {
            kind: hit.kind,
            id: FoundId(hit.id),
            name: hit.name.clone(),
            text: hit.text.chars().take(SHOWN).collect(),
            address: hit.address.clone(),
            at: hit.at,
            distance_km: None,
            why,
        };
        (hit, shown)
    });
    Ok(judged.collect())
}

async fn all(
    app: &AppState,
    actor: &CurrentUser,
    kinds: &[Found],
    wanted: &Wanted,
    filter: &Filter,
) -> Result<Vec<Hit>> {
    let mut hits = vec![];
    for kind in kinds {
        hits.extend(store::find(&app.db, actor.id, *kind, wanted, filter).await?);
    }
    Ok(hits)
}

/// Adds the known words that are close to what was typed. False: there are none.
async fn mend(app: &AppState, wanted: &mut Wanted) -> Result<bool> {
    for (n, word) in wanted
        .words
        .iter()
        .enumerate()
        .filter(|(_, word)| words::is_mendable(word))
    {
        let likely = store::likely_words(&app.db, word).await?;
        wanted.close[n] = likely
            .into_iter()
            .filter(|known| known != word && relevance::is_close(word, known))
            .take(CLOSE)
            .collect();
    }
    Ok(wanted.close.iter().any(|close| !close.is_empty()))
}

input! {
    /// What has been typed so far.
    pub struct SuggestionQuery {
        pub q: Line<1, 100>,
    }
}

/// A way to go on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Suggestion {
    text: String,
    /// What it names; null: a term that many look for.
    kind: Option<Found>,
    id: Option<FoundId>,
    address: Option<String>,
}

async fn suggest(
    app: AppState,
    actor: CurrentUser,
    Query(query): Query<SuggestionQuery>,
) -> Result<Json<Page<Suggestion>>> {
    let wanted = words::of_query(&query.q);
    if wanted.words.is_empty() {
        return Ok(Json(Page {
            items: vec![],
            next_cursor: None,
        }));
    }
    let phrase = wanted.phrase();
    let terms = trends::top(&app.db, app.clock.now(), 200).await?;
    let mut items: Vec<Suggestion> = terms
        .into_iter()
        .filter(|(term, _)| term.starts_with(&phrase) && *term != phrase)
        .take(SUGGESTIONS / 2)
        .map(|(text, _)| Suggestion {
            text,
            kind: None,
            id: None,
            address: None,
        })
        .collect();
    let kinds = [Found::Member, Found::Group, Found::Event, Found::Place];
    let weights = Weights::of(&app.config);
    let mut hits = found(&app, &actor, &kinds, wanted, &Filter::default(), &weights).await?;
    hits.sort_by_key(|(_, hit)| Reverse(rank(hit)));
    items.extend(hits.into_iter().map(|(_, hit)| Suggestion {
        text: hit.name,
        kind: Some(hit.kind),
        id: Some(hit.id),
        address: Some(hit.address),
    }));
    items.truncate(SUGGESTIONS);
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}

/// A term and how many looked for it.
#[derive(Debug, Serialize, JsonSchema)]
struct TrendingTerm {
    term: String,
    count: i64,
}

async fn list_trending_terms(app: AppState, _: CurrentUser) -> Result<Json<Page<TrendingTerm>>> {
    let top = trends::top(&app.db, app.clock.now(), TRENDING).await?;
    let items = top
        .into_iter()
        .map(|(term, count)| TrendingTerm { term, count })
        .collect();
    Ok(Json(Page {
        items,
        next_cursor: None,
    }))
}
