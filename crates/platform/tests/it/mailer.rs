//! Mails reach the outbox, or a mail server when there is one.

use crate::{Fixture, START, config, each_db, run, sqlite};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use base::Email;
use platform::{
    AppState,
    mailer::{self, Mail, Mailer},
    tasks::{self, Tasks},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tower::ServiceExt;

fn app(f: &Fixture, settings: &[(&'static str, &str)]) -> AppState {
    let mailer = Mailer::new(&config(settings)).unwrap();
    f.app_on(f.db.clone(), Tasks::default().with(mailer), settings)
}

fn welcome() -> Mail {
    Mail {
        to: Email::trusted("anna@example.test"),
        subject: "Willkommen, Ánna <b>".to_owned(),
        text: "Your code is 123456.\n.\n<script>alert(1)</script>".to_owned(),
        html: None,
    }
}

async fn send(app: &AppState, mail: Mail) {
    let inner = app.clone();
    let sent = app
        .db
        .write(move |tx| async move { mailer::send(&inner, &tx, &mail).await });
    sent.await.unwrap();
}

#[tokio::test]
async fn without_a_mail_server_mails_land_in_the_outbox() {
    each_db(async |f| {
        let app = app(&f, &[]);
        send(&app, welcome()).await;
        assert_eq!(
            mailer::outbox(&f.db, 10).await.unwrap(),
            [],
            "not before the task ran"
        );
        assert_eq!(run(&app).await.done, 1);
        let mails = mailer::outbox(&f.db, 10).await.unwrap();
        assert_eq!(mails.len(), 1);
        let Mail {
            to,
            subject,
            text,
            html,
        } = welcome();
        assert_eq!(
            (&*mails[0].to, &mails[0].subject, &mails[0].text, &mails[0].html),
            (&*to, &subject, &text, &html)
        );
        assert_eq!(mails[0].sent_at, START);
        let week = Duration::from_hours(7 * 24);
        assert_eq!(
            mailer::prune(&f.db, START.plus(week).minus(Duration::from_secs(1)))
                .await
                .unwrap(),
            0
        );
        assert_eq!(mailer::prune(&f.db, START.plus(week)).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_mail_nobody_can_get_is_dead_at_once() {
    each_db(async |f| {
        let app = app(&f, &[]);
        let to = Email::trusted("anna@example.test>\r\nRCPT TO:<eve@example.test");
        send(&app, Mail { to, ..welcome() }).await;
        assert_eq!(run(&app).await.dead, 1);
        assert_eq!(mailer::outbox(&f.db, 10).await.unwrap(), []);
    })
    .await;
}

async fn page(app: &AppState, peer: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Request::builder().uri("/dev/mail");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    let response = mailer::dev_routes()
        .with_state(app.clone())
        .oneshot(request)
        .await
        .unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_outbox_is_shown_escaped_and_at_this_machine_only() {
    let f = sqlite().await;
    let app = app(&f, &[]);
    send(&app, welcome()).await;
    run(&app).await;
    let host = ("host", "localhost:5000");
    for (peer, headers) in [
        ("127.0.0.1:9", vec![host]),
        ("[::1]:9", vec![("host", "[::1]:5000")]),
        ("[::1]:9", vec![("host", "127.0.0.1")]),
    ] {
        let (status, body) = page(&app, peer, &headers).await;
        assert_eq!(status, StatusCode::OK, "{peer} {headers:?}");
        assert!(
            body.contains("anna@example.test") && body.contains("123456") && body.contains("Ánna &lt;b&gt;"),
            "{body}"
        );
        assert!(!body.contains("<script") && !body.contains("<b>"), "{body}");
    }
    for (peer, headers) in [
        ("192.0.2.7:9", vec![host]),
        ("127.0.0.1:9", vec![host, ("x-forwarded-for", "192.0.2.7")]),
        ("127.0.0.1:9", vec![host, ("forwarded", "for=192.0.2.7")]),
        ("127.0.0.1:9", vec![("host", "rebound.example:5000")]),
        ("127.0.0.1:9", vec![("host", "localhost.example")]),
        ("127.0.0.1:9", vec![]),
    ] {
        let (status, body) = page(&app, peer, &headers).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{peer} {headers:?}");
        assert!(!body.contains("123456"));
    }
    let with_smtp = self::app(&f, &[("mail.smtp_url", "smtp://127.0.0.1:1")]);
    assert_eq!(
        page(&with_smtp, "127.0.0.1:9", &[host]).await.0,
        StatusCode::NOT_FOUND
    );
}

/// A mail server that takes one mail, or refuses its recipient with `refusal`; gives all that it heard.
async fn smtp(listener: TcpListener, refusal: Option<&'static str>) -> Vec<String> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let (mut heard, mut in_data) = (vec![], false);
    stream.get_mut().write_all(b"220 tiny ESMTP\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return heard;
        }
        let line = line.trim_end().to_owned();
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            _ if in_data && line != "." => None,
            "." => Some("250 taken"),
            "DATA" => Some("354 go on"),
            "QUIT" => Some("221 bye"),
            "RCPT" => refusal.or(Some("250 ok")),
            _ => Some("250 ok"),
        };
        in_data = verb == "DATA" || in_data && line != ".";
        heard.push(line);
        if let Some(answer) = answer {
            stream
                .get_mut()
                .write_all(format!("{answer}\r\n").as_bytes())
                .await
                .unwrap();
        }
        if verb == "QUIT" && !in_data {
            return heard;
        }
    }
}

#[tokio::test]
async fn with_a_mail_server_mails_leave_through_it() {
    each_db(async |f| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let app = app(
            &f,
            &[
                ("mail.smtp_url", &url),
                ("mail.from", "Mundo Tango <no-reply@tango.test>"),
            ],
        );
        let mail = Mail {
            subject: "Hello\r\nBcc: eve@example.test\r\n\r\nforged".to_owned(),
            html: Some("<p>Your code is <b>123456</b></p>".to_owned()),
            ..welcome()
        };
        send(&app, mail).await;
        let (ran, heard) = tokio::join!(run(&app), smtp(listener, None));
        assert_eq!((ran.done, ran.failed), (1, 0), "{heard:#?}");
        let has = |start: &str| heard.iter().any(|line| line.starts_with(start));
        assert!(
            has("MAIL FROM:<no-reply@tango.test>") && has("RCPT TO:<anna@example.test>"),
            "{heard:#?}"
        );
        assert_eq!(heard.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
        assert!(
            has("Message-ID: <") && has("To: anna@example.test") && has("Your code is 123456."),
            "{heard:#?}"
        );
        assert!(
            has("<p>Your code is <b>123456</b></p>") && has("Content-Type: multipart/alternative"),
            "{heard:#?}"
        );
        assert!(
            has("Subject: Hello") && !has("Bcc") && !has("forged"),
            "{heard:#?}"
        );
        assert_eq!(mailer::outbox(&f.db, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_busy_mail_server_is_tried_again_and_a_refusal_is_final() {
    each_db(async |f| {
        for (refusal, failed, dead) in [("451 later", 1, 0), ("550 no such person", 0, 1)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("smtp://{}", listener.local_addr().unwrap());
            let app = app(&f, &[("mail.smtp_url", &url)]);
            send(&app, welcome()).await;
            let (ran, heard) = tokio::join!(run(&app), smtp(listener, Some(refusal)));
            assert_eq!((ran.failed, ran.dead), (failed, dead), "{heard:#?}");
        }
        // Nobody listens there any more: the first mail waits on.
        let nowhere = app(&f, &[("mail.smtp_url", "smtp://127.0.0.1:1")]);
        f.clock.advance(Duration::from_secs(2));
        assert_eq!(run(&nowhere).await.failed, 1);
        assert_eq!(tasks::counts(&f.db).await.unwrap().ready, 1);
    })
    .await;
}

#[test]
fn a_sender_or_server_that_cannot_be_read_stops_the_start() {
    for wrong in [
        [("mail.from", "nobody")],
        [("mail.smtp_url", "https://example.test")],
    ] {
        assert!(Mailer::new(&config(&wrong)).is_err(), "{wrong:?}");
    }
    assert!(Mailer::new(&config(&[("mail.smtp_url", "smtps://u:p@mail.example.test")])).is_ok());
}
