//! How much anyone may ask: buckets that refill evenly, one for each client address, account, API key
//! and tenant, in the memory of this process (ADR 0014). Clients see where they stand in `RateLimit`
//! and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota as Bucket, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::client::ClientIp;
use super::edge::Context;
use super::problem::Problem;
use crate::auth::{Credential, Principal};
use crate::settings::Rates;

/// `RateLimit-Policy`: what is allowed.
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// `RateLimit`: what is left of it.
pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Every rate is for so many seconds.
const WINDOW: u32 = 60;
/// Buckets of one kind that are kept apart. When there are more, those not in use are dropped; when
/// that is not enough, the rest share.
const MOST_BUCKETS: usize = 100_000;
/// How many buckets the rest share.
const SHARED_BUCKETS: u128 = 4_096;
/// How often the number of buckets is looked at, in requests.
const LOOK_EVERY: u32 = 1_024;

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A client's address.
    Ip(ClientIp),
    /// A signed-in user.
    Account(Uuid),
    /// An API key.
    ApiKey(Uuid),
    /// A tenant, whoever asks in its name with a credential.
    Tenant(Uuid),
}

/// Where a subject stands after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The name of the policy: `ip`, `account`, `api-key`, `tenant`.
    pub policy: &'static str,
    /// Requests in a full bucket, which refills in a minute.
    pub allowed: u32,
    /// Requests left.
    pub remaining: u32,
    /// Seconds until the bucket is full; of a refused request, until the next may come.
    pub seconds: u32,
}

impl Quota {
    /// Writes both headers.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Self { policy, allowed, remaining, seconds } = self;
        let policy_value = format!("\"{policy}\";q={allowed};w={WINDOW}");
        let limit_value = format!("\"{policy}\";r={remaining};t={seconds}");
        if let Ok(value) = HeaderValue::from_str(&policy_value) {
            headers.insert(POLICY, value);
        }
        if let Ok(value) = HeaderValue::from_str(&limit_value) {
            headers.insert(LIMIT, value);
        }
    }

    /// The one of two that binds a client more.
    pub(super) fn tighter(self, other: Self) -> Self {
        if other.remaining < self.remaining { other } else { self }
    }
}

/// A request too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany(pub Quota);

impl From<TooMany> for Problem {
    fn from(TooMany(quota): TooMany) -> Self {
        Self::rate_limited(Duration::from_secs(quota.seconds.into()))
    }
}

/// The limits of a process. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    ip: Kind,
    account: Kind,
    api_key: Kind,
    tenant: Kind,
}

impl Limits {
    /// The limits of `rates`, by the machine's own steady clock.
    pub fn new(rates: &Rates) -> Self {
        let start = Instant::now();
        let ticks = Ticks(Arc::new(move || start.elapsed()));
        Self::by(rates, &ticks)
    }

    fn by(rates: &Rates, ticks: &Ticks) -> Self {
        let kind = |policy, rate| Kind::new(policy, rate, ticks);
        Self(Arc::new(Inner {
            ip: kind("ip", rates.ip),
            account: kind("account", rates.account),
            api_key: kind("api-key", rates.api_key),
            tenant: kind("tenant", rates.tenant),
        }))
    }

    /// Counts a request of `subject`. `Ok(None)` where there is no limit.
    pub fn check(&self, subject: Subject) -> Result<Option<Quota>, TooMany> {
        let (kind, key) = match subject {
            Subject::Ip(client) => (&self.0.ip, number(client.group())),
            Subject::Account(id) => (&self.0.account, id.as_u128()),
            Subject::ApiKey(id) => (&self.0.api_key, id.as_u128()),
            Subject::Tenant(id) => (&self.0.tenant, id.as_u128()),
        };
        kind.check(key)
    }

    /// Counts a request of `subject`, and lets the client see in its answer where it stands.
    pub fn admit(&self, context: &Context, subject: Subject) -> Result<(), Problem> {
        let outcome = self.check(subject);
        if let Ok(Some(quota)) | Err(TooMany(quota)) = outcome {
            context.note_quota(quota);
        }
        outcome.map(drop).map_err(Problem::from)
    }

