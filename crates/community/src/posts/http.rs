use super::{
    Edit, Emotion, Place, Post, PostId, PostKind, Visibility,
    model::Draft,
    ops::{self, Changes},
    showing::with_media,
    store,
    words::Words,
};
use crate::{groups::GroupId, media::MediaId};
use accounts::{CurrentUser, MemberId};
use base::{
    Cursor, Few, Kind, Line, Page, Paging, Text,
    error::{invalid, not_found},
    fold, input,
    list::given,
    page::Limit,
};
use platform::{
    AppState,
    http::{Created, IfMatch, Json, NoContent, Once, Path, Query, Result, Routes, Tagged},
};
use uuid::Uuid;

pub fn routes() -> Routes {
    Routes::new("posts")
        .for_tokens("posts:read", "posts:write")
        .get(
            "/posts",
            "list_posts",
            list_posts,
            "A member's posts, or those with a hashtag, the newest first",
        )
        .post("/posts", "create_post", create_post, "Publish a post")
        .refuses(&[Kind::NotFound])
        .get("/posts/{post_id}", "show_post", show_post, "One post")
        .patch("/posts/{post_id}", "edit_post", edit_post, "Edit one's own post")
        .refuses(&[Kind::Forbidden])
        .delete(
            "/posts/{post_id}",
            "delete_post",
            delete_post,
            "Delete one's own post",
        )
        .refuses(&[Kind::Forbidden])
        .get(
            "/posts/{post_id}/edits",
            "list_edits",
            list_edits,
            "What a post said before, the newest first",
        )
        .post(
            "/posts/{post_id}/shares",
            "share_post",
            share_post,
            "Publish a post that shows another one",
        )
}

input! {
    /// Whose posts, the caller's own unless said; or which hashtag.
    pub struct ListPosts {
        pub author_id: Option<MemberId>,
        /// Instead of an author: posts of anybody with this hashtag.
        pub hashtag: Option<Line<1, 50>>,
        #[serde(default)]
        pub limit: Limit,
        pub cursor: Option<Cursor>,
    }
}

async fn list_posts(
    app: AppState,
    actor: CurrentUser,
    Query(list): Query<ListPosts>,
) -> Result<Json<Page<Post>>> {
    let paging = Paging {
        limit: list.limit,
        cursor: list.cursor,
    };
    let posts = match (list.hashtag, list.author_id) {
        (Some(_), Some(_)) => return Err(invalid("/hashtag", "either_or").into()),
        (Some(hashtag), None) => {
            let tag = fold(&hashtag.replace('_', " ")).replace(' ', "_");
            store::list_tagged(&app.db, actor.id, &tag, paging).await?
        }
        (None, author) => store::list_by(&app.db, actor.id, author.unwrap_or(actor.id), paging).await?,
    };
    let posts = with_media(&app, posts).await?;
    Ok(Json(Page::of(posts, paging.limit, |post| Cursor(post.id.0))))
}

input! {
    /// What to publish: `body` as plain text, or `html` as rich text; neither when it has media.
    pub struct NewPost {
        pub body: Option<Text<1, 5000>>,
        /// Elements of text alone are kept: p, br, strong, b, em, i, s, a, ul, ol, li, blockquote, h3, code.
        pub html: Option<Text<1, 20000>>,
        /// `public` unless said, `group` in a group.
        pub visibility: Option<Visibility>,
        pub group_id: Option<GroupId>,
        #[serde(default)]
        pub kind: PostKind,
        pub place: Option<Place>,
        #[serde(default)]
        pub emotions: Few<Emotion, 5>,
        /// Members who were there; they are asked before they are named.
        #[serde(default)]
        pub companions: Few<MemberId, 20>,
        /// Media of the author's own that are ready.
        #[serde(default)]
        pub media_ids: Few<MediaId, 10>,
    }
}

