//! `GET /dev/mail`: the outbox of a server without SMTP.
//!
//! Mails hold links that log people in, so the page is for somebody at this
//! machine alone: the peer is loopback, no proxy stood between, and the host is
//! called as this machine is (a foreign name that resolves here would let its web
//! site read along). To everybody else the page does not exist.

use super::outbox;
use crate::{
    AppState,
    http::{Problem, Result},
};
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{Extensions, HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use base::error::not_found;
use std::{fmt::Write, net::SocketAddr};

const SHOWN: u32 = 100;

pub fn dev_routes() -> Router<AppState> {
    Router::new().route("/dev/mail", get(list_mails))
}

async fn list_mails(State(app): State<AppState>, request: Request) -> Result<Response> {
    let configured = !app.config.mail.smtp_url.0.is_empty();
    if configured || !is_local(request.extensions(), request.headers()) {
        return Err(Problem(not_found("page")));
    }
    let mut page =
        String::from("<!doctype html><html lang=en><meta charset=utf-8><title>Mails</title><h1>Mails</h1>\n");
    for mail in outbox(&app.db, SHOWN).await? {
        let _ = writeln!(
            page,
            "<article><h2>{}</h2><p>{} &middot; {}</p><pre>{}</pre></article>",
            escape(&mail.subject),
            escape(&mail.to),
            mail.sent_at,
            escape(&mail.text),
        );
    }
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    Ok(response)
}

fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let proxied = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name));
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name);
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
        && !proxied
        && ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
