//! Slows the guessing of passwords down: after some free failures of an account, or from an address,
//! each further one makes the next wait longer, up to a cap. Nobody is ever locked out for good.
//!
//! A try is counted before the password is compared, so that a burst of tries at once gets no more
//! guesses than tries one after the other. A known address and an unknown one are counted alike.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use common::db::Scope;
use contracts::page::fold;
use uuid::Uuid;

use super::Users;
use super::token::sha256;
use crate::error::Error;
use crate::store::throttle::{self as rows, Counted, Terms};
use crate::store::{DbErr, Tx};

/// Failures are forgotten when there was none for so long.
const MEMORY_MS: i64 = 15 * 60 * 1_000;

/// How patient we are.
struct Limit {
    /// Failures without a delay. After the last of them one second is to be waited, then two, four …
    free: i64,
    /// No wait is longer.
    cap_ms: i64,
}

/// Of one account.
const ACCOUNT: Limit = Limit { free: 5, cap_ms: 300_000 };
/// Of one client, or the clients behind one address.
const CLIENT: Limit = Limit { free: 20, cap_ms: 60_000 };

impl Limit {
    /// Up to how many failures which delay follows; after more, the cap.
    fn delays(&self) -> Vec<(i64, i64)> {
        let doubled = (0..).map(|step| (self.free + step, 1_000_i64 << step));
        let growing = doubled.take_while(|(_, delay)| *delay < self.cap_ms);
        std::iter::once((self.free - 1, 0)).chain(growing).collect()
    }
}

/// Which account a guess is about: as its address was written, known or not.
pub(super) struct Account(String);

impl Account {
    /// An address in a tenant, or in all of them when none was named.
    pub(super) fn of(tenant: Option<Uuid>, email: &str) -> Self {
        let tenant = tenant.map_or_else(|| "*".to_owned(), |tenant| tenant.to_string());
        Self(sha256(&format!("account:{tenant}:{}", fold(email))))
    }

    /// An address in a tenant that does not exist.
    pub(super) fn nowhere(domain: &str, email: &str) -> Self {
        Self(sha256(&format!("account:?{}:{}", fold(domain), fold(email))))
    }

    /// What it is stored under.
    pub(super) fn key(&self) -> &str {
        &self.0
    }
}

/// What a client is stored under: its address, or its network where everyone has 2⁶⁴ of them.
pub(super) fn client_key(client: IpAddr) -> String {
    let network = match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    };
    sha256(&format!("ip:{network}"))
}

/// A try that may be made. Counted as failed unless it is settled otherwise.
#[derive(Clone)]
pub(super) struct Attempt {
    account: (String, i64),
    client: Option<(String, i64)>,
}

impl Users {
    /// Counts a try, or refuses it. A refusal counts nothing and makes no wait longer.
    pub(super) async fn attempt(
        &self,
        account: &Account,
        client: Option<IpAddr>,
    ) -> Result<Attempt, Error> {
        let now = self.clock.now();
        let client = client.map(client_key);
        let counted = self.database.transact(Scope::All, async |tx| {
            // Accounts before clients, always: two tries never wait for each other crosswise.
            let until = take(&tx, account.key(), &ACCOUNT, now).await?;
            let account = (account.key().to_owned(), until);
            let client = match &client {
                Some(key) => Some((key.clone(), take(&tx, key, &CLIENT, now).await?)),
                None => None,
            };
            // A refusal by the client's address rolls the account's count back.
            Ok::<_, Error>(Attempt { account, client })
        });
        counted.await
    }

    /// The try was good: the account's failures are forgotten, the client's stay as they were.
    pub(super) async fn succeeded(&self, tx: &Tx, attempt: &Attempt) -> Result<(), DbErr> {
        rows::clear(tx, &attempt.account.0).await?;
        self.give_back_client(tx, attempt).await
    }

    /// The try was not made after all.
    pub(super) async fn not_made(&self, attempt: &Attempt) -> Result<(), DbErr> {
        let now_ms = self.clock.now().timestamp_millis();
        let given_back = self.database.transact(Scope::All, async |tx| {
            let (key, granted) = &attempt.account;
            rows::give_back(&tx, key, *granted, now_ms).await?;
            self.give_back_client(&tx, attempt).await
        });
        given_back.await
    }

    async fn give_back_client(&self, tx: &Tx, attempt: &Attempt) -> Result<(), DbErr> {
        let now_ms = self.clock.now().timestamp_millis();
        match &attempt.client {
            Some((key, granted)) => rows::give_back(tx, key, *granted, now_ms).await,
            None => Ok(()),
        }
    }

    /// Forgets an account's failures: its password is a new one.
    pub(super) async fn pardon(&self, tx: &Tx, tenant: Uuid, email: &str) -> Result<(), DbErr> {
        for named in [Some(tenant), None] {
            rows::clear(tx, Account::of(named, email).key()).await?;
        }
        Ok(())
    }

    /// Removes failures that are forgotten.
    pub(crate) async fn prune_throttle(&self) -> Result<(), DbErr> {
        let forgotten = self.clock.now().timestamp_millis() - MEMORY_MS;
        self.database.transact(Scope::All, async |tx| rows::prune(&tx, forgotten).await).await
    }
}

/// Counts a try under a key; until when the next has to wait if this one fails.
async fn take(tx: &Tx, key: &str, limit: &Limit, now: DateTime<Utc>) -> Result<i64, Error> {
    let now_ms = now.timestamp_millis();
    let delays = limit.delays();
    let forgotten_ms = now_ms - MEMORY_MS;
    let terms = Terms { key, forgotten_ms, delays: &delays, cap_ms: limit.cap_ms };
    match rows::count(tx, &terms, now_ms).await? {
        Counted::Granted(until) => Ok(until),
        Counted::Refused(until) => {
            let seconds = (until - now_ms).max(0).unsigned_abs().div_ceil(1_000).max(1);
            Err(Error::Throttled(seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_from_a_second_and_stay_below_the_cap() {
        let account = ACCOUNT.delays();
        assert_eq!(account[..3], [(4, 0), (5, 1_000), (6, 2_000)]);
        assert_eq!(account.last(), Some(&(13, 256_000)));
        assert_eq!(CLIENT.delays().last(), Some(&(25, 32_000)));
        // Nobody waits so long that the failures are forgotten meanwhile.
        const { assert!(ACCOUNT.cap_ms < MEMORY_MS && CLIENT.cap_ms < MEMORY_MS) };
    }

    #[test]
    fn an_account_is_its_folded_address_in_its_tenant_and_is_not_readable() {
        let tenant = Some(Uuid::from_u128(1));
        let key = |tenant, email: &str| Account::of(tenant, email).key().to_owned();
        assert_eq!(key(tenant, "Ana@Example.com"), key(tenant, "ana@example.com"));
        assert_ne!(key(tenant, "ana@example.com"), key(None, "ana@example.com"));
        assert_ne!(key(tenant, "ana@example.com"), key(Some(Uuid::nil()), "ana@example.com"));
        assert_ne!(Account::nowhere("*", "a@b.c").key(), key(None, "a@b.c"));
        assert_eq!(key(None, "ana@example.com").len(), 64);
    }

    #[test]
    fn a_client_is_an_address_or_a_network_of_sixty_four_bits() {
        let key = |text: &str| client_key(text.parse().unwrap());
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }
}
