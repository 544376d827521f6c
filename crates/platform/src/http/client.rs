//! Where a request came from.
//!
//! A header is believed only when one of our proxies sent it, and only its
//! part that our proxies wrote: it is read from the right, up to the first
//! address that is not ours. One header counts, the one the proxies are known
//! to write; a caller could have put the other there.

use super::{Problem, context::RequestContext};
use crate::{AppState, config, network::Network};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use std::net::{IpAddr, SocketAddr};

/// Leading bits of an IPv6 address that one household or phone has.
const IPV6_PREFIX: u8 = 64;

/// The caller's address; IPv4 in the clothes of IPv6 is IPv4.
pub(super) fn client_address(server: &config::Server, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let ours = |address: IpAddr| server.trusted_proxies.contains(address);
    let mut client = peer.to_canonical();
    if !ours(client) {
        return client;
    }
    let hops: Vec<&str> = headers
        .get_all(server.forwarded_header.as_str())
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        // What cannot be read hides who called our proxy: then the proxy is all we know.
        let Some(address) = address_of(hop, &server.forwarded_header) else {
            return client;
        };
        client = address;
        if !ours(client) {
            break;
        }
    }
    client
}

/// The address in an element of X-Forwarded-For, or in the `for` of one of Forwarded (RFC 7239).
fn address_of(hop: &str, header: &str) -> Option<IpAddr> {
    let node = if header == "forwarded" {
        hop.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value)
        })?
    } else {
        hop
    };
    let node = node.trim().trim_matches('"');
    let bare = node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(node)
        .parse::<IpAddr>()
        .or_else(|_| node.parse::<SocketAddr>().map(|with_port| with_port.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

/// The address the request came from, as limits count it: IPv6 by its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    pub fn of(address: IpAddr) -> ClientIp {
        match address.to_canonical() {
            v6 @ IpAddr::V6(_) => ClientIp(Network::around(v6, IPV6_PREFIX).first()),
            v4 @ IpAddr::V4(_) => ClientIp(v4),
        }
    }

    /// Of a request that passed the edge, a socket's handshake too.
    pub fn of_request(parts: &Parts) -> base::Result<ClientIp> {
        Ok(ClientIp::of(RequestContext::of(parts)?.client))
    }
}

impl FromRequestParts<AppState> for ClientIp {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Ok(ClientIp::of_request(parts)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, config::Sources};

    fn client(header: &'static str, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let proxies = "10.0.0.0/8, 2001:db8:5::1".to_owned();
        let sources = Sources {
            flags: [
                ("server.trusted_proxies", proxies),
                ("server.forwarded_header", header.to_owned()),
            ]
            .into(),
            ..Sources::default()
        };
        let config = Config::load(&sources).unwrap().0;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        client_address(&config.server, peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn a_stranger_may_claim_what_it_likes() {
        let claims = [
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
        ];
        for header in ["x-forwarded-for", "forwarded"] {
            assert_eq!(client(header, "192.0.2.1", &claims), "192.0.2.1");
            assert_eq!(client(header, "::ffff:192.0.2.1", &claims), "192.0.2.1");
        }
    }

    #[test]
    fn our_proxies_are_believed_from_the_right() {
        let from = |value: &str| client("x-forwarded-for", "10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(from("192.0.2.1"), "192.0.2.1");
        assert_eq!(
            from("203.0.113.9, 192.0.2.1"),
            "192.0.2.1",
            "the left part is hearsay"
        );
        assert_eq!(
            from("203.0.113.9, 192.0.2.1, 10.7.7.7, 2001:db8:5::1"),
            "192.0.2.1"
        );
        assert_eq!(from("192.0.2.1:5000, ::ffff:10.1.1.1"), "192.0.2.1");
        assert_eq!(from("[2001:db8::7]:443"), "2001:db8::7");
        assert_eq!(
            from("192.0.2.1, unknown, 10.2.2.2"),
            "10.2.2.2",
            "nobody knows who asked 10.2.2.2"
        );
        assert_eq!(
            from("10.3.3.3, 10.2.2.2"),
            "10.3.3.3",
            "one of our own machines calls"
        );
        let two = [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &two), "192.0.2.1");
    }

    #[test]
    fn one_header_counts_and_the_others_do_not() {
        let both = [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=198.51.100.1"),
            ("x-real-ip", "203.0.113.9"),
        ];
        assert_eq!(client("x-forwarded-for", "10.0.0.1", &both), "192.0.2.1");
        assert_eq!(client("forwarded", "10.0.0.1", &both), "198.51.100.1");
        assert_eq!(client("forwarded", "10.0.0.1", &both[2..]), "10.0.0.1");
        let quoted = [(
            "forwarded",
            r#"for=1.2.3.4, For="[2001:db8::7]:443";proto=https;by=10.0.0.1"#,
        )];
        assert_eq!(client("forwarded", "10.0.0.1", &quoted), "2001:db8::7");
        let hidden = [("forwarded", "for=192.0.2.1, for=_hidden")];
        assert_eq!(client("forwarded", "10.0.0.1", &hidden), "10.0.0.1");
    }

    #[test]
    fn limits_count_a_household_once() {
        let ip = |text: &str| ClientIp::of(text.parse().unwrap());
        assert_eq!(ip("2001:db8:1:2:3:4:5:6"), ip("2001:db8:1:2:ffff::"));
        assert_ne!(ip("2001:db8:1:2::1"), ip("2001:db8:1:3::1"));
        assert_eq!(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
        assert_ne!(ip("192.0.2.1"), ip("192.0.2.2"));
    }
}
