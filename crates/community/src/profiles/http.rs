use super::{
    ExperienceKind, ExperiencePage, MemberProfile, Profile, TangoRole,
    experience::Experience,
    model::{OwnProfile, PrivacyChanges, completeness},
    ops, store,
};
use crate::{
    groups::cities::{City, country_code},
    media,
};
use accounts::{CurrentUser, MemberId, members};
use base::{
    Cursor, Line, Page, Paging, Result as Outcome, Text, Whole,
    error::{invalid, not_found},
    input,
    list::{Few, given},
    page::Limit,
};
use platform::{
    AppState,
    http::{IfMatch, Json, NoContent, Path, PathPair, Query, Result, Routes, Tagged},
};

pub fn routes() -> Routes {
    Routes::new("members")
        .for_tokens("members:read", "members:read")
        .get("/members", "list_members", list_members, "Find members by name")
        .get(
            "/members/{member}",
            "show_member",
            show_member,
            "One member's page, by id or user name",
        )
        .get(
            "/members/{member_id}/experiences/{kind}",
            "show_experience",
            show_experience,
            "A member's page as dancer, teacher, DJ …",
        )
        .get("/me/profile", "show_profile", show_profile, "My own profile")
        .patch(
            "/me/profile",
            "edit_profile",
            edit_profile,
            "Say something else of myself, or to others",
        )
        .put(
            "/me/experiences/{kind}",
            "put_experience",
            put_experience,
            "Write my page as dancer, teacher, DJ …",
        )
        .delete(
            "/me/experiences/{kind}",
            "delete_experience",
            delete_experience,
            "Delete such a page",
        )
}

input! {
    /// Whom to look for.
    pub struct Search {
        /// Part of a name.
        pub query: Option<Line<0, 80>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_members(
    app: AppState,
    actor: CurrentUser,
    Query(search): Query<Search>,
) -> Result<Json<Page<Profile>>> {
    let paging = Paging {
        limit: search.limit,
        cursor: search.cursor,
    };
    let text = search.query.as_deref().unwrap_or_default();
    let found = store::search(&app.db, actor.id, text, paging).await?;
    Ok(Json(Page::of(found, paging.limit, |member| Cursor(member.id.0))))
}

async fn show_member(
    app: AppState,
    actor: CurrentUser,
    Path(member): Path<Line<1, 64>>,
) -> Result<Json<MemberProfile>> {
    let member = store::find(&app.db, actor.id, &member, app.clock.now()).await?;
    Ok(Json(member.ok_or_else(|| not_found("member"))?))
}

async fn show_experience(
    app: AppState,
    actor: CurrentUser,
    PathPair(member, kind): PathPair<MemberId, ExperienceKind>,
) -> Result<Json<Experience>> {
    if !store::is_visible(&app.db, actor.id, member).await? {
        return Err(not_found("member").into());
    }
    let page = store::experience(&app.db, actor.id, member, kind).await?;
    Ok(Json(page.ok_or_else(|| not_found("experience"))?))
}

async fn show_profile(app: AppState, actor: CurrentUser) -> Result<Tagged<OwnProfile>> {
    Ok(Tagged(own(&app, actor.id).await?))
}

async fn own(app: &AppState, member: MemberId) -> Outcome<OwnProfile> {
    let (about, privacy, version) = store::own(&app.db, member, app.clock.now()).await?;
    let experiences = store::experiences(&app.db, member, member).await?;
    let pictures = media::of_subjects(app, &app.db, media::SubjectKind::Avatar, [member.0]).await?;
    let me = members::find(&app.db, member, app.clock.now()).await?;
    Ok(OwnProfile {
        display_name: me.ok_or_else(|| not_found("member"))?.display_name,
        completeness: completeness(&about, !pictures.is_empty(), !experiences.is_empty()),
        about,
        privacy,
        experiences,
        version,
    })
}

input! {
    /// What to change; what is left out stays, a number that is null goes.
    pub struct ProfileChanges {
        pub display_name: Option<Line<1, 80>>,
        pub bio: Option<Text<0, 2000>>,
        pub occupation: Option<Line<0, 120>>,
        /// As people write it; empty takes it away.
        pub city: Option<Line<0, 80>>,
        /// Two letters or a name, with the city.
        pub country: Option<Line<0, 60>>,
        /// Codes such as `es`.
        pub languages: Option<Few<Line<2, 10>, 20>>,
        pub tango_roles: Option<Few<TangoRole, 13>>,
        #[serde(default, deserialize_with = "given")]
        pub leader_level: Option<Option<Whole<1, 10>>>,
        #[serde(default, deserialize_with = "given")]
        pub follower_level: Option<Option<Whole<1, 10>>>,
        #[serde(default, deserialize_with = "given")]
        pub dancing_since: Option<Option<Whole<1900, 2100>>>,
        #[serde(default)]
        pub privacy: PrivacyChanges,
    }
}

/// The city that was named; nothing to change, or none any more.
fn city(city: Option<Line<0, 80>>, country: Option<Line<0, 60>>) -> Outcome<Option<Option<City>>> {
    let country = country.filter(|country| !country.is_empty());
    let Some(city) = city else {
        return match country {
            Some(_) => Err(invalid("/city", "required")),
            None => Ok(None),
        };
    };
    if city.is_empty() {
        return Ok(Some(None));
    }
    if country
        .as_deref()
        .is_some_and(|name| country_code(name).is_none())
    {
        return Err(invalid("/country", "unknown_country"));
    }
    match City::named(&city, country.as_deref()) {
        Some(city) => Ok(Some(Some(city))),
        None => Err(invalid("/city", "required")),
    }
}

fn each_once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = vec![];
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// Language codes in lower case, each once.
fn languages(codes: &[Line<2, 10>]) -> Outcome<Vec<String>> {
    let mut languages = vec![];
    for (n, code) in codes.iter().enumerate() {
        let code = code.to_ascii_lowercase();
        if !code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            return Err(invalid(format!("/languages/{n}"), "unknown_language"));
        }
        languages.push(code);
    }
    Ok(each_once(languages))
}

async fn edit_profile(
    app: AppState,
    actor: CurrentUser,
    seen: IfMatch,
    Json(new): Json<ProfileChanges>,
) -> Result<Tagged<OwnProfile>> {
    let whole = |value: Option<Option<Whole<1, 10>>>| value.map(|value| value.map(|whole| whole.0));
    let changes = ops::Changes {
        display_name: new.display_name.map(String::from),
        bio: new.bio.map(String::from),
        occupation: new.occupation.map(String::from),
        city: city(new.city, new.country)?,
        languages: new.languages.map(|codes| languages(&codes)).transpose()?,
        tango_roles: new.tango_roles.map(|roles| each_once(roles.0)),
        leader_level: whole(new.leader_level),
        follower_level: whole(new.follower_level),
        dancing_since: new.dancing_since.map(|year| year.map(|year| year.0)),
        privacy: new.privacy,
    };
    ops::edit_profile(&app, &actor, seen, changes).await?;
    Ok(Tagged(own(&app, actor.id).await?))
}

async fn put_experience(
    app: AppState,
    actor: CurrentUser,
    Path(kind): Path<ExperienceKind>,
    Json(page): Json<ExperiencePage>,
) -> Result<Json<Experience>> {
    Ok(Json(ops::put_experience(&app, &actor, kind, page).await?))
}

async fn delete_experience(
    app: AppState,
    actor: CurrentUser,
    Path(kind): Path<ExperienceKind>,
) -> Result<NoContent> {
    ops::delete_experience(&app, &actor, kind).await?;
    Ok(NoContent)
}
