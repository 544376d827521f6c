//! Who calls: a handler that takes a [`CurrentUser`] serves members alone, one
//! that takes a [`May`] those whose roles permit it, a [`Moderator`] those who look after
//! a community, and [`Fresh`] asks that they proved a moment ago who they are.

use crate::{
    MemberId, Permission, Roles, SessionId,
    access::Verified,
    access_tokens, communities, keys,
    limits::Table,
    sessions::{self, Activity},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use base::{
    Error, Kind, Result, Timestamp,
    error::{forbidden, unauthenticated},
};
use db::CommunityId;
use platform::{
    App, AppState,
    http::{Caller, Context, Describe, Operation, Problem, TokenScope},
};
use std::{fmt, marker::PhantomData, ops::Deref, time::Duration};

/// The member behind a valid access token of a living session.
#[derive(Clone, Copy, Debug)]
pub struct CurrentUser {
    pub id: MemberId,
    pub session: SessionId,
    pub roles: Roles,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// When the member last gave a password or another proof.
    pub auth_time: Timestamp,
    /// What the token said.
    pub(crate) verified: Verified,
}

/// A [`CurrentUser`] who proved who they are within the last ten minutes: for
/// what a stolen access token must not do.
#[derive(Clone, Copy, Debug)]
pub struct Fresh(pub CurrentUser);

/// How long a proof is fresh.
pub const FRESH: Duration = Duration::from_mins(10);

/// Reads an access token, wherever it came from: a header or a socket's handshake.
pub async fn authenticate(app: &App, token: &str, activity: Activity) -> Result<CurrentUser> {
    let verified = keys::verified(app, token).await?;
    let roles = sessions::check(app, verified, activity).await?;
    Ok(CurrentUser {
        id: verified.member,
        session: verified.session,
        roles,
        expires_at: Timestamp::from_micros(verified.expires_s * 1_000_000),
        auth_time: Timestamp::from_micros(verified.auth_time * 1_000_000),
        verified,
    })
}

/// Asks again about somebody who was let in before: the session may have ended,
/// the rights may have changed. For sockets, with each message.
pub async fn recheck(app: &App, actor: CurrentUser, activity: Activity) -> Result<CurrentUser> {
    let roles = sessions::check(app, actor.verified, activity).await?;
    Ok(CurrentUser { roles, ..actor })
}

/// A member who need not belong to the community that the request speaks for: where
/// communities are joined, and all that is the same in each.
#[derive(Clone, Copy, Debug)]
pub struct Visitor(pub CurrentUser);

impl FromRequestParts<AppState> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Visitor(actor) = Visitor::from_request_parts(parts, app).await?;
        let app = AppState::from_request_parts(parts, app).await?;
        communities::must_belong(&app, &actor).await?;
        Ok(actor)
    }
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        // Two extractors of one handler may ask; the request counts once.
        if let Some(actor) = parts.extensions.get::<CurrentUser>() {
            return Ok(Visitor(*actor));
        }
        let mut given = parts.headers.get_all("authorization").iter();
        let header = given.next();
        if given.next().is_some() {
            let twice = Error::new(Kind::Malformed, "malformed_request");
            return Err(twice.with("why", "two Authorization headers").into());
        }
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthenticated("unauthenticated"))?;
        let actor = if token.starts_with(access_tokens::PREFIX) {
            let wanted = parts.extensions.get::<TokenScope>().map(|scope| scope.0);
            access_tokens::authenticate(app, token, wanted).await?
        } else {
            authenticate(app, token, Activity::Call).await?
        };
        let Context(context) = Context::from_request_parts(parts, app).await?;
        let _ = context.caller.set(actor.id.0);
        let limit = Table::of(&app.config).member;
        context.limited(app.limits.take(limit, actor.id).await)?;
        parts.extensions.insert(actor);
        Ok(Visitor(actor))
    }
}

impl Describe for Visitor {
    fn describe(operation: &mut Operation, schemas: &mut platform::http::Schemas) {
        CurrentUser::describe(operation, schemas);
    }
}

