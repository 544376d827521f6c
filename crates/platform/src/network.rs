//! Networks in the notation of CIDR, as settings name them, and which addresses are the internet's.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// Addresses that begin with the same bits. IPv4 in the clothes of IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// A list of networks and single addresses, separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Network {
    /// The network of that many leading bits around an address.
    pub fn around(address: IpAddr, prefix: u8) -> Network {
        let (address, prefix) = (address.to_canonical(), prefix.min(width(address)));
        let shift = u32::from(width(address) - prefix.min(width(address)));
        let first = match address {
            IpAddr::V4(v4) => {
                let kept = u32::MAX.checked_shl(shift).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & kept).into())
            }
            IpAddr::V6(v6) => {
                let kept = u128::MAX.checked_shl(shift).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & kept).into())
            }
        };
        Network { first, prefix }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Network::around(address, self.prefix).first == self.first
    }

    pub fn first(&self) -> IpAddr {
        self.first
    }
}

fn width(address: IpAddr) -> u8 {
    match address.to_canonical() {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Whether an address belongs to the internet at large: none of the special ones that
/// IANA keeps (RFC 6890 and its followers). IPv4 in the clothes of IPv6 is IPv4.
pub fn is_public(address: IpAddr) -> bool {
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
        // Shared by providers, protocol assignments, 6to4 relays, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

/// Global unicast is `2000::/3`; what is special within it leads elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global = a & 0xe000 == 0x2000;
    let documentation = (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b < 0x1000);
    // 2001::/23 is for protocols, Teredo among them; 2002::/16 holds IPv4 addresses of any kind.
    let tunnel = (a == 0x2001 && b < 0x0200) || a == 0x2002;
    global && !documentation && !tunnel
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("{text:?} is neither an IP address nor a network such as 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix = prefix.unwrap_or_else(|| width(address));
        if prefix > width(address) {
            return Err(wrong());
        }
        if prefix == 0 {
            return Err(format!("{text:?} is everybody"));
        }
        let network = Network::around(address, prefix);
        if network.first != address.to_canonical() {
            return Err(format!(
                "{text:?} has bits beyond its prefix; did you mean {network}?"
            ));
        }
        Ok(network)
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Networks, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Networks)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            self.first.fmt(f)
        } else {
            write!(f, "{}/{}", self.first, self.prefix)
        }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if nth == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let ours = networks("10.0.0.0/8, 192.0.2.7,2001:db8::/32, ::1");
        for inside in [
            "10.255.0.1",
            "192.0.2.7",
            "::ffff:10.1.2.3",
            "2001:db8:9::1",
            "::1",
        ] {
            assert!(ours.contains(address(inside)), "{inside}");
        }
        for outside in [
            "11.0.0.1",
            "192.0.2.8",
            "2001:db9::1",
            "::2",
            "127.0.0.1",
            "::a00:1",
        ] {
            assert!(!ours.contains(address(outside)), "{outside}");
        }
        assert_eq!(ours.to_string(), "10.0.0.0/8, 192.0.2.7, 2001:db8::/32, ::1");
        assert!(!networks("").contains(address("127.0.0.1")));
        assert!(networks("192.0.2.6/31").contains(address("192.0.2.7")));
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
            "192.88.99.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::7f00:1",
            "fe80::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2001::1",
            "2002:7f00:1::",
            "2001:db8::1",
            "3fff::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(inside)), "{inside}");
        }
        for outside in [
            "142.250.1.1",
            "100.128.0.1",
            "2a00:1450::1",
            "2600::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(address(outside)), "{outside}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let wrong = |text: &str| text.parse::<Networks>().unwrap_err();
        assert_eq!(
            wrong("10.0.0.1/8"),
            "\"10.0.0.1/8\" has bits beyond its prefix; did you mean 10.0.0.0/8?"
        );
        assert_eq!(wrong("0.0.0.0/0"), "\"0.0.0.0/0\" is everybody");
        for text in [
            "10.0.0.0/33",
            "proxy",
            "10.0.0/8",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
        ] {
            assert!(wrong(text).contains("is neither"), "{text}");
        }
    }
}