    /// Counts a request of a caller who has just been proved, once a request: the user or the key, and
    /// the tenant.
    pub fn admit_caller(&self, context: &Context, caller: &Principal) -> Result<(), Problem> {
        match caller {
            Principal::Developer => Ok(()),
            Principal::Operator(operator) => {
                self.admit(context, Subject::Account(operator.user_id))
            }
            Principal::User(identity) => {
                let own = match identity.credential {
                    Credential::Session(_) => Subject::Account(identity.user_id),
                    Credential::ApiKey => Subject::ApiKey(identity.user_id),
                    // Who has the link uses up nothing of the user's own.
                    Credential::Link(link) => Subject::Account(link),
                };
                self.admit(context, own)?;
                self.admit(context, Subject::Tenant(identity.tenant_id))
            }
        }
    }

    /// Forgets the buckets that are full again.
    pub fn tidy(&self) {
        let Inner { ip, account, api_key, tenant } = &*self.0;
        for kind in [ip, account, api_key, tenant] {
            kind.tidy();
        }
    }
}

fn number(group: Option<IpAddr>) -> u128 {
    match group {
        // No IPv4 address mapped into IPv6 is 0, and no client has the address `::`.
        None => 0,
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(address)) => address.to_bits(),
    }
}

/// Time since some moment, steadily.
#[derive(Clone)]
struct Ticks(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from((self.0)())
    }
}

type Buckets = RateLimiter<u128, DashMapStateStore<u128>, Ticks, StateInformationMiddleware>;

/// The limit of one kind of subject.
struct Kind {
    policy: &'static str,
    allowed: u32,
    ticks: Ticks,
    own: Option<Buckets>,
    /// For those that come when there are too many.
    shared: Option<Buckets>,
    hasher: RandomState,
    since_look: AtomicU32,
    crowded: AtomicBool,
}

impl Kind {
    fn new(policy: &'static str, allowed: u32, ticks: &Ticks) -> Self {
        let bucket = NonZeroU32::new(allowed).map(Bucket::per_minute);
        let buckets = || -> Option<Buckets> {
            let store = DashMapStateStore::default();
            bucket.map(|bucket| RateLimiter::new(bucket, store, ticks.clone()))
        };
        Self {
            policy,
            allowed,
            ticks: ticks.clone(),
            own: buckets(),
            shared: buckets(),
            hasher: RandomState::new(),
            since_look: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
        }
    }

    fn check(&self, key: u128) -> Result<Option<Quota>, TooMany> {
        let (Some(own), Some(shared)) = (&self.own, &self.shared) else { return Ok(None) };
        if self.since_look.fetch_add(1, Ordering::Relaxed) >= LOOK_EVERY {
            self.since_look.store(0, Ordering::Relaxed);
            if own.len() >= MOST_BUCKETS {
                self.tidy();
            }
        }
        let checked = if self.crowded.load(Ordering::Relaxed) {
            shared.check_key(&(u128::from(self.hasher.hash_one(key)) % SHARED_BUCKETS))
        } else {
            own.check_key(&key)
        };
        let quota = |remaining, seconds| Quota {
            policy: self.policy,
            allowed: self.allowed,
            remaining,
            seconds,
        };
        match checked {
            Ok(left) => {
                let remaining = left.remaining_burst_capacity();
                let missing = u64::from(self.allowed.saturating_sub(remaining));
                let seconds = (missing * u64::from(WINDOW)).div_ceil(u64::from(self.allowed));
                Ok(Some(quota(remaining, u32::try_from(seconds).unwrap_or(WINDOW))))
            }
            Err(not_yet) => {
                let wait = not_yet.wait_time_from(self.ticks.now());
                let seconds = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(WINDOW);
                Err(TooMany(quota(0, seconds.max(1))))
            }
        }
    }

