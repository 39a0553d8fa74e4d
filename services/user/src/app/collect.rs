//! Puts the documents together that people asked for: from this service's tables and from every
//! neighbour. A request is a row until its document is ready, so it outlives this process.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use common::db::Scope;
use contracts::Service;
use contracts::personal::{MOST, Part, PersonalExport, SecurityRecord};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::Users;
use super::export::KEPT;
use crate::error::Error;
use crate::store::exports::{self, Due, TRIES};
use crate::store::{self, api_key, recoveries, session};

/// The wait after the first try; it doubles with each. Longer than a try should take.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Rows asked of a neighbour at a time: with the longest notes far below what an answer may be.
const PAGE: u64 = MOST / 2;
/// The most rows of one neighbour: a document is held in memory.
const LIMIT: usize = 200_000;

impl Users {
    /// Puts together every document that is due, and removes those that have expired. The last
    /// failure, if there was one.
    pub(crate) async fn make_exports(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let pruned = self.database.transact(Scope::All, async |tx| exports::prune(&tx, now).await);
        pruned.await?;
        let mut failure = None;
        loop {
            let due = exports::due(&self.database.read(Scope::All), self.clock.now()).await?;
            if due.is_empty() {
                return failure.map_or(Ok(()), Err);
            }
            for export in due {
                match self.make_export(export).await {
                    Ok(()) => {}
                    // Perhaps nothing was taken: trying on would never end.
                    Err(error @ Error::Database(_)) => return Err(error),
                    Err(error) => failure = Some(error),
                }
            }
        }
    }

    async fn make_export(&self, due: Due) -> Result<(), Error> {
        let own = Scope::Tenant(due.tenant);
        if due.attempts >= TRIES {
            return self.give_export_up(due).await;
        }
        let next_try = self.clock.now() + PAUSE * (1 << due.attempts.clamp(0, 8));
        let claimed =
            self.database.transact(own, async |tx| exports::claim(&tx, &due, next_try).await);
        if !claimed.await? {
            return Ok(());
        }
        match self.collect(due.tenant, due.user).await {
            Ok(Some(document)) => {
                let document =
                    &serde_json::to_string(&document).map_err(|error| Error::incomplete(&error))?;
                let now = self.clock.now();
                let kept = self.database.transact(own, async |tx| {
                    exports::ready(&tx, due.id, document, now, now + KEPT).await
                });
                Ok(kept.await?)
            }
            // Removed meanwhile, and the request with it.
            Ok(None) => Ok(()),
            Err(error) => {
                if due.attempts + 1 >= TRIES {
                    self.give_export_up(due).await?;
                }
                Err(error)
            }
        }
    }

    async fn give_export_up(&self, due: Due) -> Result<(), Error> {
        tracing::warn!(user = %due.user, "an export was given up");
        let own = Scope::Tenant(due.tenant);
        let given_up = self.database.transact(own, async |tx| exports::give_up(&tx, due.id).await);
        Ok(given_up.await?)
    }

    /// Everything held about a user; `None` if there is no such user.
    async fn collect(&self, tenant: Uuid, user: Uuid) -> Result<Option<PersonalExport>, Error> {
        let own = Scope::Tenant(tenant);
        let db = &self.database.read(own);
        let Some(found) = store::find(db, own, user).await? else { return Ok(None) };
        let sessions = session::all_of(db, user).await?;
        let keys = api_key::made_by(db, tenant, user).await?;
        let password_recoveries = recoveries::all_of(db, user).await?;
        let mut elsewhere = BTreeMap::new();
        for service in Service::ALL.into_iter().filter(|service| *service != Service::User) {
            elsewhere.insert(service.name().to_owned(), self.ask(service, tenant, user).await?);
        }
        let mut booked = by_kind(elsewhere.remove(Service::Booking.name()).unwrap_or_default());
        if let Some(series) = booked.remove(Part::Series.as_str()) {
            elsewhere.insert(Service::Booking.name().to_owned(), series);
        }
        Ok(Some(PersonalExport {
            user: found.view(),
            sessions: sessions.into_iter().map(session::Session::record).collect(),
            api_keys: keys.into_iter().map(api_key::ApiKey::view).collect::<Result<_, _>>()?,
            password_recoveries,
            security_events: self.told_of(tenant, user).await?,
            bookings: views(&mut booked, Part::Bookings)?,
            waitlist: views(&mut booked, Part::Waitlist)?,
            booking_links: views(&mut booked, Part::Links)?,
            calendars: views(&mut booked, Part::Calendars)?,
            elsewhere,
            generated_at: self.clock.now(),
        }))
    }

    /// What a neighbour holds about a user, page by page.
    async fn ask(&self, service: Service, tenant: Uuid, user: Uuid) -> Result<Vec<Value>, Error> {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = self
                .clients
                .personal_data(service, tenant, user, cursor.as_deref(), PAGE)
                .await
                .map_err(|error| Error::incomplete(&error))?;
            rows.extend(page.rows);
            cursor = match page.next {
                None => return Ok(rows),
                Some(_) if rows.len() >= LIMIT => {
                    return Err(Error::incomplete(&format!("more than {LIMIT} rows")));
                }
                next => next,
            };
        }
    }

    /// What auditors were told about a user and is still in the event log.
    async fn told_of(&self, tenant: Uuid, user: Uuid) -> Result<Vec<SecurityRecord>, Error> {
        let of_user = format!("\"user_id\":\"{user}\"");
        let found = self.outbox.naming(&self.database, tenant, "security.", &of_user).await?;
        let record = |event: contracts::event::Envelope| SecurityRecord {
            event_type: event.event_type,
            occurred_at: event.metadata.occurred_at,
            payload: event.payload,
        };
        Ok(found.into_iter().map(record).collect())
    }
}

/// The rows of the booking service by what they are about.
fn by_kind(rows: Vec<Value>) -> BTreeMap<String, Vec<Value>> {
    let mut of: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let kind = row.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        of.entry(kind).or_default().push(row);
    }
    of
}

fn views<T: DeserializeOwned>(
    of: &mut BTreeMap<String, Vec<Value>>,
    part: Part,
) -> Result<Vec<T>, Error> {
    let rows = of.remove(part.as_str()).unwrap_or_default();
    let views = rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    views.map_err(|error| Error::incomplete(&error))
}
