//! Mail: written with the change that causes it, sent after the commit.
//!
//! [`send`] puts a task into the write, so nobody hears of a change that was
//! undone and a mail survives a crash. With `mail.smtp_url` set it leaves through
//! that server, at least once; the message id is the task's, by which a mailbox
//! may know a repetition. Without it every mail lands in the table `mail`, exactly
//! once, shown at `GET /dev/mail` to somebody at this machine and read by tests.
//!
//! Never true: a header made from text by hand (lettre encodes each, and an
//! address is parsed, so no line break of a member's reaches the wire as one); a
//! mail in `mail` once SMTP is configured; the page `/dev/mail` answering a request
//! that came through a proxy, from another machine or under a foreign host name.

mod dev;

pub use dev::dev_routes;

use crate::{
    App, AppState, Config,
    tasks::{self, Handler, NewTask, Outcome, Priority, Task, TaskId},
};
use base::{
    Email, Result, Timestamp,
    error::{internal, unavailable},
};
use db::{Db, Executor, Tx, params};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart, SinglePart},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kind of its tasks.
pub const KIND: &str = "mail.send";
/// One word with the mail server may take so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Mails of the outbox are kept so long.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// A mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    pub to: Email,
    pub subject: String,
    pub text: String,
    /// The same for programs that show HTML.
    #[serde(default)]
    pub html: Option<String>,
}

/// A mail of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    pub sent_at: Timestamp,
}

/// Promises the mail; it leaves after the commit.
pub async fn send(app: &App, tx: &Tx, mail: &Mail) -> Result<TaskId> {
    let task = NewTask::new(KIND, mail)?.priority(Priority::High);
    let id = tasks::enqueue(app, tx, task).await?;
    Ok(id.expect("a task without key is always new"))
}

/// The handler of `mail.send`.
pub struct Mailer {
    from: Mailbox,
    smtp: Option<AsyncSmtpTransport<Tokio1Executor>>,
}

impl Mailer {
    /// Fails when `mail.from` or `mail.smtp_url` cannot be read, without a connection.
    pub fn new(config: &Config) -> Result<Mailer> {
        let url = &config.mail.smtp_url.0;
        let transport = || AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        Ok(Mailer {
            from: config.mail.from.parse().map_err(internal)?,
            smtp: match url.as_str() {
                "" => None,
                _ => Some(transport().map_err(internal)?.timeout(Some(PATIENCE)).build()),
            },
        })
    }

    fn message(&self, id: TaskId, mail: &Mail) -> Result<Message, lettre::error::Error> {
        let to = mail.to.parse().map_err(|_| lettre::error::Error::MissingTo)?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .message_id(Some(format!("<{id}@{domain}>")))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(&mail.subject));
        match &mail.html {
            Some(html) => {
                message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone()))
            }
            None => message.singlepart(SinglePart::plain(mail.text.clone())),
        }
    }
}

/// A subject has no second line; what is left over would only look odd.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

impl Handler for Mailer {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &AppState, task: &Task) -> Result<Outcome> {
        let mail: Mail = task.read()?;
        let message = match self.message(task.id, &mail) {
            Ok(message) => message,
            Err(error) => return Ok(Outcome::GiveUp(error.to_string())),
        };
        let Some(smtp) = &self.smtp else {
            let (id, created_at, now) = (task.id, task.created_at, app.clock.now());
            return Ok(Outcome::done_in(move |tx| async move {
                tx.execute_last(
                    "INSERT INTO mail (id, recipient, subject, body, html, created_at, sent_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    params![
                        id,
                        mail.to,
                        one_line(&mail.subject),
                        mail.text,
                        mail.html,
                        created_at,
                        now
                    ],
                )
                .await
            }));
        };
        match smtp.send(message).await {
            Ok(_) => Ok(Outcome::Done),
            // 5xx: the server will never take it.
            Err(error) if error.is_permanent() => Ok(Outcome::GiveUp(error.to_string())),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// The mails of the outbox, the latest first.
pub async fn outbox(db: &Db, limit: u32) -> Result<Vec<SentMail>> {
    db.all(
        "SELECT recipient, subject, body, html, sent_at FROM mail ORDER BY sent_at DESC, id DESC LIMIT $1",
        params![i64::from(limit)],
        |row| {
            Ok(SentMail {
                to: row.get(0)?,
                subject: row.get(1)?,
                text: row.get(2)?,
                html: row.get(3)?,
                sent_at: row.get(4)?,
            })
        },
    )
    .await
}

/// Deletes old mails of the outbox.
pub async fn prune(db: &Db, now: Timestamp) -> Result<u64> {
    let before = now.minus(KEPT);
    db.write_again(move |tx| async move {
        tx.execute("DELETE FROM mail WHERE sent_at <= $1", params![before])
            .await
    })
    .await
}
