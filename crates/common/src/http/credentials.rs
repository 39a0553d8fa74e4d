//! How services recognise each other: each has a secret of its own and knows the others' hashes. Who
//! may ask what is a table (`contracts::internal`).

use std::collections::BTreeMap;

use base64::Engine as _;
use contracts::Service;
use contracts::internal::may_ask;
use http::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::settings::{Settings, Topology};

/// The header of `SERVICE.SECRET`.
pub(super) const INTERNAL_TOKEN: HeaderName = HeaderName::from_static("x-internal-token");

/// The name of a process in which every service runs.
const WHOLE: &str = "marca";

/// Who asks an internal route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// A part of this very process: may ask everything.
    Own,
    /// Another service.
    Other(Service),
}

/// What a process shows to others, and knows of them.
#[derive(Clone)]
pub struct Credentials {
    shown: HeaderValue,
    name: &'static str,
    own: [u8; 32],
    others: BTreeMap<Service, [u8; 32]>,
}

impl Credentials {
    /// The credentials of `settings`. Without a secret the process makes up one, which is enough for
    /// one process, and a refusal between two.
    pub fn new(settings: &Settings) -> Self {
        let secret = settings.internal_token.clone().unwrap_or_else(random);
        let own: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let (name, others) = match settings.topology {
            Topology::Embedded => (WHOLE, BTreeMap::new()),
            Topology::Single(service) => {
                // In development the others may have our secret.
                let shared = || Service::ALL.into_iter().map(|service| (service, own)).collect();
                let mut others = settings.internal_peers.clone().unwrap_or_else(shared);
                others.remove(&service);
                (service.name(), others)
            }
        };
        let shown = HeaderValue::from_str(&format!("{name}.{secret}"));
        let mut shown = shown.unwrap_or_else(|_| HeaderValue::from_static("unspeakable"));
        shown.set_sensitive(true);
        Self { shown, name, own, others }
    }

    /// What this process shows.
    pub(super) fn shown(&self) -> HeaderValue {
        self.shown.clone()
    }

    /// Whether `given` proves a service that may ask `route`; `None` if it proves nothing.
    pub(super) fn admits(&self, given: &[u8], asked: Service, route: &str) -> Option<bool> {
        Some(match self.recognise(given)? {
            Peer::Own => true,
            Peer::Other(caller) => may_ask(caller, asked, route),
        })
    }

    fn recognise(&self, given: &[u8]) -> Option<Peer> {
        let split = given.iter().position(|byte| *byte == b'.')?;
        let (name, secret) = (given.get(..split)?, given.get(split + 1..)?);
        let (peer, known) = if name == self.name.as_bytes() {
            (Peer::Own, &self.own)
        } else {
            let (service, hash) =
                self.others.iter().find(|(service, _)| service.name().as_bytes() == name)?;
            (Peer::Other(*service), hash)
        };
        // Hashes are compared, and in a time that does not tell where they differ.
        let given: [u8; 32] = Sha256::digest(secret).into();
        bool::from(given.ct_eq(known)).then_some(peer)
    }
}

fn random() -> String {
    let secret: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Env, written};

    fn of(topology: Topology, env: &[(&str, &str)]) -> Credentials {
        let settings = Settings::read(&env.iter().copied().collect::<Env>(), topology);
        Credentials::new(&settings.unwrap_or_else(|offences| panic!("{offences:?}")))
    }

    #[test]
    fn each_service_is_known_by_its_own_secret_only() {
        let peers = format!("tenant={},resource={},", written("of-tenant"), written("of-resource"));
        let env = [("INTERNAL_TOKEN", "of-booking"), ("INTERNAL_PEERS", &*peers)];
        let booking = of(Topology::Single(Service::Booking), &env);
        let known = |given: &str| booking.recognise(given.as_bytes());
        assert_eq!(known("resource.of-resource"), Some(Peer::Other(Service::Resource)));
        assert_eq!(known("tenant.of-tenant"), Some(Peer::Other(Service::Tenant)));
        assert_eq!(known("booking.of-booking"), Some(Peer::Own));
        for forged in [
            "tenant.of-resource",
            "resource.of-tenant",
            "tenant.of-booking",
            "user.of-booking",
            "user.",
            "marca.of-booking",
            "of-tenant",
            ".of-tenant",
            "tenant.",
            "tenant.of-tenant ",
            "",
        ] {
            assert_eq!(known(forged), None, "{forged}");
        }
    }

    #[test]
    fn a_known_service_may_ask_only_what_the_table_says() {
        let peers = format!("tenant={},resource={},", written("of-tenant"), written("of-resource"));
        let env = [("INTERNAL_TOKEN", "of-booking"), ("INTERNAL_PEERS", &*peers)];
        let booking = of(Topology::Single(Service::Booking), &env);
        let admits = |given: &str, route| booking.admits(given.as_bytes(), Service::Booking, route);
        assert_eq!(admits("resource.of-resource", "/internal/v1/occupancy"), Some(true));
        assert_eq!(admits("tenant.of-tenant", "/internal/v1/occupancy"), Some(false));
        assert_eq!(admits("tenant.of-resource", "/internal/v1/occupancy"), None);
        assert_eq!(admits("booking.of-booking", "/internal/v1/outbox/{source}"), Some(true));
    }

    /// In development one secret does for all, and the table holds all the same.
    #[test]
    fn without_hashes_the_others_share_our_secret() {
        let user = of(Topology::Single(Service::User), &[("INTERNAL_TOKEN", "shared")]);
        assert_eq!(user.recognise(b"booking.shared"), Some(Peer::Other(Service::Booking)));
        assert_eq!(user.recognise(b"booking.other"), None);
        assert_eq!(user.recognise(b"shared"), None);
        // Without any secret nobody else is known.
        let alone = of(Topology::Single(Service::User), &[]);
        assert_eq!(alone.recognise(b"booking."), None);
        let whole = of(Topology::Embedded, &[]);
        assert_eq!(whole.recognise(whole.shown().as_bytes()), Some(Peer::Own));
        assert_eq!(whole.recognise(b"booking."), None);
        assert!(!format!("{:?}", whole.shown()).contains("marca"), "never shown in a log");
    }
}
