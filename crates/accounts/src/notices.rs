//! What a member is told by mail about their account.
//!
//! Where it may have been somebody else, the mail has a link that ends all
//! sessions: good for a week, for this member alone, and without a log-in. It
//! is made from the session's key, so nothing needs to be stored, and it stands
//! behind `#`, so no server log ever sees it.

use crate::{Accounts, MemberId, SessionId, origin::Origin, refresh, sessions};
use base::{Email, Result, Timestamp};
use db::{Executor, Tx, params};
use platform::{
    App,
    mailer::{self, Mail},
    texts::Language,
};
use std::time::Duration;

/// How long the link works.
const LINK: Duration = Duration::from_hours(24 * 7);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    NewDevice,
    TokenReuse,
    DeviceMissing,
    PasswordChanged,
    EmailChanged,
    Approved,
    Rejected,
}

impl Notice {
    fn kind(self) -> &'static str {
        match self {
            Notice::NewDevice => "new_device",
            Notice::TokenReuse => "token_reuse",
            Notice::DeviceMissing => "device_missing",
            Notice::PasswordChanged => "password_changed",
            Notice::EmailChanged => "email_changed",
            Notice::Approved => "account_approved",
            Notice::Rejected => "account_rejected",
        }
    }

    fn offers_not_me(self) -> bool {
        matches!(
            self,
            Notice::NewDevice | Notice::PasswordChanged | Notice::EmailChanged
        )
    }
}

struct Reader {
    email: String,
    name: String,
    language: String,
}

/// Promises the mail; it leaves after the commit.
pub(crate) async fn tell(
    tx: &Tx,
    app: &App,
    notice: Notice,
    member: MemberId,
    session: SessionId,
    origin: &Origin,
) -> Result<()> {
    send(tx, app, notice, None, member, session, origin).await
}

/// Tells a member that their account was approved, or not.
pub(crate) async fn tell_of_registration(tx: &Tx, app: &App, notice: Notice, member: MemberId) -> Result<()> {
    let link = format!("{}/login", app.config.public_url());
    mail_member(tx, app, member, notice.kind(), &[("link", link)]).await
}

/// Tells of a new address the one that the account had before.
pub(crate) async fn tell_former_address(
    tx: &Tx,
    app: &App,
    former: String,
    member: MemberId,
    session: SessionId,
    origin: &Origin,
) -> Result<()> {
    let notice = Notice::EmailChanged;
    send(tx, app, notice, Some(former), member, session, origin).await
}

/// To the address of the account, unless another is named.
async fn send(
    tx: &Tx,
    app: &App,
    notice: Notice,
    to: Option<String>,
    member: MemberId,
    session: SessionId,
    origin: &Origin,
) -> Result<()> {
    let Some(reader) = find(tx, member).await? else {
        return Ok(());
    };
    let now = app.clock.now();
    let page = if notice.offers_not_me() {
        format!("/not-me#{}", link_token(tx, app, session, now.plus(LINK)).await?)
    } else {
        "/settings/sessions".to_owned()
    };
    let args = [
        ("email", reader.email.clone()),
        ("device", shown(&origin.device)),
        ("time", time(now)),
        ("link", format!("{}{page}", app.config.public_url())),
    ];
    write(tx, app, reader, to, notice.kind(), &args).await
}

/// Promises a mail in the member's language: `args` are what its text names beside `{name}`.
pub async fn mail_member(
    tx: &Tx,
    app: &App,
    member: MemberId,
    kind: &'static str,
    args: &[(&'static str, String)],
) -> Result<()> {
    let Some(reader) = find(tx, member).await? else {
        return Ok(());
    };
    write(tx, app, reader, None, kind, args).await
}

/// In the reader's language, to their address unless another is named.
async fn write(
    tx: &Tx,
    app: &App,
    reader: Reader,
    to: Option<String>,
    kind: &'static str,
    args: &[(&'static str, String)],
) -> Result<()> {
    let args: Vec<_> = [("name", reader.name)]
        .into_iter()
        .chain(args.iter().cloned())
        .collect();
    let (subject, text) = app.texts.mail(Language::of_tag(&reader.language), kind, &args);
    let mail = Mail {
        to: Email::trusted(to.unwrap_or(reader.email)),
        subject,
        text,
        html: None,
    };
    mailer::send(app, tx, &mail).await.map(drop)
}

async fn find(db: &impl Executor, member: MemberId) -> Result<Option<Reader>> {
    let sql = "SELECT email, display_name, language FROM member WHERE id = $1";
    db.one(sql, params![member], |row| {
        Ok(Reader {
            email: row.get(0)?,
            name: row.get(1)?,
            language: row.get(2)?,
        })
    })
    .await
}

async fn link_token(tx: &Tx, app: &App, session: SessionId, until: Timestamp) -> Result<String> {
    let (_, sealed) = sessions::find_key(tx, session)
        .await?
        .ok_or_else(|| base::error::internal("a notice about a session that is not there"))?;
    let key = Accounts::of(app).session_key(session, &sealed)?;
    Ok(refresh::link_token(&key, session, until))
}

/// A clock that says where it is: `2026-11-23 12:00 UTC`.
fn time(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..16])
}

fn shown(device: &str) -> String {
    if device.is_empty() {
        "?".to_owned()
    } else {
        device.to_owned()
    }
}