impl Describe for CurrentUser {
    fn describe(operation: &mut Operation, _: &mut platform::http::Schemas) {
        operation.caller = Some(Caller::Member);
        for kind in [Kind::Unauthenticated, Kind::Forbidden, Kind::RateLimited] {
            operation.problem(kind);
        }
    }
}

impl Deref for Fresh {
    type Target = CurrentUser;
    fn deref(&self) -> &CurrentUser {
        &self.0
    }
}

impl FromRequestParts<AppState> for Fresh {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let actor = CurrentUser::from_request_parts(parts, app).await?;
        if app.clock.now().since(actor.auth_time) > FRESH {
            return Err(forbidden("reauth_required").into());
        }
        Ok(Fresh(actor))
    }
}

impl Describe for Fresh {
    fn describe(operation: &mut Operation, schemas: &mut platform::http::Schemas) {
        // Beside a May, who may call is said already.
        let caller = operation.caller;
        CurrentUser::describe(operation, schemas);
        operation.caller = caller.or(operation.caller);
        operation.fresh = true;
    }
}

/// A caller whose roles permit `P`: `May<UsersSuspend>`. Stands before [`Fresh`] in a handler.
pub struct May<P>(CurrentUser, PhantomData<P>);

/// A permission as a type, for [`May`].
pub trait Permit: Send + Sync + 'static {
    const PERMISSION: Permission;
}

macro_rules! permits {
    ($($name:ident),*) => {
        /// Each permission as a type, for [`May`].
        pub mod may {$(
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl super::Permit for $name {
                const PERMISSION: crate::Permission = crate::Permission::$name;
            }
        )*}
    };
}

permits!(
    PostsCreate,
    PostsEdit,
    PostsDelete,
    PostsModerate,
    EventsCreate,
    EventsManage,
    HousingCreate,
    HousingManage,
    UsersView,
    UsersEdit,
    UsersSuspend,
    PlatformSettings,
    PlatformAnalytics
);

impl<P> Clone for May<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for May<P> {}

impl<P> fmt::Debug for May<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("May").field(&self.0).finish()
    }
}

impl<P> Deref for May<P> {
    type Target = CurrentUser;
    fn deref(&self) -> &CurrentUser {
        &self.0
    }
}

impl<P: Permit> FromRequestParts<AppState> for May<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let actor = CurrentUser::from_request_parts(parts, app).await?;
        if !actor.roles.may(P::PERMISSION) {
            return Err(forbidden("forbidden").into());
        }
        Ok(May(actor, PhantomData))
    }
}

impl<P: Permit> Describe for May<P> {
    fn describe(operation: &mut Operation, schemas: &mut platform::http::Schemas) {
        CurrentUser::describe(operation, schemas);
        operation.caller = Some(Caller::Staff(P::PERMISSION.as_str()));
    }
}

/// Who looks after what is said in the community that the request speaks for: staff of the
/// platform whose roles permit it, and in a community other than the first its own admins
/// and moderators.
#[derive(Clone, Copy, Debug)]
pub struct Moderator {
    user: CurrentUser,
    /// Of the community's own staff, and not of the platform's.
    pub is_own: bool,
}

impl Deref for Moderator {
    type Target = CurrentUser;
    fn deref(&self) -> &CurrentUser {
        &self.user
    }
}

impl FromRequestParts<AppState> for Moderator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let user = CurrentUser::from_request_parts(parts, app).await?;
        if user.roles.may(Permission::PostsModerate) {
            return Ok(Moderator { user, is_own: false });
        }
        let app = AppState::from_request_parts(parts, app).await?;
        let number = app.db.community();
        if number != CommunityId::DEFAULT && communities::is_staff_of(&app.db, number, user.id).await? {
            return Ok(Moderator { user, is_own: true });
        }
        Err(forbidden("forbidden").into())
    }
}

impl Describe for Moderator {
    fn describe(operation: &mut Operation, schemas: &mut platform::http::Schemas) {
        CurrentUser::describe(operation, schemas);
        operation.caller = Some(Caller::Moderator(Permission::PostsModerate.as_str()));
    }
}
