//! What would be otherwise if a tenant's settings were changed (ADR 0024). Nothing is written.

mod reckon;
mod turns;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use common::auth::{Caller, Scope};
use common::clock::Clock;
use common::db::Database;
use common::platform::Platform;
use common::providers::{SettingsError, SettingsProvider, TenantRules};
use common::version::Version;
use contracts::client::Clients;
use contracts::exception::{ExceptionLevel, exceptions};
use contracts::facts::BookingRow;
use contracts::form;
use contracts::page::{decode_cursor, encode_cursor};
use contracts::problem::FieldFault;
use contracts::tenant::{Settings, TENANT_NESTED};
use contracts::text::Language;
use contracts::what_if::{
    MOST_DAYS, MOST_RESOURCES, OccupancyOf, OccupancyPreview, PreviewSettings, SettingsPreview,
};
use scheduling::{Exceptions, Rules, Span};
use serde_json::Value;
use uuid::Uuid;

use self::reckon::{Found, Reckoning, Side};
use self::turns::Turns;
use super::no_settings;
use crate::error::{Error, NoAnswer, PreviewFault};
use crate::store::chosen::Chosen;
use crate::store::exceptions::MOST as MOST_OF_ONE;
use crate::store::{Category, Exception, Resource, SortKey, categories};

/// Previews under way at once in one process.
const AT_ONCE: usize = 2;
/// How long one waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// Resources whose bookings are asked for at once.
const BATCH: usize = 100;
/// The most bookings of one preview.
const MOST_BOOKINGS: usize = 200_000;
/// The most exceptions of one preview.
const MOST_EXCEPTIONS: u64 = 20_000;
/// The time looked at unless it is said.
const USUAL: TimeDelta = TimeDelta::days(14);
/// One of the days may have an hour more, or two.
const LONGEST: TimeDelta = TimeDelta::hours(31 * 24 + 3);
/// The last instant looked at, in seconds since 1970: the end of 29 December 9999, so that no zone has
/// to write a year of five digits.
const LAST: i64 = 253_402_128_000;
/// A booking lasts a day at most, and so does the room before or after it.
const MARGIN: TimeDelta = TimeDelta::days(3);

/// Previews changed settings.
pub(crate) struct WhatIf {
    database: Database,
    clock: Arc<dyn Clock>,
    settings: Arc<dyn SettingsProvider>,
    clients: Clients,
    turns: Turns,
}

/// A question that is known to make sense.
struct Asked {
    /// The rules of now.
    before: Arc<TenantRules>,
    /// The changed settings.
    settings: Settings,
    /// The same as the calendar reads them.
    rules: Rules,
    within: Span,
    chosen: Chosen,
    place: Option<SortKey>,
    now: DateTime<Utc>,
}

/// What can be read of a body: the wish, the changed settings, the place to go on.
type Read = (PreviewSettings, Settings, Option<SortKey>);

impl WhatIf {
    pub(crate) fn new(
        platform: &Platform,
        database: Database,
        settings: Arc<dyn SettingsProvider>,
    ) -> Self {
        Self {
            database,
            clock: Arc::clone(&platform.clock),
            settings,
            clients: platform.clients.clone(),
            turns: Turns::new(AT_ONCE, TURN),
        }
    }

    /// What would be otherwise under the settings of `body`.
    pub(crate) async fn preview(
        &self,
        caller: &Caller,
        tenant: Uuid,
        body: &Value,
        language: Language,
    ) -> Result<SettingsPreview, Error> {
        let asked = self.asked(caller, tenant, body).await?;
        let _turn = self.turns.next().await?;
        let (rows, next_cursor) = self.page(&asked).await?;
        let mut found = self.with_exceptions(&asked, &rows).await?;
        self.bookings(&asked, &mut found).await?;
        let (zone, etag) = (asked.before.rules.zone.clone(), asked.before.version);
        let (within, resources) = (asked.within, found.len() as u64);
        // Seconds of computing, at worst: not on a thread that others wait for.
        let reckoned = tokio::task::spawn_blocking(move || {
            let before = Side::of(&asked.before.rules, &asked.before.settings);
            let after = Side::of(&asked.rules, &asked.settings);
            let active = asked.before.is_active;
            let Asked { within, now, .. } = asked;
            Reckoning { before, after, within, now, active, language }.run(&found)
        });
        let (bookings, slots, (before, after)) =
            reckoned.await.map_err(|error| NoAnswer::Bookings(error.to_string()))?;
        Ok(SettingsPreview {
            tenant_id: tenant,
            settings_etag: Version::new("t", etag).to_string(),
            from: zone.local(within.start()),
            to: zone.local(within.end()),
            resources,
            next_cursor,
            bookings,
            slots,
            occupancy: OccupancyPreview {
                before: OccupancyOf::new(before),
                after: OccupancyOf::new(after),
            },
        })
    }

