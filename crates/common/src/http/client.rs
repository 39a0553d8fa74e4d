//! Where a request comes from: the peer of the connection, or what a trusted proxy says of it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{Extensions, HeaderMap};

use super::edge::Context;
use super::problem::Problem;
use crate::settings::Proxies;

/// Who is at the other end of the connection; put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The client's address; unknown where there is no connection, as between parts of one process.
/// Shown (`Debug`, `Display`) only as its network, so that no log has it whole.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(Option<IpAddr>);

impl ClientIp {
    /// The client of a request: the peer, or whom the peer names if it is one of `proxies`.
    pub(super) fn of(extensions: &Extensions, headers: &HeaderMap, proxies: &Proxies) -> Self {
        let Some(Peer(peer)) = extensions.get::<Peer>() else { return Self(None) };
        let peer = peer.ip().to_canonical();
        if !proxies.trust(peer) {
            return Self(Some(peer));
        }
        let named = real_ip(headers).or_else(|| forwarded_for(headers, proxies));
        Self(Some(named.unwrap_or(peer)))
    }

    /// The whole address, for the records that need it; never for a log.
    pub fn address(self) -> Option<IpAddr> {
        self.0
    }

    /// What is counted together: an IPv4 address, the /64 of an IPv6 address, all that is unknown.
    pub fn group(self) -> Option<IpAddr> {
        Some(match self.0? {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(cut(address, 64)),
        })
    }
}

fn cut(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits)))
}

/// `X-Real-IP`, if the proxy set exactly one.
fn real_ip(headers: &HeaderMap) -> Option<IpAddr> {
    let mut values = headers.get_all("x-real-ip").iter();
    let (first, None) = (values.next()?, values.next()) else { return None };
    parse(first.to_str().ok()?)
}

/// The last hop of `X-Forwarded-For` that is no proxy of ours: what stands before it, anyone may have
/// written.
fn forwarded_for(headers: &HeaderMap, proxies: &Proxies) -> Option<IpAddr> {
    let values: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().ok())
        .collect::<Option<_>>()?;
    let mut last = None;
    for hop in values.join(",").rsplit(',') {
        let hop = parse(hop)?;
        last = Some(hop);
        if !proxies.trust(hop) {
            break;
        }
    }
    last
}

fn parse(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                write!(f, "{a}.{b}.{c}.0")
            }
            Some(IpAddr::V6(address)) => write!(f, "{}", cut(address, 48)),
        }
    }
}

impl fmt::Debug for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIp({self})")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientIp {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Context::from_request_parts(parts, state).await.map(|context| context.client())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let proxies = Proxies::parse("10.0.0.0/8,127.0.0.1").unwrap();
        let client = ClientIp::of(&extensions, &map, &proxies);
        client.address().map(|address| address.to_string()).unwrap_or_default()
    }

    /// A client that connects directly may claim what it likes.
    #[test]
    fn only_a_trusted_peer_is_believed() {
        let claims = [("x-real-ip", "6.6.6.6"), ("x-forwarded-for", "6.6.6.6")];
        assert_eq!(seen("203.0.113.9", &claims), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", &claims), "6.6.6.6");
        assert_eq!(seen("::ffff:10.1.2.3", &claims), "6.6.6.6", "an IPv4 peer on an IPv6 socket");
        assert_eq!(seen("10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_counts() {
        let hops = |list| seen("127.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(hops("1.1.1.1, 203.0.113.9, 10.0.0.1"), "203.0.113.9");
        assert_eq!(hops("203.0.113.9"), "203.0.113.9");
        assert_eq!(hops("10.0.0.2, 10.0.0.1"), "10.0.0.2");
        assert_eq!(hops("203.0.113.9, nonsense"), "127.0.0.1", "nothing behind nonsense counts");
        let twice = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(seen("127.0.0.1", &twice), "203.0.113.9");
        let real = [("x-real-ip", "1.1.1.1"), ("x-real-ip", "2.2.2.2")];
        assert_eq!(seen("127.0.0.1", &real), "127.0.0.1", "two of what there is one of");
    }

    #[test]
    fn ipv6_is_counted_by_its_64_and_shown_by_its_48() {
        let client = ClientIp(Some("2001:db8:1:2:3:4:5:6".parse().unwrap()));
        assert_eq!(client.group().unwrap().to_string(), "2001:db8:1:2::");
        assert_eq!(client.to_string(), "2001:db8:1::");
        let client = ClientIp(Some("203.0.113.9".parse().unwrap()));
        assert_eq!(client.group().unwrap().to_string(), "203.0.113.9");
        assert_eq!(format!("{client:?}"), "ClientIp(203.0.113.0)");
        assert_eq!(ClientIp(None).to_string(), "unknown");
    }
}
