//! `/communities`.

use super::{Community, CommunityRole, ops, store};
use crate::{
    May, MemberId, Permission,
    actor::{Visitor, may::PlatformSettings},
};
use base::{Cursor, Kind, Line, Page, Paging, Text, Timestamp, error::forbidden, input, list::given};
use db::CommunityId;
use platform::{
    AppState, communities,
    http::{Created, Json, NoContent, Once, Path, PathPair, Query, Result, Routes},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use std::{borrow::Cow, str::FromStr};

pub fn routes() -> Routes {
    Routes::new("communities")
        .get(
            "/communities",
            "list_communities",
            list_communities,
            "Communities that are open or to which I belong",
        )
        .post(
            "/communities",
            "create_community",
            create_community,
            "Make a community",
        )
        .get(
            "/communities/{community}",
            "show_community",
            show_community,
            "One community",
        )
        .patch(
            "/communities/{community}",
            "edit_community",
            edit_community,
            "Change what a community is called and who may join",
        )
        .refuses(&[Kind::Conflict])
        .put(
            "/communities/{community}/membership",
            "join_community",
            join_community,
            "Join an open community",
        )
        .delete(
            "/communities/{community}/membership",
            "leave_community",
            leave_community,
            "Leave a community",
        )
        .refuses(&[Kind::Conflict])
        .get(
            "/communities/{community}/members",
            "list_community_members",
            list_community_members,
            "Who belongs to a community, for its members",
        )
        .put(
            "/communities/{community}/members/{member_id}",
            "put_community_member",
            put_community_member,
            "Add a member to a community or give them a role there",
        )
        .refuses(&[Kind::Conflict])
        .delete(
            "/communities/{community}/members/{member_id}",
            "remove_community_member",
            remove_community_member,
            "Take a member out of a community",
        )
        .refuses(&[Kind::Conflict])
}

/// A community's name in addresses and in `X-Community`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(pub String);

impl FromStr for Slug {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Slug, ()> {
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let edges = !text.starts_with('-') && !text.ends_with('-');
        if plain && edges && (2..=40).contains(&text.len()) {
            Ok(Slug(text.to_owned()))
        } else {
            Err(())
        }
    }
}

impl<'de> serde::Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Slug, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom("expected 2 to 40 small letters, digits and hyphens"))
    }
}

impl JsonSchema for Slug {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CommunitySlug".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$"})
    }
}

impl base::input::Field for Slug {}

/// A host name, in small letters, without a port.
#[derive(Clone, Debug)]
pub struct Domain(String);

impl<'de> serde::Deserialize<'de> for Domain {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Domain, D::Error> {
        let text = String::deserialize(from)?.to_ascii_lowercase();
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if plain && text.contains('.') && (4..=253).contains(&text.len()) && !text.contains("..") {
            Ok(Domain(text))
        } else {
            Err(serde::de::Error::custom("expected a host name"))
        }
    }
}

impl JsonSchema for Domain {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CommunityDomain".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$", "minLength": 4, "maxLength": 253})
    }
}

impl base::input::Field for Domain {}

async fn number(app: &AppState, slug: &Slug) -> base::Result<CommunityId> {
    communities::named(app, &slug.0).await
}

async fn list_communities(app: AppState, Visitor(actor): Visitor) -> Result<Json<Page<Community>>> {
    Ok(Json(Page {
        items: store::list(&app.db, actor.id, actor.roles.is_staff()).await?,
        next_cursor: None,
    }))
}

input! {
    /// A community to be.
    pub struct NewCommunity {
        pub slug: Slug,
        pub name: Line<1, 80>,
        #[serde(default)]
        pub description: Text<0, 1000>,
        /// The host name under which it is found.
        pub domain: Option<Domain>,
        /// Whether whoever likes may join; else its admins add members.
        pub is_open: bool,
    }
}