    /// Who asks and for what, judged in the order in which the change itself is judged.
    async fn asked(&self, caller: &Caller, tenant: Uuid, body: &Value) -> Result<Asked, Error> {
        let before = self.settings.settings(tenant).await.map_err(|error| match error {
            SettingsError::Unknown => Error::NoSettings,
            SettingsError::Unreachable(_) | SettingsError::Garbage(_) => no_settings(&error).into(),
        })?;
        if !caller.scope().covers(tenant) {
            return Err(Error::OtherTenant);
        }
        if !caller.is_admin() {
            return Err(Error::NotAllowed);
        }
        let (wish, settings, place) = read(&before.settings, body).map_err(Error::Invalid)?;
        // A zone that was just read is known.
        let rules = settings.rules().ok_or_else(|| NoAnswer::Settings("no rules".to_owned()))?;
        let now = self.clock.now();
        let within = bounds(&before, &wish, now)?;
        let ids = wish.resource_ids.map(|ids| BTreeSet::from_iter(ids).into_iter().collect());
        let chosen = Chosen { tenant, category: wish.category_id, ids };
        Ok(Asked { before, settings, rules, within, chosen, place, now })
    }

    /// The resources of this answer, and where the next one goes on.
    async fn page(
        &self,
        asked: &Asked,
    ) -> Result<(Vec<(Resource, Category)>, Option<String>), Error> {
        let chosen = &asked.chosen;
        let scope = Scope::Tenant(chosen.tenant);
        let conn = &self.database.read(scope);
        if let Some(category) = chosen.category
            && categories::find(conn, scope, category).await?.is_none()
        {
            return Err(Error::NoCategory);
        }
        // One that is mistyped must not look like one without trouble.
        if !chosen.all_exist(conn).await? {
            return Err(Error::NoResource);
        }
        let limit = MOST_RESOURCES as u64 + 1;
        let mut rows = chosen.page(conn, asked.place.as_ref(), limit).await?;
        let more = rows.len() > MOST_RESOURCES;
        rows.truncate(MOST_RESOURCES);
        let key =
            |(row, _): &(Resource, Category)| SortKey { name: row.name_key.clone(), id: row.id };
        let next = rows.last().filter(|_| more).map(|last| encode_cursor(&key(last)));
        Ok((rows, next))
    }

