//! What many members say at once, decided about and written together.

use super::{
    MessageNew, MessageSent,
    model::Said,
    store::{self, Known, Speech},
};
use crate::{
    media::{self, MediaView, Subject, SubjectKind},
    rooms::{Role, RoomKind, RoomName, Standing, policy},
};
use base::{
    Error, Result, Timestamp,
    error::{conflict, internal, invalid, not_found},
};
use db::Tx;
use platform::AppState;
use realtime::streams::{Decision, Entry, Placed, Queued, Wanted};
use std::{collections::HashMap, sync::Arc};

#[derive(Debug, Default)]
pub struct Speaking;

/// What the speaker hears, and what is announced.
#[derive(Clone, Debug)]
pub struct Done {
    pub said: Said,
    /// For whoever waits to be told; an open room has nobody.
    sent: Option<MessageSent>,
}

impl Queued for Speaking {
    type Item = Speech;
    type Done = Done;

    async fn decide(
        &self,
        app: &AppState,
        tx: &Tx,
        at: Timestamp,
        items: &[Arc<Wanted<Speech>>],
    ) -> Result<Vec<Decision<Done>>> {
        let speeches: Vec<&Speech> = items.iter().map(|wanted| &wanted.item).collect();
        let known = store::known(tx, &speeches).await?;
        if known.len() != speeches.len() {
            return Err(internal("somebody speaks who is nobody"));
        }
        let mut names = HashMap::new();
        let mut decisions: Vec<Decision<Done>> = Vec::with_capacity(items.len());
        for (place, (speech, known)) in speeches.into_iter().zip(known).enumerate() {
            let name = speech.saying.client_id.as_ref();
            let name = name.map(|client_id| (speech.room, speech.sender, client_id));
            if let Some(earlier) = name.and_then(|name| names.get(&name)) {
                decisions.push(Decision::SameAs(*earlier));
                continue;
            }
            let decision = match decide(speech, known, at) {
                // Last, because what it writes stays even when the message would be refused.
                Ok(Decided::New(push, sent)) => match attach(app, tx, speech).await {
                    Ok(media) => new(speech, MessageNew { media, ..push }, sent, at),
                    Err(error) if error.is_fault() => return Err(error),
                    Err(refused) => Decision::Refused(refused),
                },
                Ok(Decided::Known(said)) => Decision::Known {
                    seq: said.seq,
                    done: Done { said, sent: None },
                },
                Err(refused) => Decision::Refused(refused),
            };
            if let (Decision::New { .. }, Some(name)) = (&decision, name) {
                names.insert(name, place);
            }
            decisions.push(decision);
        }
        Ok(decisions)
    }

    async fn write(
        &self,
        app: &AppState,
        tx: &Tx,
        at: Timestamp,
        items: &[Placed<'_, Speech, Done>],
    ) -> Result<()> {
        let rows: Vec<(i64, &Speech)> = items.iter().map(|placed| (placed.seq, placed.item)).collect();
        store::insert_all(tx, &rows, at).await?;
        for sent in items.iter().filter_map(|placed| placed.done.sent.as_ref()) {
            app.signals.announce(tx, sent, at).await?;
        }
        Ok(())
    }
}

/// What becomes of a speech, as far as it can be said without writing.
enum Decided {
    New(MessageNew, Option<MessageSent>),
    Known(Said),
}

async fn attach(app: &AppState, tx: &Tx, speech: &Speech) -> Result<Vec<MediaView>> {
    let (saying, subject) = (&speech.saying, Subject::new(SubjectKind::Message, speech.id.0));
    if let Some((original, _)) = saying.media_of {
        let original = Subject::new(SubjectKind::Message, original.0);
        let media = media::copy(app, tx, speech.sender, original, subject).await?;
        if media.is_empty() && saying.body.is_empty() {
            return Err(not_found("message"));
        }
        return Ok(media);
    }
    if saying.media.is_empty() {
        return Ok(vec![]);
    }
    media::attach(app, tx, speech.sender, subject, &saying.media).await
}

fn new(speech: &Speech, push: MessageNew, sent: Option<MessageSent>, at: Timestamp) -> Decision<Done> {
    let said = Said {
        id: speech.id,
        // Given when it is placed.
        seq: 0,
        created_at: at,
    };
    Decision::New {
        entry: Entry::new::<MessageNew>(speech.id, at).said(Some(speech.sender), &push),
        done: Done { said, sent },
    }
}

fn decide(speech: &Speech, known: Known, at: Timestamp) -> Result<Decided, Error> {
    let kind = known.kind.ok_or_else(|| not_found("room"))?;
    let standing = policy::reading(Some(Standing {
        room: speech.room,
        kind,
        slug: known.slug,
        of_group: false,
        member_count: 0,
        role: Role::Member,
        status: known.status,
        silenced: known.silenced,
        apart: known.apart,
    }))?;
    let saying = &speech.saying;
    if let Some(before) = known.before {
        if !before.changed && before.body != saying.body {
            return Err(conflict("client_id_reused"));
        }
        let (id, seq, created_at) = (before.id, before.seq, before.created_at);
        return Ok(Decided::Known(Said { id, seq, created_at }));
    }
    policy::may_speak(&standing)?;
    if saying.reply_to.is_some() && !known.answered {
        return Err(invalid("/reply_to_id", "unknown_message"));
    }
    let push = MessageNew {
        id: speech.id,
        room: RoomName::on_the_wire(speech.room, standing.slug.as_deref()),
        body: saying.body.clone(),
        media: vec![],
        sender: known.sender.clone(),
        created_at: at,
        client_id: saying.client_id.clone(),
        reply_to_id: saying.reply_to,
        forwarded: saying.forwarded,
        edited_at: None,
    };
    let sent = (kind != RoomKind::Open).then_some(MessageSent {
        id: speech.id,
        room: speech.room,
        kind,
        sender: known.sender,
        created_at: at,
    });
    Ok(Decided::New(push, sent))
}
