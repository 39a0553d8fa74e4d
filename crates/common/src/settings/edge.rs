//! Settings of the edge: whose word about a client's address counts, how much anyone may ask, and how
//! long anything may take.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use contracts::Service;
use ipnet::IpNet;

use super::Topology;
use super::gather::Reader;

/// The most requests a minute that can be configured.
const MOST_REQUESTS: u32 = 100_000_000;
/// In development nobody meets a limit, and sees the headers all the same.
const DEVELOPMENT: u32 = 1_000_000;

/// Settings of the edge.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Peers whose word about the client's address counts.
    pub trusted_proxies: Proxies,
    /// Requests a minute.
    pub rates: Rates,
    /// How long and how large anything may be.
    pub bounds: Bounds,
}

/// Networks of the proxies in front of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Whether `peer` is one of them.
    pub fn trust(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// Whether everybody is.
    pub(super) fn trust_everyone(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }

    /// A comma-separated list of networks or addresses; `none` is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return Some(Self::default());
        }
        let network = |item: &str| {
            let item = item.trim();
            item.parse().ok().or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from))
        };
        text.split(',').map(network).collect::<Option<Vec<IpNet>>>().map(Self)
    }

    /// This machine and private networks, where a gateway stands.
    fn private() -> Self {
        let list = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7";
        Self::parse(list).unwrap_or_default()
    }
}

/// Requests a minute of one subject of each kind; 0 = no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Of a client's address; of IPv6 its /64.
    pub ip: u32,
    /// Of a signed-in user.
    pub account: u32,
    /// Of an API key.
    pub api_key: u32,
    /// Of all users and keys of a tenant together.
    pub tenant: u32,
}

/// How long and how large anything may be. Not configurable; tests shorten it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For the whole head of a request to arrive.
    pub head: Duration,
    /// For the whole body to arrive.
    pub body: Duration,
    /// For a client to take the next bytes of its answer.
    pub write: Duration,
    /// For the answer to a request that changes nothing.
    pub answer: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            write: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            headers: 100,
            body_bytes: 1024 * 1024,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, topology: Topology, production: bool) -> Edge {
    let trusted = match topology {
        // Whoever reaches the one port of the all-in-one is the client.
        Topology::Embedded => Proxies::default(),
        Topology::Single(_) => Proxies::private(),
    };
    let expected = "none, or a comma-separated list of networks such as 10.0.0.0/8";
    let mut rate = |variable, default| {
        let default = if production { default } else { DEVELOPMENT };
        reader.number(variable, default, 0, MOST_REQUESTS)
    };
    let rates = Rates {
        ip: rate("RATE_LIMIT_IP", 3_000),
        account: rate("RATE_LIMIT_ACCOUNT", 1_200),
        api_key: rate("RATE_LIMIT_API_KEY", 6_000),
        tenant: rate("RATE_LIMIT_TENANT", 30_000),
    };
    Edge {
        trusted_proxies: reader.parsed("TRUSTED_PROXIES", trusted, expected, Proxies::parse),
        rates,
        bounds: Bounds::default(),
    }
}

/// Who else is who: the SHA-256 of each service's secret.
pub type Peers = BTreeMap<Service, [u8; 32]>;

/// `tenant=<64 hex digits>,user=…`.
pub(super) fn peers(reader: &mut Reader<'_>) -> Option<Peers> {
    let expected = "a comma-separated list of SERVICE=SHA-256 of its secret, in 64 hex digits";
    reader.parsed("INTERNAL_PEERS", None, expected, |text| parse_peers(text).map(Some))
}

fn parse_peers(text: &str) -> Option<Peers> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let peer = |item: &str| {
        let (name, digits) = item.split_once('=')?;
        let service = Service::ALL.into_iter().find(|service| service.name() == name)?;
        Some((service, hash(digits)?))
    };
    items.map(peer).collect()
}

fn hash(digits: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, index) in hash.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(index..index + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// The hash of a secret, as `INTERNAL_PEERS` has it.
#[cfg(test)]
pub(crate) fn written(secret: &str) -> String {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    Sha256::digest(secret.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_networks_or_addresses() {
        let proxies = Proxies::parse("10.0.0.0/8, 192.0.2.7,2001:db8::/32").unwrap();
        for (peer, trusted) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8::1", true),
        ] {
            assert_eq!(proxies.trust(peer.parse().unwrap()), trusted, "{peer}");
        }
        assert_eq!(Proxies::parse("none"), Some(Proxies::default()));
        assert_eq!(Proxies::parse("10.0.0.0/8,nonsense"), None);
        assert!(Proxies::parse("::/0").unwrap().trust_everyone());
        assert!(!Proxies::private().trust("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn peers_are_services_with_whole_hashes() {
        let good = format!("tenant={},user={},", "0f".repeat(32), "A0".repeat(32));
        let peers = parse_peers(&good).unwrap();
        assert_eq!(peers[&Service::Tenant], [0x0f; 32]);
        assert_eq!(peers[&Service::User], [0xa0; 32]);
        for bad in ["tenant=0f", "nobody=", &format!("tenant={}", "+f".repeat(32)), "tenant"] {
            assert!(parse_peers(bad).is_none(), "{bad}");
        }
    }
}
