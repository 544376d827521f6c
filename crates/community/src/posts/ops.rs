use super::{
    Emotion, Place, Post, PostCreated, PostEdited, PostId, SharedPost, Visibility,
    model::{Draft, Mentioned},
    policy, store,
    words::Words,
};
use crate::{
    companions, groups,
    media::{self, MediaId, Subject, SubjectKind},
    newcomers::{self, Deed},
};
use accounts::{CurrentUser, MemberId};
use base::{Error, Kind, Result, error::not_found};
use db::{Executor, Tx};
use platform::{
    AppState,
    http::{Created, IfMatch, Once},
};

pub async fn create_post(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    draft: Draft,
) -> Result<Created<Post>> {
    policy::may_publish(actor, draft.kind)?;
    policy::fits(draft.visibility, draft.group_id.is_some())?;
    if let Some(group) = draft.group_id {
        groups::ops::may_post(&app.db, group, actor.id).await?;
    }
    publish(app, actor, once, "create_post", draft, None).await
}

/// Publishes a post that shows another one.
pub async fn share_post(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    id: PostId,
    mut draft: Draft,
) -> Result<Created<Post>> {
    let found = store::find(&app.db, actor.id, id).await?;
    let mut original = found.ok_or_else(|| not_found("post"))?;
    // Passing on what was passed on shares the original.
    if let Some(first) = original.shared_id
        && let Some(post) = store::find(&app.db, actor.id, first).await?
    {
        original = post;
    }
    policy::may_share(&original)?;
    draft.shared_id = Some(original.id);
    let shared = SharedPost {
        id: original.id,
        author: original.author,
        body: original.body,
        html: original.html,
        created_at: original.created_at,
        media_count: original.media_count,
        media: vec![],
    };
    let shared = with_media_of(app, shared).await?;
    publish(app, actor, once, "share_post", draft, Some(shared)).await
}

/// The post that is shared, with its media.
async fn with_media_of(app: &AppState, shared: SharedPost) -> Result<SharedPost> {
    if shared.media_count == 0 {
        return Ok(shared);
    }
    let id = shared.id.0;
    let mut views = media::of_subjects(app, &app.db, SubjectKind::Post, [id]).await?;
    Ok(SharedPost {
        media: views.remove(&id).unwrap_or_default(),
        ..shared
    })
}

fn of(post: PostId) -> Subject {
    Subject::new(SubjectKind::Post, post.0)
}

async fn publish(
    app: &AppState,
    actor: &CurrentUser,
    once: Once,
    operation: &'static str,
    draft: Draft,
    shared: Option<SharedPost>,
) -> Result<Created<Post>> {
    newcomers::count(app, actor.id, Deed::Post).await?;
    let (author, now) = (actor.id, app.clock.now());
    let (own, id) = (app.clone(), app.ids.next::<PostId>());
    let written_by = store::author(&app.db, author)
        .await?
        .ok_or_else(|| not_found("member"))?;
    let hashtags = draft.words.hashtags();
    let mentions = store::mentioned(&app.db, author, &draft.words.mentions()).await?;
    let asked = companions::store::may_be_named(&app.db, author, &draft.companions).await?;
    once.create(app, author.0, operation, move |tx| async move {
        if let Some(shared) = draft.shared_id
            && !store::count_share(&tx, author, shared).await?
        {
            return Err(not_found("post"));
        }
        store::insert(&tx, id, author, &draft, &hashtags, &mentions, now).await?;
        companions::store::ask(&tx, id, &asked, now).await?;
        let media = if draft.media.is_empty() {
            vec![]
        } else {
            media::attach(&own, &tx, author, of(id), &draft.media).await?
        };
        let post = Post {
            id,
            author: written_by,
            body: draft.words.body,
            html: draft.words.html,
            media_count: media.len() as i64,
            media,
            created_at: now,
            edited_at: None,
            visibility: draft.visibility,
            kind: draft.kind,
            group_id: draft.group_id,
            place: draft.place,
            emotions: draft.emotions,
            hashtags,
            mentions: mentions.iter().map(|mention| mention.username.clone()).collect(),
            companions: vec![],
            companion_count: 0,
            like_count: 0,
            comment_count: 0,
            share_count: 0,
            liked_by_me: false,
            reaction: None,
            saved_by_me: false,
            is_withheld: false,
            shared_id: draft.shared_id,
            shared,
            why: None,
            version: 1,
        };
        let created = PostCreated {
            mentioned: mentions.iter().map(|mention| mention.id).collect(),
            companions: asked,
            ..PostCreated::from(&post)
        };
        own.signals.announce(&tx, &created, now).await?;
        Ok(post)
    })
    .await
}

