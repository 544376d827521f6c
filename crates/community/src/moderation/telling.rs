//! How a member hears what was decided: the notification by its signal, a mail in the
//! same transaction, and a link in it with which who is put out can appeal as well.

use super::{
    Action, Decided, DecisionId,
    model::{Decision, Outcome},
};
use base::{Email, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use db::{CommunityId, Executor, Tx, params};
use platform::{
    App, AppState,
    mailer::{self, Mail},
    texts::Language,
};

/// Tells the member of a decision, or of the answer to their appeal.
pub async fn tell(tx: &Tx, app: &AppState, decision: &Decision, answer: Option<Outcome>) -> Result<()> {
    let told = Decided {
        decision: decision.id,
        member: decision.accused_id,
        is_answer: answer.is_some(),
    };
    app.signals.announce(tx, &told, app.clock.now()).await?;
    let sql = "SELECT email, display_name, language FROM member WHERE id = $1";
    let reader = tx.one(sql, params![decision.accused_id], |row| {
        Ok((
            row.get::<String>(0)?,
            row.get::<String>(1)?,
            row.get::<String>(2)?,
        ))
    });
    let Some((email, name, language)) = reader.await? else {
        return Ok(());
    };
    let language = Language::of_tag(&language);
    let say = |key: &str| app.texts.notification(language, key, &[]);
    let mut what = say(&format!("decided.{}", decision.action));
    if decision.withholds && decision.action != Action::Withhold {
        what = format!("{what} {}", say("decided.withhold"));
    }
    if let Some(ends_at) = decision.ends_at {
        let until = ends_at.to_string();
        what = format!(
            "{what} {}",
            app.texts
                .notification(language, "decided.until", &[("until", until[..10].to_owned())])
        );
    }
    let (kind, note) = match answer {
        None => ("moderation_decision", decision.note.clone()),
        Some(outcome) => {
            what = say(&format!("answered.{outcome}"));
            (
                "moderation_answer",
                decision.review_note.clone().unwrap_or_default(),
            )
        }
    };
    let link = format!(
        "{}/appeal#{}",
        app.config.public_url(),
        link_token(app, tx.community(), decision.id)
    );
    let args = [
        ("name", name),
        ("what", what),
        ("reason", say(&format!("rule.{}", decision.reason))),
        ("note", note),
        ("link", link),
    ];
    let (subject, text) = app.texts.mail(language, kind, &args);
    let mail = Mail {
        to: Email::trusted(email),
        subject,
        text,
        html: None,
    };
    mailer::send(app, tx, &mail).await.map(drop)
}

/// Names the decision to who has the mail: its id and a MAC.
fn link_token(app: &App, community: CommunityId, decision: DecisionId) -> String {
    let mac = mac(app, community, decision);
    BASE64.encode([decision.0.as_bytes().as_slice(), &mac.as_bytes()[..16]].concat())
}

/// The decision that a link's token names, when it is one of ours.
pub fn named_by(app: &App, community: CommunityId, token: &str) -> Option<DecisionId> {
    let bytes = BASE64.decode(token).ok()?;
    let (id, given) = bytes.split_at_checked(16)?;
    let id = DecisionId(base::uuid::Uuid::from_slice(id).ok()?);
    let mut whole = *mac(app, community, id).as_bytes();
    whole[16..].fill(0);
    let mut shown = [0; 32];
    shown
        .get_mut(..16)?
        .copy_from_slice(given.get(..16).filter(|_| given.len() == 16)?);
    // Compared as hashes: in the same time wherever they differ.
    (blake3::Hash::from(whole) == blake3::Hash::from(shown)).then_some(id)
}

fn mac(app: &App, community: CommunityId, decision: DecisionId) -> blake3::Hash {
    let key = accounts::derived_key(app, "moderation appeal");
    blake3::keyed_hash(
        &key,
        &[&community.0.to_be_bytes(), decision.0.as_bytes().as_slice()].concat(),
    )
}