async fn create_post(
    app: AppState,
    actor: CurrentUser,
    once: Once,
    Json(new): Json<NewPost>,
) -> Result<Created<Post>> {
    let in_group = new.group_id.map_or(Visibility::Public, |_| Visibility::Group);
    let words = match (new.body, new.html) {
        (None, None) if !new.media_ids.is_empty() => Words::plain(""),
        (body, html) => Words::of(body.map(String::from), html.map(String::from))?,
    };
    let draft = Draft {
        words,
        visibility: new.visibility.unwrap_or(in_group),
        kind: new.kind,
        group_id: new.group_id,
        place: new.place,
        emotions: new.emotions.0,
        companions: new.companions.0,
        shared_id: None,
        media: new.media_ids.0,
    };
    Ok(ops::create_post(&app, &actor, once, draft).await?)
}

async fn show_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<Tagged<Post>> {
    let post = store::find(&app.db, actor.id, id).await?;
    shown(&app, post.ok_or_else(|| not_found("post"))?).await
}

async fn shown(app: &AppState, post: Post) -> Result<Tagged<Post>> {
    let post = with_media(app, vec![post]).await?.pop();
    Ok(Tagged(post.ok_or_else(|| not_found("post"))?))
}

input! {
    /// What to change; what is left out stays, a place that is null goes.
    pub struct PostChanges {
        pub body: Option<Text<1, 5000>>,
        pub html: Option<Text<1, 20000>>,
        pub visibility: Option<Visibility>,
        #[serde(default, deserialize_with = "given")]
        pub place: Option<Option<Place>>,
        pub emotions: Option<Few<Emotion, 5>>,
        /// Exactly these from now on, in this order.
        pub media_ids: Option<Few<MediaId, 10>>,
    }
}

async fn edit_post(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PostId>,
    seen: IfMatch,
    Json(edit): Json<PostChanges>,
) -> Result<Tagged<Post>> {
    let words = match (edit.body, edit.html) {
        (None, None) => None,
        (body, html) => Some(Words::of(body.map(String::from), html.map(String::from))?),
    };
    let changes = Changes {
        words,
        visibility: edit.visibility,
        place: edit.place,
        emotions: edit.emotions.map(|emotions| emotions.0),
        media: edit.media_ids.map(|ids| ids.0),
    };
    shown(&app, ops::edit_post(&app, &actor, id, seen, changes).await?).await
}

async fn delete_post(app: AppState, actor: CurrentUser, Path(id): Path<PostId>) -> Result<NoContent> {
    ops::delete_post(&app, &actor, id).await?;
    Ok(NoContent)
}

async fn list_edits(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PostId>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Edit>>> {
    let author = store::author_of(&app.db, actor.id, id).await?;
    author.ok_or_else(|| not_found("post"))?;
    // The place in this list is a version.
    let before = i64::try_from(paging.before().as_u128()).unwrap_or(i64::MAX);
    let edits = store::list_edits(&app.db, id, before, paging.fetch()).await?;
    Ok(Json(Page::of(edits, paging.limit, |edit| {
        Cursor(Uuid::from_u128(edit.version as u128))
    })))
}

input! {
    /// What to say about the post that is shared, if anything.
    pub struct NewShare {
        #[serde(default)]
        pub body: Text<0, 5000>,
        #[serde(default)]
        pub visibility: Visibility,
    }
}

async fn share_post(
    app: AppState,
    actor: CurrentUser,
    Path(id): Path<PostId>,
    once: Once,
    Json(new): Json<NewShare>,
) -> Result<Created<Post>> {
    if new.visibility == Visibility::Group {
        return Err(invalid("/visibility", "group_only").into());
    }
    let draft = Draft {
        words: Words::plain(new.body),
        visibility: new.visibility,
        kind: PostKind::Memory,
        group_id: None,
        place: None,
        emotions: vec![],
        companions: vec![],
        shared_id: None,
        media: vec![],
    };
    Ok(ops::share_post(&app, &actor, once, id, draft).await?)
}
