//! Where notes may be sent. The address comes from a member, so it is believed
//! only as far as the settings go: `push.services` names the hosts of the known
//! services, or whole origins of services of one's own.
//!
//! Two walls: the host must be named, and a named host must not lead into our
//! own network, whatever its name server says at the moment of the request. An
//! origin written out in the settings is trusted as it stands.

use base::{Result, error::invalid};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Url;

/// The services that notes may go to.
#[derive(Clone, Debug)]
pub struct Services(Vec<Service>);

#[derive(Clone, Debug)]
enum Service {
    Host(String),
    /// `*.example.com`, without the star.
    Below(String),
    Origin(String),
}

impl Services {
    /// Hosts, `*.` and a domain, or origins, separated by commas.
    pub fn parse(text: &str) -> Services {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let service = |entry: &str| match entry.strip_prefix('*') {
            Some(below) => Service::Below(below.to_owned()),
            None if entry.contains("://") => Service::Origin(entry.trim_end_matches('/').to_owned()),
            None => Service::Host(entry.to_owned()),
        };
        Services(entries.map(service).collect())
    }

    /// The address, when notes may be sent there.
    pub fn check(&self, endpoint: &str) -> Result<Url> {
        let refused = || invalid("/endpoint", "unknown_push_service");
        let url = Url::parse(endpoint).map_err(|_| refused())?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (plain && self.0.iter().any(|service| service.is_at(&url)))
            .then_some(url)
            .ok_or_else(refused)
    }

    /// Whether the settings name this origin in full.
    pub fn trusts(&self, url: &Url) -> bool {
        let origin = url.origin().ascii_serialization();
        self.0
            .iter()
            .any(|service| matches!(service, Service::Origin(own) if *own == origin))
    }
}

impl Service {
    fn is_at(&self, url: &Url) -> bool {
        let public = || url.scheme() == "https" && url.port().is_none();
        match self {
            Service::Host(host) => public() && url.domain() == Some(host),
            Service::Below(domain) => {
                public() && url.domain().is_some_and(|host| host.ends_with(domain.as_str()))
            }
            Service::Origin(origin) => url.origin().ascii_serialization() == *origin,
        }
    }
}

/// Looks names up and leaves out every address that is not the public internet's.
#[derive(Debug)]
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// An address of the internet at large (IANA's registries of special addresses).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Global unicast is 2000::/3; what is special within it leads elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xe000 == 0x2000;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    // 2001::/23 is for protocols, Teredo among them; 2002::/16 holds IPv4 addresses of any kind.
    let tunnel = (a == 0x2001 && b < 0x0200) || a == 0x2002;
    global && !documentation && !tunnel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_go_to_services_that_the_settings_name() {
        let services = Services::parse("fcm.googleapis.com, *.push.apple.com,http://127.0.0.1:9000/");
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://web.push.apple.com/QGx",
            "http://127.0.0.1:9000/push/1",
        ] {
            assert!(services.check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "nonsense",
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://evil.example/fcm.googleapis.com",
            "https://fcm.googleapis.com@evil.example/x",
            "https://user:secret@fcm.googleapis.com/x",
            "https://push.apple.com/x",
            "https://evilpush.apple.com.example/x",
            "http://127.0.0.1:9001/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ] {
            assert!(services.check(bad).is_err(), "{bad}");
        }
        assert!(services.trusts(&Url::parse("http://127.0.0.1:9000/x").unwrap()));
        assert!(!services.trusts(&Url::parse("https://fcm.googleapis.com/x").unwrap()));
    }

    #[test]
    fn addresses_of_our_own_network_are_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["142.250.1.1", "2a00:1450::1", "2600::1", "100.128.0.1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
