//! Requests to addresses that somebody else has named: of members' webhooks, of
//! browsers' push services.
//!
//! Such an address must not lead into our own network. A name is resolved by our
//! own resolver, at the moment of the connection, and what is not the public
//! internet is left out: a name that answers differently the second time gains
//! nothing, because the second answer is looked at as well. An address written in
//! numbers is looked at before. Redirects are answers like any other, and nobody
//! follows them; proxies of the environment are not used.
//!
//! Never true: a connection to an address that was not looked at; a body of more
//! than [`READ_BYTES`] read; a request that lasts longer than [`PATIENCE`].

use crate::network::{Networks, is_public};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri, header, uri::Scheme};
use base::{Result, error::invalid};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
    vec,
};
use tower::Service;

/// One request may take so long, its answer included.
const PATIENCE: Duration = Duration::from_secs(15);
/// A connection that nobody uses is kept so long.
const IDLE: Duration = Duration::from_secs(30);
/// Of an answer's body, which is read to be thrown away.
const READ_BYTES: usize = 64 * 1024;
/// Of an answer's body, told to people.
const TOLD_BYTES: usize = 500;

/// How far requests go.
#[derive(Clone, Debug)]
enum Reach {
    /// The public internet, and these networks of ours.
    Public(Networks),
    /// Anywhere: the address stands in the settings.
    Anywhere,
}

impl Reach {
    fn covers(&self, address: IpAddr) -> bool {
        match self {
            Reach::Public(ours) => is_public(address) || ours.contains(address),
            Reach::Anywhere => true,
        }
    }
}

/// Sends requests no further than it may.
#[derive(Clone, Debug)]
pub struct Outbound {
    reach: Arc<Reach>,
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
}

/// What the other side said.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: u16,
    /// The beginning of its body.
    pub text: String,
}

/// Why there is no answer: for people, without what our network looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The address leads where nobody may be sent.
    Forbidden,
    /// No such name, nobody there, no TLS that holds.
    Unreachable(String),
    TooSlow,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsent::Forbidden => f.write_str("the address leads into a private network"),
            Unsent::Unreachable(why) => f.write_str(why),
            Unsent::TooSlow => write!(f, "no answer within {} s", PATIENCE.as_secs()),
        }
    }
}

/// Reads an address as a member writes it, and says what is wrong with it under that pointer: only
/// https, but into the named networks of ours also http. Where a name leads is seen when it is called.
pub fn check_url(ours: &Networks, pointer: &'static str, url: &str) -> Result<Uri> {
    let wrong = |code| Err(invalid(pointer, code));
    let Ok(uri) = url.parse::<Uri>() else {
        return wrong("invalid_url");
    };
    let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
        return wrong("invalid_url");
    };
    // Nothing but a host and a port: a name before an @ only serves to deceive.
    let port = authority.as_str().strip_prefix(host);
    let known = port.is_some_and(|port| port.is_empty() || uri.port_u16().is_some_and(|port| port > 0));
    if host.is_empty() || !known {
        return wrong("invalid_url");
    }
    let literal = literal(host);
    if literal.is_some_and(|address| !is_public(address) && !ours.contains(address)) {
        return wrong("private_address");
    }
    let plain = literal.is_some_and(|address| ours.contains(address));
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS || (plain && *scheme == Scheme::HTTP) => Ok(uri),
        _ => wrong("https_only"),
    }
}

impl Outbound {
    /// To the public internet, and to these networks of ours.
    pub fn public(ours: Networks) -> Outbound {
        Outbound::new(Reach::Public(ours))
    }

    /// To addresses that stand in the settings, wherever they lead. Never for what a member wrote.
    pub fn trusted() -> Outbound {
        Outbound::new(Reach::Anywhere)
    }

    fn new(reach: Reach) -> Outbound {
        let reach = Arc::new(reach);
        let mut tcp = HttpConnector::new_with_resolver(Resolver(reach.clone()));
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .expect("ring speaks TLS 1.2 and 1.3")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Outbound { reach, client }
    }