    /// Forgets full buckets, and notes whether there are too many others.
    fn tidy(&self) {
        let (Some(own), Some(shared)) = (&self.own, &self.shared) else { return };
        own.retain_recent();
        own.shrink_to_fit();
        shared.retain_recent();
        let crowded = own.len() >= MOST_BUCKETS;
        if crowded && !self.crowded.swap(crowded, Ordering::Relaxed) {
            tracing::warn!(policy = self.policy, "too many clients to count each by itself");
        }
        self.crowded.store(crowded, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    /// Limits of six requests a minute each, and a clock in seconds.
    fn limits() -> (Limits, Arc<AtomicU64>) {
        let seconds = Arc::new(AtomicU64::new(100));
        let read = Arc::clone(&seconds);
        let ticks = Ticks(Arc::new(move || Duration::from_secs(read.load(Ordering::Relaxed))));
        let rates = Rates { ip: 6, account: 6, api_key: 0, tenant: 12 };
        (Limits::by(&rates, &ticks), seconds)
    }

    #[test]
    fn a_bucket_empties_at_once_and_refills_evenly() {
        let (limits, clock) = limits();
        let subject = Subject::Account(Uuid::from_u128(7));
        for left in (0..6).rev() {
            let quota = limits.check(subject).unwrap().unwrap();
            assert_eq!((quota.remaining, quota.seconds), (left, (6 - left) * 10));
        }
        let TooMany(refused) = limits.check(subject).unwrap_err();
        assert_eq!((refused.policy, refused.remaining, refused.seconds), ("account", 0, 10));
        clock.fetch_add(9, Ordering::Relaxed);
        assert_eq!(limits.check(subject).unwrap_err().0.seconds, 1, "asking does not extend it");
        clock.fetch_add(1, Ordering::Relaxed);
        assert!(limits.check(subject).is_ok());
        assert!(limits.check(subject).is_err());
        clock.fetch_add(60, Ordering::Relaxed);
        assert_eq!(limits.check(subject).unwrap().unwrap().remaining, 5);
    }

    #[test]
    fn one_subject_never_uses_up_anothers_bucket() {
        let (limits, _) = limits();
        let id = Uuid::from_u128(7);
        while limits.check(Subject::Account(id)).is_ok() {}
        assert!(limits.check(Subject::Account(Uuid::from_u128(8))).is_ok());
        assert!(limits.check(Subject::Tenant(id)).is_ok(), "the same number of another kind");
        assert_eq!(limits.check(Subject::ApiKey(id)), Ok(None), "0 is no limit");
    }

    #[test]
    fn the_headers_are_structured_fields() {
        let mut headers = HeaderMap::new();
        let quota = Quota { policy: "ip", allowed: 3_000, remaining: 2_999, seconds: 1 };
        let other = Quota { policy: "account", remaining: 7, ..quota };
        assert_eq!(quota.tighter(other), other);
        assert_eq!(other.tighter(quota), other);
        quota.write(&mut headers);
        assert_eq!(headers[POLICY], "\"ip\";q=3000;w=60");
        assert_eq!(headers[LIMIT], "\"ip\";r=2999;t=1");
    }

    /// However many addresses somebody has, memory is bounded, and nobody is let through uncounted.
    #[test]
    fn a_crowd_shares_a_bounded_number_of_buckets() {
        let (limits, clock) = limits();
        let kind = &limits.0.tenant;
        let own = kind.own.as_ref().unwrap();
        for key in 0..120_000 {
            let _ = kind.check(key);
        }
        assert!(kind.crowded.load(Ordering::Relaxed));
        let most = MOST_BUCKETS + usize::try_from(LOOK_EVERY).unwrap();
        assert!(own.len() <= most, "{}", own.len());
        assert!(kind.shared.as_ref().unwrap().len() <= 4_096);
        let mut refused = false;
        for _ in 0..13 {
            refused |= kind.check(u128::MAX).is_err();
        }
        assert!(refused, "a newcomer in the crowd is counted too");
        clock.fetch_add(120, Ordering::Relaxed);
        limits.tidy();
        assert_eq!(own.len(), 0);
        assert!(!kind.crowded.load(Ordering::Relaxed));
    }
}