/// What to change of a post; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub words: Option<Words>,
    pub visibility: Option<Visibility>,
    pub place: Option<Option<Place>>,
    pub emotions: Option<Vec<Emotion>>,
    pub media: Option<Vec<MediaId>>,
}

pub async fn edit_post(
    app: &AppState,
    actor: &CurrentUser,
    id: PostId,
    seen: IfMatch,
    changes: Changes,
) -> Result<Post> {
    let (own, actor, now) = (app.clone(), *actor, app.clock.now());
    app.db
        .write_again(move |tx| async move {
            let before = find(&tx, actor.id, id).await?;
            policy::may_change(&actor, &before)?;
            policy::may_edit(&before)?;
            seen.check(before.version)?;
            let (mut post, mut mentioned) = (before.clone(), vec![]);
            if let Some(words) = changes.words {
                let mentions: Vec<Mentioned> = store::mentioned(&tx, actor.id, &words.mentions()).await?;
                let new = mentions
                    .iter()
                    .filter(|mention| !before.mentions.contains(&mention.username));
                mentioned = new.map(|mention| mention.id).collect();
                post.hashtags = words.hashtags();
                post.mentions = mentions.into_iter().map(|mention| mention.username).collect();
                (post.body, post.html) = (words.body, words.html);
            }
            post.visibility = changes.visibility.unwrap_or(post.visibility);
            post.place = changes.place.unwrap_or(post.place);
            post.emotions = changes.emotions.unwrap_or(post.emotions);
            policy::fits(post.visibility, post.group_id.is_some())?;
            if let Some(ids) = changes.media {
                media::attach(&own, &tx, actor.id, of(id), &ids).await?;
                post.media_count = ids.len() as i64;
            }
            policy::says_something(&post)?;
            if !store::update(&tx, &before, &post, now).await? {
                return Err(Error::new(Kind::Stale, "stale"));
            }
            post.edited_at = Some(now);
            post.version += 1;
            let edited = PostEdited {
                id,
                author: post.author.clone(),
                edited_at: now,
                mentioned,
            };
            own.signals.announce(&tx, &edited, now).await?;
            Ok(post)
        })
        .await
}

pub async fn delete_post(app: &AppState, actor: &CurrentUser, id: PostId) -> Result<()> {
    let (own, actor) = (app.clone(), *actor);
    app.db
        .write_again(move |tx| async move {
            let post = find(&tx, actor.id, id).await?;
            policy::may_change(&actor, &post)?;
            media::detach(&own, &tx, of(id)).await?;
            media::detach_from_comments(&own, &tx, id.0).await?;
            store::delete(&tx, &post).await
        })
        .await
}

/// Deletes some posts of a member who leaves, with what others said under them; says how many.
pub async fn forget(app: &AppState, tx: &Tx, member: MemberId) -> Result<u64> {
    let some = store::some_of(tx, member).await?;
    for id in &some {
        media::detach_from_comments(app, tx, id.0).await?;
        store::forget(tx, *id).await?;
    }
    Ok(some.len() as u64)
}

async fn find(db: &impl Executor, reader: MemberId, id: PostId) -> Result<Post> {
    store::find(db, reader, id)
        .await?
        .ok_or_else(|| not_found("post"))
}
