//! The keys that sign links. They are made by the service itself and lie in its database, so that every
//! replica has the same without a word of configuration; each process keeps them in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::Tx;
use sea_orm::{DatabaseTransaction, DbErr};

use super::token::{Claims, Key, Unproved};
use crate::error::Error;
use crate::store::{Store, StoredKey};

/// How long a period is: as long as a link can last, so that a new one ends in this period or the next.
const PERIOD: i64 = super::LONGEST.num_seconds();
/// How long nobody looks for a key again that was not there: who makes tokens up must not reach the
/// database with each.
const PAUSE: Duration = Duration::from_secs(1);

/// The keys that this process knows.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    keys: BTreeMap<i64, Key>,
    looked: Option<Instant>,
}

/// The period a moment lies in.
fn period(seconds: i64) -> i64 {
    seconds.div_euclid(PERIOD)
}

impl Keys {
    /// The key of links that end then, made if there is none yet. From the database and not from memory:
    /// what a rolled back transaction has made is not to be remembered.
    pub(super) async fn to_sign(
        &self,
        store: &Store,
        tx: &DatabaseTransaction,
        ends: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Key, Error> {
        make(store, tx, period(ends.timestamp()), now).await
    }

    /// What a token says, if it is one of ours. What is not never reaches the database.
    pub(super) async fn prove(
        &self,
        store: &Store,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Claims>, Error> {
        let Some(read) = Unproved::read(token) else { return Ok(None) };
        let (wanted, current) = (period(read.end()), period(now.timestamp()));
        if !(current - 1..=current + 1).contains(&wanted) {
            return Ok(None);
        }
        let mut key = self.known(wanted);
        if key.is_none() && self.may_look() {
            self.load(store).await?;
            key = self.known(wanted);
        }
        Ok(key.and_then(|key| read.proved(&key)))
    }

    /// Makes the keys of this period and the next, forgets those that nobody needs, and learns what the
    /// others have made.
    pub(super) async fn tend(&self, store: &Store, now: DateTime<Utc>) -> Result<(), Error> {
        let current = period(now.timestamp());
        let made = store.database().transact(Scope::All, |tx: Tx| async move {
            for period in [current, current + 1] {
                make(store, &tx, period, now).await?;
            }
            // The last one still tells what has expired from what never was.
            store.forget_keys(&tx, current - 1).await?;
            Ok::<_, Error>(())
        });
        made.await?;
        Ok(self.load(store).await?)
    }

    /// Takes note of a key that has just been used, once that is committed.
    pub(super) fn learn(&self, ends: DateTime<Utc>, key: Key) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys.insert(period(ends.timestamp()), key);
    }

    fn known(&self, period: i64) -> Option<Key> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys.get(&period).cloned()
    }

    /// Whether it is time to look for a missing key; who asks looks.
    fn may_look(&self) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = known.looked.is_none_or(|looked| looked.elapsed() >= PAUSE);
        if may {
            known.looked = Some(Instant::now());
        }
        may
    }

    async fn load(&self, store: &Store) -> Result<(), DbErr> {
        let stored = store.link_keys().await?;
        let keys = stored.iter().map(|StoredKey { period, secret }| (*period, Key::new(secret)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys = keys.collect();
        Ok(())
    }
}

async fn make(
    store: &Store,
    tx: &DatabaseTransaction,
    period: i64,
    now: DateTime<Utc>,
) -> Result<Key, Error> {
    let fresh: [u8; 32] = rand::random();
    let key = store.key_of(tx, period, &fresh, now).await?.ok_or(Error::Contended)?;
    Ok(Key::new(&key.secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_link_ends_in_this_period_or_the_next() {
        for now in [0, 1, PERIOD - 1, PERIOD, 20 * PERIOD + 7] {
            let furthest = period(now + super::super::LONGEST.num_seconds()) - period(now);
            assert!((0..=1).contains(&furthest), "{now}");
        }
        assert_eq!(period(-1), -1);
    }

    #[test]
    fn a_missing_key_is_not_looked_for_all_the_time() {
        let keys = Keys::default();
        assert!(keys.may_look() && !keys.may_look() && !keys.may_look());
    }
}