    /// Posts the body once. An answer is an answer, whatever its status.
    pub async fn post(
        &self,
        uri: &Uri,
        headers: HeaderMap,
        body: Bytes,
    ) -> std::result::Result<Said, Unsent> {
        // Names are looked at by the resolver; an address in numbers never comes there.
        let literal = uri.host().and_then(literal);
        if literal.is_some_and(|address| !self.reach.covers(address)) {
            return Err(Unsent::Forbidden);
        }
        let work = self.send(request(uri, headers, body));
        let said = tokio::time::timeout(PATIENCE, work).await;
        said.unwrap_or(Err(Unsent::TooSlow))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> std::result::Result<Said, Unsent> {
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| unsent(&error))?;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let (mut text, mut read) = (vec![], 0);
        // A body that breaks off is no less an answer.
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(bytes) = frame.into_data() {
                read += bytes.len();
                let room = TOLD_BYTES.saturating_sub(text.len()).min(bytes.len());
                text.extend_from_slice(&bytes[..room]);
            }
            if read > READ_BYTES {
                break;
            }
        }
        let text = String::from_utf8_lossy(&text)
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        Ok(Said { status, text })
    }
}

/// The innermost cause: the outer ones only say that there is one.
fn unsent(error: &hyper_util::client::legacy::Error) -> Unsent {
    let mut why: &dyn std::error::Error = error;
    while let Some(source) = why.source() {
        why = source;
    }
    let forbidden = why
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if forbidden {
        Unsent::Forbidden
    } else {
        Unsent::Unreachable(why.to_string())
    }
}

fn request(uri: &Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers;
    let agent = HeaderValue::from_static(crate::RELEASE);
    request.headers_mut().insert(header::USER_AGENT, agent);
    request
}

fn literal(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

/// Looks names up and leaves out every address that is out of reach.
#[derive(Clone, Debug)]
struct Resolver(Arc<Reach>);

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<_> = found
                .map_err(|_| io::Error::other("the name is not known"))?
                .collect();
            let known = !found.is_empty();
            let near: Vec<_> = found
                .into_iter()
                .filter(|address| reach.covers(address.ip()))
                .collect();
            if known && near.is_empty() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            Ok(near.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(ours: &str, url: &str) -> &'static str {
        match check_url(&ours.parse().unwrap(), "/url", url) {
            Ok(_) => "good",
            Err(error) => error.fields()[0].code,
        }
    }

    #[test]
    fn addresses_of_our_own_network_are_refused_however_they_are_written() {
        for private in [
            "https://127.0.0.1/",
            "https://192.168.1.1:8443/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://[::]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[64:ff9b::7f00:1]/",
        ] {
            assert_eq!(verdict("", private), "private_address", "{private}");
        }
        for odd in [
            "",
            "/hook",
            "https://",
            "https://:443/",
            "https://example.org:0/",
            "https://example.org:99999/",
            "javascript:alert(1)",
            "https://ana:secret@example.org/",
            "https://example.org@127.0.0.1/",
        ] {
            assert_eq!(verdict("127.0.0.0/8", odd), "invalid_url", "{odd}");
        }
        assert_eq!(verdict("", "http://example.org/"), "https_only");
        assert_eq!(verdict("", "ftp://example.org/"), "https_only");
        assert_eq!(verdict("", "https://example.org/hook?a=b"), "good");
        assert_eq!(verdict("", "https://example.org:8443/hook"), "good");
        assert_eq!(verdict("", "https://93.184.215.14/"), "good");
        assert_eq!(verdict("", "https://[2606:2800:21f:cb07::1]:8443/"), "good");
        assert_eq!(verdict("127.0.0.0/8", "http://127.0.0.1:5678/webhook"), "good");
        assert_eq!(verdict("127.0.0.0/8", "http://10.0.0.1/"), "private_address");
        assert_eq!(verdict("127.0.0.0/8", "http://example.org/"), "https_only");
    }

    /// Somebody is at home there, and hears nothing.
    #[tokio::test]
    async fn what_leads_home_is_met_by_nobody() {
        let home = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = home.local_addr().unwrap().port();
        let outbound = Outbound::public(Networks::default());
        // A name of this machine, its address, and numbers that only a resolver reads as one.
        for host in [
            "localhost",
            "127.0.0.1",
            "[::ffff:127.0.0.1]",
            "127.1",
            "2130706433",
            "0x7f000001",
        ] {
            for scheme in ["http", "https"] {
                let uri = format!("{scheme}://{host}:{port}/").parse().unwrap();
                let said = outbound.post(&uri, HeaderMap::new(), Bytes::new()).await;
                match host {
                    "localhost" | "127.0.0.1" | "[::ffff:127.0.0.1]" => {
                        assert_eq!(said.unwrap_err(), Unsent::Forbidden, "{host}");
                    }
                    _ => assert!(
                        matches!(said, Err(Unsent::Forbidden | Unsent::Unreachable(_))),
                        "{host}: {said:?}"
                    ),
                }
            }
        }
        let nobody = tokio::time::timeout(Duration::from_millis(50), home.accept()).await;
        assert!(nobody.is_err(), "a connection came through");
    }
}
