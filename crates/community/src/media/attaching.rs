//! What other slices call: a medium is put into a post, a message, a profile.

use super::{MediaId, MediaStatus, MediaView, clean_up, model::Row, store, urls::Signer};
use accounts::MemberId;
use base::{
    Result, choice,
    error::{conflict, invalid},
};
use db::{Executor, Tx};
use platform::App;
use std::collections::HashMap;
use uuid::Uuid;

/// Media that one thing may have.
pub const MOST_ATTACHED: usize = 10;

choice! {
    /// What a medium can be attached to.
    pub enum SubjectKind {
        Post = "post",
        Comment = "comment",
        Story = "story",
        Message = "message",
        /// A member's picture; the subject is the member.
        Avatar = "avatar",
        Group = "group",
        Event = "event",
        Recommendation = "recommendation",
    }
}
db::stored!(words: SubjectKind);

impl SubjectKind {
    /// What everybody may see has an address that does not end.
    pub fn is_public(self) -> bool {
        matches!(self, SubjectKind::Avatar)
    }
}

/// One thing that has media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub kind: SubjectKind,
    pub id: Uuid,
}

impl Subject {
    pub fn new(kind: SubjectKind, id: impl Into<Uuid>) -> Subject {
        Subject { kind, id: id.into() }
    }
}

/// Gives the subject exactly these media, in this order, and shows them. What it had before and
/// is not among them is removed. The errors name `/media_ids`, which the request should call them;
/// whoever goes on after one has written nothing.
pub async fn attach(
    app: &App,
    tx: &Tx,
    owner: MemberId,
    subject: Subject,
    ids: &[MediaId],
) -> Result<Vec<MediaView>> {
    if ids.len() > MOST_ATTACHED {
        return Err(invalid("/media_ids", "too_many_media"));
    }
    let now = app.clock.now();
    let found = store::lock_own(tx, owner, ids).await?;
    let mut found: HashMap<MediaId, Row> = found.into_iter().map(|row| (row.id, row)).collect();
    let (signer, mut views) = (Signer::of(app), vec![]);
    for (n, id) in ids.iter().enumerate() {
        let place = || format!("/media_ids/{n}");
        // Named twice, it is not found the second time.
        let mut row = found
            .remove(id)
            .filter(|row| row.expires_at.is_none_or(|end| end > now))
            .ok_or_else(|| invalid(place(), "unknown_media"))?;
        if row.status != MediaStatus::Ready {
            return Err(invalid(place(), "media_not_ready"));
        }
        if row.subject.is_some_and(|other| other != subject) {
            return Err(invalid(place(), "media_in_use"));
        }
        row.subject = Some(subject);
        views.push(row.view(&signer)?);
    }
    for (n, id) in ids.iter().enumerate() {
        store::put_subject(tx, *id, subject, n as i64).await?;
    }
    if store::remove_attached(tx, subject, ids, now).await? > 0 {
        clean_up::wake_on_commit(app, tx);
    }
    Ok(views)
}

/// Gives things what is attached to them: `of` names those that have media. Whether the media may be
/// seen has been asked.
pub async fn show<T>(
    app: &App,
    db: &impl Executor,
    kind: SubjectKind,
    things: &mut [T],
    of: impl Fn(&T) -> Option<Uuid>,
    put: impl Fn(&mut T, Vec<MediaView>),
) -> Result<()> {
    let ids: Vec<Uuid> = things.iter().filter_map(&of).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut views = of_subjects(app, db, kind, ids).await?;
    for thing in things {
        let shown = of(thing).and_then(|id| views.remove(&id)).unwrap_or_default();
        put(thing, shown);
    }
    Ok(())
}

/// Gives a subject the media of another one as well, as copies of the member's own: they share the
/// bytes, are charged to the member, and go with their own subject alone, or when whoever brought the
/// bytes leaves. Whoever calls has asked whether the member may see them; whoever goes on after an
/// error has written nothing.
pub async fn copy(app: &App, tx: &Tx, owner: MemberId, from: Subject, to: Subject) -> Result<Vec<MediaView>> {
    let (signer, now) = (Signer::of(app), app.clock.now());
    let originals = store::lock_attached(tx, from).await?;
    let size: i64 = originals.iter().map(|row| row.charged_bytes).sum();
    let quota = app.config.media.quota_bytes as i64;
    if size > 0 && !store::charge(tx, owner, size, quota).await? {
        return Err(conflict("quota_exceeded").with("max", quota));
    }
    let mut views = vec![];
    for (n, original) in originals.into_iter().enumerate() {
        let copy = Row {
            id: app.ids.next(),
            owner: Some(owner),
            subject: Some(to),
            created_at: now,
            expires_at: None,
            ..original.clone()
        };
        store::insert_copy(tx, &original, &copy, n as i64).await?;
        views.push(copy.view(&signer)?);
    }
    Ok(views)
}

/// A post is going, and with it its comments: their media go too.
pub async fn detach_from_comments(app: &App, tx: &Tx, post: Uuid) -> Result<()> {
    if store::remove_from_comments(tx, post, app.clock.now()).await? > 0 {
        clean_up::wake_on_commit(app, tx);
    }
    Ok(())
}

/// The subject is going: its media go too.
pub async fn detach(app: &App, tx: &Tx, subject: Subject) -> Result<()> {
    if store::remove_attached(tx, subject, &[], app.clock.now()).await? > 0 {
        clean_up::wake_on_commit(app, tx);
    }
    Ok(())
}

/// The media of these, for a page of them in one statement. Whoever calls has asked whether the reader may see them.
pub async fn of_subjects(
    app: &App,
    db: &impl Executor,
    kind: SubjectKind,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<MediaView>>> {
    let signer = Signer::of(app);
    let mut views: HashMap<Uuid, Vec<MediaView>> = HashMap::new();
    for row in store::list_attached(db, kind, ids).await? {
        if let Some(subject) = row.subject {
            views.entry(subject.id).or_default().push(row.view(&signer)?);
        }
    }
    Ok(views)
}
