//! Where a call comes from, as far as it is kept: a device's name and a
//! network, neither of which is a person.

use crate::devices;
use axum::{extract::FromRequestParts, http::request::Parts};
use base::Result;
use platform::{
    AppState,
    http::{Context, Describe, Problem},
};
use std::net::IpAddr;

/// Nobody in particular, when the server acts by itself.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// `Firefox on Linux`.
    pub device: String,
    /// The address cut to /24 or /48.
    pub network: Option<String>,
}

impl FromRequestParts<AppState> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let Context(context) = Context::from_request_parts(parts, app).await?;
        let user_agent = parts
            .headers
            .get("user-agent")
            .and_then(|text| text.to_str().ok());
        Ok(Origin {
            device: devices::name(user_agent.unwrap_or_default()),
            network: Some(network(context.client)),
        })
    }
}

impl Describe for Origin {}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn an_address_is_kept_as_its_network() {
        assert_eq!(network("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::9".parse().unwrap()), "2001:db8:1::/48");
    }
}
