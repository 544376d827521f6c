//! Where notes may be sent. The address comes from a member, so it is believed
//! only as far as the settings go: `push.services` names the hosts of the known
//! services, or whole origins of services of one's own.
//!
//! Two walls: the host must be named, and a named host must not lead into our
//! own network, whatever its name server says at the moment of the request
//! ([`platform::outbound`]). An origin written out in the settings is trusted as
//! it stands.

use base::{Result, error::invalid};
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
}