    /// The resources with the exceptions that count for them.
    async fn with_exceptions(
        &self,
        asked: &Asked,
        rows: &[(Resource, Category)],
    ) -> Result<Vec<Found>, Error> {
        let kinds: BTreeSet<Uuid> = rows.iter().map(|(_, category)| category.id).collect();
        let kinds: Vec<Uuid> = kinds.into_iter().collect();
        let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id).collect();
        // Whatever the zone, what ended before this date is over.
        let first = asked.within.start().date_naive();
        let first = first.checked_sub_days(Days::new(2)).unwrap_or(first);
        let conn = &self.database.read(Scope::Tenant(asked.chosen.tenant));
        let most = MOST_EXCEPTIONS + 1;
        let facts = asked.chosen.exceptions(conn, (&kinds, &ids), first, most).await?;
        if facts.len() as u64 > MOST_EXCEPTIONS {
            return Err(PreviewFault::TooMuch.into());
        }
        let found = rows.iter().map(|(resource, category)| {
            let exceptions = concerning(resource, &facts);
            Found::new(resource, category, exceptions)
        });
        Ok(found.collect())
    }

    /// What is booked of them. Without an answer nothing is said to stay as it is.
    async fn bookings(&self, asked: &Asked, found: &mut [Found]) -> Result<(), Error> {
        let places: HashMap<Uuid, usize> =
            found.iter().enumerate().map(|(place, one)| (one.id(), place)).collect();
        let ids: Vec<Uuid> = found.iter().map(Found::id).collect();
        let around = (asked.within.start() - MARGIN, (asked.within.end() + MARGIN).min(last()));
        let mut left = MOST_BOOKINGS;
        for batch in ids.chunks(BATCH) {
            let mut cursor: Option<String> = None;
            loop {
                let answer = self
                    .clients
                    .bookings_batch(asked.chosen.tenant, batch, around, cursor.as_deref())
                    .await
                    .map_err(|error| NoAnswer::Bookings(error.to_string()))?;
                for of in answer.resources {
                    left = left.checked_sub(of.bookings.len()).ok_or(PreviewFault::TooMuch)?;
                    if let Some(one) = places.get(&of.id).and_then(|place| found.get_mut(*place)) {
                        one.bookings.extend(of.bookings.iter().filter(|row| sound(row)));
                    }
                }
                cursor = answer.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whether a row has a time.
fn sound(row: &BookingRow) -> bool {
    row.span().is_some() && row.claim.claim().is_some()
}

/// As many exceptions as count for the resource elsewhere, and the same ones.
fn concerning(resource: &Resource, facts: &[Exception]) -> Exceptions {
    let concerns = |it: &&Exception| {
        it.level == ExceptionLevel::Tenant.as_str()
            || it.category_id == Some(resource.category_id)
            || it.resource_id == Some(resource.id)
    };
    let most = usize::try_from(MOST_OF_ONE).unwrap_or(usize::MAX);
    let own: Vec<_> =
        facts.iter().filter(concerns).take(most).map(|it| it.clone().facts()).collect();
    exceptions(&own)
}

/// Reads the body: the change is laid over the settings there are, and judged as the change itself is.
fn read(current: &Settings, body: &Value) -> Result<Read, Vec<FieldFault>> {
    let wish = form::decode::<PreviewSettings>(body);
    let merged = body.get("settings").filter(|patch| patch.is_object()).map(|patch| {
        let current = serde_json::to_value(current).unwrap_or_default();
        form::decode::<Settings>(&form::merge(&current, patch, TENANT_NESTED))
    });
    let place = body.get("cursor").and_then(Value::as_str).map(|cursor| {
        let fault = || vec![FieldFault::new("cursor", "format", "Cursor inválido.")];
        decode_cursor::<SortKey>(cursor).ok_or_else(fault)
    });
    match (wish, merged, place.transpose()) {
        (Ok(wish), Some(Ok(settings)), Ok(place)) => Ok((wish, settings, place)),
        (wish, merged, place) => {
            let mut faults = wish.err().unwrap_or_default();
            let below = merged.and_then(Result::err).unwrap_or_default().into_iter();
            faults.extend(
                below.map(|fault| FieldFault { path: format!("settings.{}", fault.path), ..fault }),
            );
            // What is no text of a good length was named already.
            if faults.iter().all(|fault| fault.path != "cursor") {
                faults.extend(place.err().unwrap_or_default());
            }
            Err(faults)
        }
    }
}

fn last() -> DateTime<Utc> {
    DateTime::from_timestamp_secs(LAST).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The time looked at, by the rules of now.
fn bounds(
    rules: &TenantRules,
    wish: &PreviewSettings,
    now: DateTime<Utc>,
) -> Result<Span, PreviewFault> {
    let zone = &rules.rules.zone;
    let instant = |at: &contracts::what_if::When| {
        at.resolve(zone).map_err(|_| PreviewFault::NonexistentLocalTime)
    };
    let from = wish.from.as_ref().map(instant).transpose()?.map_or(now, |from| from.max(now));
    let to = match wish.to.as_ref().map(instant).transpose()? {
        Some(to) => to,
        None => from.checked_add_signed(USUAL).unwrap_or(from),
    };
    let to = to.min(last());
    let within = Span::new(from, to).ok_or(PreviewFault::Order)?;
    if to.signed_duration_since(from) > LONGEST {
        return Err(PreviewFault::TooLong { days: MOST_DAYS });
    }
    Ok(within)
}
