//! The web app, out of the binary.
//!
//! Its files carry hashes in their names and are kept by browsers for a year;
//! the page itself is asked for each time. A server that was built without Node
//! says so and serves the API.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, Response, header},
    routing::get,
};
use base::{Error, Kind};
use platform::{
    AppState,
    http::{Problem, Result},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// Paths of the app: the browser's router shows the page behind them.
const PAGES: [&str; 30] = [
    "/",
    "/login",
    "/signup",
    "/members",
    "/members/{name}",
    "/members/{name}/followers",
    "/members/{name}/following",
    "/posts/{id}",
    "/events",
    "/places",
    "/groups",
    "/groups/{group}",
    "/guard",
    "/guard/quarantine",
    "/guard/ledger",
    "/messages",
    "/messages/{room}",
    "/notifications",
    "/search",
    "/not-me",
    "/appeal",
    "/settings/blocks",
    "/settings/notifications",
    "/settings/sessions",
    "/settings/webhooks",
    "/settings/security-log",
    "/settings/password",
    "/settings/data",
    "/settings/email",
    "/settings/push",
];

pub fn router() -> Router<AppState> {
    let pages = PAGES
        .iter()
        .fold(Router::new(), |router, path| router.route(path, get(page)));
    let files = Files::iter()
        .filter(|name| name != "index.html" && !name.starts_with("assets/"))
        .fold(pages, |router, name| {
            let path = format!("/{name}");
            let name = name.into_owned();
            router.route(&path, get(async move || file(&name)))
        });
    files.route("/assets/{*name}", get(asset))
}

/// The bytes of every file that the binary carries.
pub fn embedded() -> impl Iterator<Item = Vec<u8>> {
    Files::iter().filter_map(|name| Some(Files::get(&name)?.data.into_owned()))
}

async fn page(headers: HeaderMap) -> Result<Response<Body>> {
    match Files::get("index.html") {
        Some(_) => file("index.html"),
        None if headers
            .get(header::ACCEPT)
            .is_some_and(|kinds| kinds.to_str().unwrap_or_default().contains("text/html")) =>
        {
            let page = include_str!("../assets/not-built.html");
            let mut response = Response::new(Body::from(page));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            Ok(response)
        }
        None => Err(Problem(Error::new(Kind::NotFound, "web_app_not_built"))),
    }
}

async fn asset(Path(name): Path<String>) -> Result<Response<Body>> {
    let mut response = file(&format!("assets/{name}"))?;
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Ok(response)
}

fn file(name: &str) -> Result<Response<Body>> {
    let file = Files::get(name).ok_or_else(|| Error::new(Kind::NotFound, "no_such_route"))?;
    let hash = file.metadata.sha256_hash();
    let tag: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut kind = file.metadata.mimetype().to_owned();
    if kind.starts_with("text/") {
        kind.push_str("; charset=utf-8");
    }
    let mut response = Response::new(Body::from(file.data.into_owned()));
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::PAGES;
    use std::collections::BTreeSet;

    #[test]
    fn each_page_of_the_app_has_an_address_that_can_be_opened() {
        let app = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/app/App.tsx"));
        let shape = |path: &str| {
            let parts = path
                .split('/')
                .map(|part| if part.starts_with([':', '{']) { "*" } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        let there: BTreeSet<String> = app
            .split('\'')
            .filter(|text| {
                text.starts_with('/')
                    && text
                        .chars()
                        .all(|letter| letter.is_alphanumeric() || "/:-".contains(letter))
            })
            .map(shape)
            .collect();
        let served: BTreeSet<String> = PAGES.iter().map(|path| shape(path)).collect();
        assert_eq!(there, served, "App.tsx on the left, PAGES on the right");
    }
}
