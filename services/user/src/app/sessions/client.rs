//! Where a sign-in comes from, as far as it is kept.

use std::net::{IpAddr, Ipv6Addr};

/// The most characters kept of what a client says it is.
const LONGEST: usize = 200;

/// Whoever sends a request.
#[derive(Clone, Default)]
pub(crate) struct Client {
    address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Client {
    /// The client at an address, who says it is this.
    pub(crate) fn new(address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let shown = |text: &str| -> String {
            text.chars().filter(|sign| !sign.is_control()).take(LONGEST).collect()
        };
        let user_agent = user_agent.map(shown).filter(|text| !text.is_empty());
        Self { address, user_agent }
    }

    /// The whole address, for counting.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.address
    }

    /// The whole address, for the user alone.
    pub(super) fn address(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }

    /// What it says it is.
    pub(super) fn user_agent(&self) -> Option<String> {
        self.user_agent.clone()
    }

    /// The address without its last part, for events: the /24 of IPv4, the /48 of IPv6.
    pub(in crate::app) fn network(&self) -> Option<String> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0")
            }
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80)).to_string()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_never_has_the_whole_address() {
        let network = |address: &str| Client::new(address.parse().ok(), None).network();
        assert_eq!(network("203.0.113.9").as_deref(), Some("203.0.113.0"));
        assert_eq!(network("::ffff:203.0.113.9").as_deref(), Some("203.0.113.0"));
        assert_eq!(network("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1::"));
        assert_eq!(network("nowhere"), None);
    }

    #[test]
    fn what_a_client_says_it_is_is_cut_and_harmless() {
        let said = |text: &str| Client::new(None, Some(text)).user_agent();
        assert_eq!(said("curl/8\u{7}\n\u{1b}[31m").as_deref(), Some("curl/8[31m"));
        assert_eq!(said(&"é".repeat(300)).map(|text| text.chars().count()), Some(200));
        assert_eq!(said("\t"), None);
    }
}
