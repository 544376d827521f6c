//! How cases come to be, and how what was decided for a while ends.

use super::{
    facts,
    store::{self, Opening},
};
use crate::{
    comments::CommentCreated,
    messages::MessageSent,
    newcomers,
    posts::PostCreated,
    ranking::moderation as algo,
    reports::{self, SubjectId, SubjectKind},
    rooms::RoomKind,
};
use base::Result;
use platform::{
    AppState,
    signals::{Announced, Consumer, Signal, follow},
};
use std::time::Duration;
use supervisor::{Plan, Report, Spec};

/// What is written within this time is weighed together: a human looks much later.
const REST: Duration = Duration::from_millis(200);

/// Looks at what was written and what was reported;
/// ends what was decided for a while.
pub fn workers(app: &AppState) -> Vec<Plan> {
    let ending = app.clone();
    vec![
        follow(app, Watch),
        Spec::new("moderation.ends")
            .group("platform")
            .every(Duration::from_mins(1))
            .timeout(Duration::from_secs(20))
            .runs(move |_| {
                let app = ending.clone();
                async move {
                    let now = app.clock.now();
                    let ended = app
                        .db
                        .write_again(move |tx| async move {
                            newcomers::store::prune(&tx, now).await?;
                            store::end(&tx, now).await
                        })
                        .await?;
                    Ok(Report::new("ended decisions whose time was over").fact("decisions", ended as i64))
                }
            }),
    ]
}

struct Watch;

impl Consumer for Watch {
    fn name(&self) -> &'static str {
        "moderation.watch"
    }

    fn hears(&self) -> &'static [&'static str] {
        &[
            PostCreated::KIND,
            CommentCreated::KIND,
            MessageSent::KIND,
            reports::Reported::KIND,
        ]
    }

    fn rests(&self) -> Duration {
        REST
    }

    async fn consume(&self, app: &AppState, signals: Vec<Announced>) -> Result<()> {
        for signal in &signals {
            if let Some(post) = signal.read::<PostCreated>() {
                weigh_new(app, SubjectKind::Post, SubjectId(post.id.0), &post.body).await?;
            } else if let Some(comment) = signal.read::<CommentCreated>() {
                weigh_new(app, SubjectKind::Comment, SubjectId(comment.id.0), &comment.body).await?;
            } else if let Some(message) = signal.read::<MessageSent>() {
                if message.kind == RoomKind::Direct
                    && let Some(text) = store::to_a_stranger(&app.db, message.id).await?
                {
                    weigh_new(app, SubjectKind::Message, SubjectId(message.id.0), &text).await?;
                }
            } else if let Some(reported) = signal.read::<reports::Reported>() {
                weigh(app, reported.subject_kind, reported.subject_id).await?;
            }
        }
        Ok(())
    }
}

/// What nobody can have reported yet is looked at closely only when its text gives cause.
async fn weigh_new(app: &AppState, kind: SubjectKind, id: SubjectId, text: &str) -> Result<()> {
    let settings = &app.config.moderation;
    let worst = facts::at_worst(&facts::of_text(settings, text));
    if algo::needs_a_human(settings, &worst) {
        weigh(app, kind, id).await?;
    }
    Ok(())
}

/// Opens a case about it, or weighs the open one again, when a human should look. As it is by now:
/// so the order of signals does not matter and repetition changes nothing.
async fn weigh(app: &AppState, kind: SubjectKind, id: SubjectId) -> Result<()> {
    let (settings, now) = (&app.config.moderation, app.clock.now());
    let Some(subject) = store::subject(&app.db, kind, id).await? else {
        return Ok(());
    };
    let mut facts = match &subject.content {
        Some(content) => {
            let (repeats, hourly) =
                store::history(&app.db, &app.ids, subject.accused, kind, id, &content.body, now).await?;
            algo::Facts {
                repeats,
                hourly,
                ..facts::of_text(settings, &content.body)
            }
        }
        None => algo::Facts::default(),
    };
    facts.new_account = newcomers::is_new(app, subject.accused).await?;
    let trusted_before = app
        .ids
        .at(now.minus(Duration::from_hours(24 * u64::from(settings.trusted_days))));
    let reports = store::reports(&app.db, kind, id, trusted_before).await?;
    let report_count: i64 = reports.iter().map(|(_, count, _)| count).sum();
    facts::add_reports(&mut facts, &reports);
    if report_count == 0 && !algo::needs_a_human(settings, &facts) {
        return Ok(());
    }
    let why = algo::why(settings, &facts);
    let patience = Duration::from_hours(u64::from(settings.patience_hours));
    let opening = Opening {
        id: app.ids.next(),
        kind,
        subject: id,
        accused: subject.accused,
        score: why.score,
        due_at: now.plus(patience.mul_f64((1.0 - why.score).clamp(0.0, 1.0))),
        why: serde_json::to_value(&why).map_err(base::error::internal)?,
        report_count,
        opened_at: now,
    };
    app.db
        .write_again(move |tx| async move { store::open(&tx, &opening).await })
        .await
}
