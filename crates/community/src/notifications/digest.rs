//! The digest: what a member has not read, by e-mail, once a day or a week.

use super::{
    model::{Digest, Schedule},
    ops,
    store::{self, Reader, Stored},
};
use accounts::MemberId;
use base::{Email, Result, Timestamp};
use db::Tx;
use platform::{
    App, AppState, communities,
    mailer::{self, Mail},
};
use std::time::Duration;
use supervisor::{Failure, Plan, Report, Spec};

/// Digests written in one run.
const BATCH: i64 = 100;
/// Lines of a digest.
const LINES: i64 = 20;
/// Notifications are kept so long.
const KEPT: Duration = Duration::from_hours(90 * 24);
const WEEK_AFTER: Duration = Duration::from_hours(6 * 24);

/// When the next digest is due for what happens now.
pub fn next(schedule: &Schedule, now: Timestamp) -> Option<Timestamp> {
    match schedule.digest {
        Digest::Off => None,
        Digest::Daily => Some(schedule.time_zone.next(now, schedule.digest_at)),
        Digest::Weekly => Some(schedule.time_zone.next(now.plus(WEEK_AFTER), schedule.digest_at)),
    }
}

/// Something is to be told by the next digest.
pub async fn expect(tx: &Tx, member: MemberId, schedule: &Schedule, now: Timestamp) -> Result<()> {
    let Some(due) = next(schedule, now) else {
        return Ok(());
    };
    let told_until = Timestamp::from_micros(now.as_micros() - 1);
    store::expect_digest(tx, member, told_until, due).await
}

pub fn worker(app: &AppState) -> Plan {
    let own = app.clone();
    Spec::new("notifications.digest")
        .group("platform")
        .every(Duration::from_mins(1))
        .timeout(Duration::from_mins(1))
        .runs(move |_| {
            let app = own.clone();
            async move { run(&app).await.map_err(|error| Failure::new(error.to_string())) }
        })
}

async fn run(app: &AppState) -> Result<Report> {
    let now = app.clock.now();
    let (mut mails, mut more) = (0, false);
    for app in communities::each(app).await? {
        let due = store::due_digests(&app.db, now, BATCH).await?;
        for member in &due {
            let (own, member) = (app.clone(), *member);
            mails += app
                .db
                .write_again(move |tx| async move { write(&own, &tx, member).await })
                .await?;
        }
        more |= due.len() as i64 == BATCH;
    }
    app.db
        .write_again(move |tx| async move { store::prune(&tx, now.minus(KEPT)).await })
        .await?;
    let report = Report::new("digests written").fact("mails", mails);
    Ok(if more { report.again() } else { report })
}

/// The mail is promised in the write that takes the digest: it leaves once.
async fn write(app: &AppState, tx: &Tx, member: MemberId) -> Result<i64> {
    let Some(told_until) = store::take_digest(tx, member, app.clock.now()).await? else {
        return Ok(0);
    };
    let wishes = store::preferences(tx, member).await?;
    let mut news = store::untold(tx, member, told_until, LINES).await?;
    news.retain(|news| ops::wants(&wishes, news.kind, super::Channel::Email));
    let Some(reader) = store::reader(tx, member).await?.filter(|_| !news.is_empty()) else {
        return Ok(0);
    };
    mailer::send(app, tx, &mail(app, reader, &news)).await?;
    Ok(1)
}

fn mail(app: &App, reader: Reader, news: &[Stored]) -> Mail {
    let lines: Vec<String> = news
        .iter()
        .map(|news| format!("* {}", ops::sentence(app, news, reader.language)))
        .collect();
    let site = app.config.public_url();
    let args = [
        ("name", reader.name),
        ("news", lines.join("\n")),
        ("link", format!("{site}/notifications")),
        ("settings", format!("{site}/settings/notifications")),
    ];
    let (subject, text) = app.texts.mail(reader.language, "notification_digest", &args);
    Mail {
        to: Email::trusted(reader.email),
        subject,
        text,
        html: None,
    }
}