async fn create_community(
    app: AppState,
    actor: May<PlatformSettings>,
    once: Once,
    Json(new): Json<NewCommunity>,
) -> Result<Created<Community>> {
    let new = Community {
        slug: new.slug.0,
        name: new.name.into(),
        description: new.description.into(),
        domain: new.domain.map(|domain| domain.0),
        is_open: new.is_open,
        my_role: None,
        i_belong: false,
        number: CommunityId::DEFAULT,
    };
    Ok(ops::create_community(&app, &actor, once, new).await?)
}

async fn show_community(
    app: AppState,
    Visitor(actor): Visitor,
    Path(slug): Path<Slug>,
) -> Result<Json<Community>> {
    let number = number(&app, &slug).await?;
    Ok(Json(ops::seen(&app.db, &actor, number).await?))
}

input! {
    /// What to change; what is left out stays, a domain that is null goes.
    pub struct CommunityChanges {
        pub name: Option<Line<1, 80>>,
        pub description: Option<Text<0, 1000>>,
        #[serde(default, deserialize_with = "given")]
        pub domain: Option<Option<Domain>>,
        pub is_open: Option<bool>,
    }
}

async fn edit_community(
    app: AppState,
    Visitor(actor): Visitor,
    Path(slug): Path<Slug>,
    Json(edit): Json<CommunityChanges>,
) -> Result<Json<Community>> {
    let number = number(&app, &slug).await?;
    let changes = ops::Changes {
        name: edit.name.map(String::from),
        description: edit.description.map(String::from),
        domain: edit.domain.map(|domain| domain.map(|domain| domain.0)),
        is_open: edit.is_open,
    };
    Ok(Json(ops::edit_community(&app, &actor, number, changes).await?))
}

async fn join_community(
    app: AppState,
    Visitor(actor): Visitor,
    Path(slug): Path<Slug>,
) -> Result<Json<Community>> {
    let number = number(&app, &slug).await?;
    Ok(Json(ops::join_community(&app, &actor, number).await?))
}

async fn leave_community(
    app: AppState,
    Visitor(actor): Visitor,
    Path(slug): Path<Slug>,
) -> Result<NoContent> {
    let number = number(&app, &slug).await?;
    ops::leave_community(&app, &actor, number).await?;
    Ok(NoContent)
}

/// Somebody who belongs to a community.
#[derive(Debug, Serialize, JsonSchema)]
struct CommunityMember {
    id: MemberId,
    username: String,
    display_name: String,
    /// Staff have made sure that they are who they say.
    is_verified: bool,
    role: CommunityRole,
    joined_at: Timestamp,
}

async fn list_community_members(
    app: AppState,
    Visitor(actor): Visitor,
    Path(slug): Path<Slug>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CommunityMember>>> {
    let number = number(&app, &slug).await?;
    let community = ops::seen(&app.db, &actor, number).await?;
    if !community.i_belong && !actor.roles.may(Permission::UsersView) {
        return Err(forbidden("not_in_community").into());
    }
    let found = store::members(&app.db, number, paging.before(), paging.fetch()).await?;
    let page = Page::of(found, paging.limit, |member| Cursor(member.id.0));
    Ok(Json(page.map(|member| CommunityMember {
        id: member.id,
        username: member.username,
        display_name: member.display_name,
        is_verified: member.is_verified,
        role: member.role,
        joined_at: member.joined_at,
    })))
}

input! {
    /// What a member is there.
    pub struct CommunityMemberRole {
        pub role: CommunityRole,
    }
}

async fn put_community_member(
    app: AppState,
    Visitor(actor): Visitor,
    PathPair(slug, member): PathPair<Slug, MemberId>,
    Json(new): Json<CommunityMemberRole>,
) -> Result<NoContent> {
    let number = number(&app, &slug).await?;
    ops::put_member(&app, &actor, number, member, new.role).await?;
    Ok(NoContent)
}

async fn remove_community_member(
    app: AppState,
    Visitor(actor): Visitor,
    PathPair(slug, member): PathPair<Slug, MemberId>,
) -> Result<NoContent> {
    let number = number(&app, &slug).await?;
    ops::remove_member(&app, &actor, number, member).await?;
    Ok(NoContent)
}
