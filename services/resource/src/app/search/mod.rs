//! The search over all resources of a tenant, from an index in memory (ADR 0021).

mod catalogue;
mod index;
mod occupancy;
mod sweep;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use common::auth::Scope;
use common::clock::Clock;
use common::db::Database;
use common::platform::{Job, Platform};
use common::providers::TenantRules;
use contracts::client::Clients;
use contracts::resource::{FreeResource, SearchView};
use futures_util::{StreamExt as _, TryStreamExt as _};
use scheduling::{Claim, Span, TimeInput, Wish};
use tokio::sync::Notify;
use uuid::Uuid;

use self::catalogue::Catalogue;
use self::index::{Bar, Held, Index};
use self::sweep::{Question, Sweep};
use super::availability::{Availability, Quality};
use crate::error::{Error, NoAnswer, SearchFault};
use crate::store::resources::{self, Filter};
use crate::store::{SortKey, exceptions};

pub(crate) use self::catalogue::Narrow;

/// Resources asked for at once.
const BATCH: usize = 100;
/// Questions to the booking service under way at once, for one tenant.
const AT_ONCE: usize = 4;
/// Answers to one such question.
const MOST_ANSWERS: usize = 1_000;
/// Resources that age are asked for again so many at a time.
const AGED: usize = 200;
/// The most resources and exceptions of a tenant that is searched.
const MOST_RESOURCES: usize = 100_000;
const MOST_EXCEPTIONS: u64 = 200_000;
/// Rows of a page of the directory.
const PAGE: u64 = 2_000;
/// Events that come together are answered together.
const TOGETHER: Duration = Duration::from_millis(10);
/// How often a directory that changes under the question is read.
const ATTEMPTS: usize = 3;
/// The room before a booking is at most a day, and so is a booking.
const BEHIND: TimeDelta = TimeDelta::days(3);
/// The longest stretch that is searched.
const LONGEST_DAYS: u32 = 31;
/// One of its days may have an hour more, or two.
const LONGEST: TimeDelta = TimeDelta::hours(31 * 24 + 3);

/// Finds free resources.
pub(crate) struct Search {
    database: Database,
    clock: Arc<dyn Clock>,
    clients: Clients,
    availability: Arc<Availability>,
    index: Index,
    /// What is known is not trusted longer, event or not.
    ttl: TimeDelta,
    wake: Arc<Notify>,
}

/// One end of the time searched.
#[derive(Debug, Clone)]
pub(crate) enum Edge {
    /// The first instant of a civil day.
    Day(chrono::NaiveDate),
    /// A moment.
    Time(TimeInput),
}

/// What somebody looks for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) from: Edge,
    pub(crate) to: Edge,
    /// In minutes; the tenant's interval unless given.
    pub(crate) duration: Option<u32>,
    pub(crate) quantity: u32,
    pub(crate) narrow: Narrow,
    pub(crate) limit: usize,
    pub(crate) starts: usize,
}

impl Search {
    pub(crate) fn new(
        platform: &Platform,
        database: Database,
        availability: Arc<Availability>,
    ) -> Arc<Self> {
        let ttl = TimeDelta::from_std(platform.settings.availability_ttl);
        Arc::new(Self {
            database,
            clock: Arc::clone(&platform.clock),
            clients: platform.clients.clone(),
            availability,
            index: Index::default(),
            ttl: ttl.unwrap_or(TimeDelta::zero()),
            wake: Arc::new(Notify::new()),
        })
    }

    /// The resources of a tenant that are free, by their first start.
    pub(crate) async fn find(
        self: &Arc<Self>,
        tenant: Uuid,
        wanted: Wanted,
    ) -> Result<SearchView, Error> {
        let question = self.index.ticket();
        let (rules, quality) = self.availability.rules(tenant).await?;
        let (within, duration) = bounds(&rules, &wanted)?;
        let now = self.clock.now();
        let held = self.index.tenant(tenant, now);
        self.bring_up(&held, &rules, Bar { question, horizon: now - self.ttl }).await?;
        let asked = Question {
            wish: Wish {
                within,
                length: TimeDelta::minutes(i64::from(duration)),
                quantity: wanted.quantity,
            },
            narrow: wanted.narrow,
            limit: wanted.limit,
            starts: wanted.starts,
            now: self.clock.now(),
        };
        let now = asked.now;
        // Some milliseconds of computing: not on a thread that others wait for.
        let found = tokio::task::spawn_blocking(move || sweep(&held, &asked)).await;
        let found = found.map_err(|error| NoAnswer::Bookings(error.to_string()))?;
        let (resources, as_of) = found;
        let zone = &rules.rules.zone;
        Ok(SearchView {
            tenant_id: tenant,
            timezone: zone.name().to_owned(),
            from: zone.local(within.start()),
            to: zone.local(within.end()),
            duration,
            as_of: zone.local(as_of.min(now)),
            resources,
            settings_source: (quality == Quality::Default).then(|| "default".to_owned()),
        })
    }

    /// Makes what is held good enough for a question.
    async fn bring_up(
        &self,
        held: &Held,
        rules: &Arc<TenantRules>,
        bar: Bar,
    ) -> Result<(), NoAnswer> {
        for _ in 0..ATTEMPTS {
            let needed = || held.wants_catalogue(rules, bar) || !held.stale(bar).is_empty();
            if !needed() {
                break;
            }
            let _one = held.asking.lock().await;
            if held.wants_catalogue(rules, bar) {
                self.read_directory(held, rules).await?;
            }
            let stale = held.stale(bar);
            self.ask(held, &stale).await?;
        }
        if held.is_too_large() {
            return Err(NoAnswer::Bookings("too many bookings to be searched".to_owned()));
        }
        Ok(())
    }

    async fn read_directory(&self, held: &Held, rules: &Arc<TenantRules>) -> Result<(), NoAnswer> {
        let (ticket, now) = (self.index.ticket(), self.clock.now());
        let failed = |error: sea_orm::DbErr| NoAnswer::Bookings(error.to_string());
        let scope = Scope::Tenant(held.tenant);
        let conn = &self.database.read(scope);
        let (mut rows, mut place) = (Vec::new(), None);
        loop {
            let filter = Filter::default();
            let page = resources::list(conn, scope, &filter, place.as_ref(), PAGE).await;
            let page = page.map_err(failed)?;
            let more = page.len() as u64 == PAGE;
            place = page.last().map(|(row, _)| SortKey { name: row.name_key.clone(), id: row.id });
            rows.extend(page);
            if rows.len() > MOST_RESOURCES {
                return Err(NoAnswer::Bookings("too many resources to be searched".to_owned()));
            }
            if !more {
                break;
            }
        }
        let today = now.date_naive();
        let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
        let facts = exceptions::of_tenant(conn, held.tenant, yesterday, MOST_EXCEPTIONS + 1).await;
        let facts = facts.map_err(failed)?;
        if facts.len() as u64 > MOST_EXCEPTIONS {
            return Err(NoAnswer::Bookings("too many exceptions to be searched".to_owned()));
        }
        let today = rules.rules.zone.date(now);
        held.install(Catalogue::new(Arc::clone(rules), rows, &facts, today), ticket, now);
        held.drop_strangers();
        Ok(())
    }

    /// Asks what is taken of these resources. Without an answer nothing is assumed to be free.
    async fn ask(&self, held: &Held, ids: &[Uuid]) -> Result<(), NoAnswer> {
        let batches = futures_util::stream::iter(ids.chunks(BATCH).map(<[Uuid]>::to_vec));
        let asked = batches.map(|batch| async move { self.ask_batch(held, &batch).await });
        asked.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        held.drop_strangers();
        Ok(())
    }

    async fn ask_batch(&self, held: &Held, ids: &[Uuid]) -> Result<(), NoAnswer> {
        // Both before asking: what is heard from now on is not in the answer for certain.
        let (ticket, now) = (self.index.ticket(), self.clock.now());
        let mut claims: HashMap<Uuid, Vec<Claim>> = HashMap::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_ANSWERS {
            let found = self
                .clients
                .occupancy_batch(held.tenant, ids, now - BEHIND, cursor.as_deref())
                .await
                .map_err(|error| NoAnswer::Bookings(error.to_string()))?;
            for resource in found.resources {
                let rows = resource.claims.iter().filter_map(contracts::facts::ClaimRow::claim);
                claims.entry(resource.id).or_default().extend(rows);
            }
            cursor = found.next;
            if cursor.is_none() {
                held.learn(ids, claims, ticket, now);
                return Ok(());
            }
        }
        Err(NoAnswer::Bookings("too many bookings to be searched".to_owned()))
    }

    /// Keeps what is held fresh, before anybody asks: what was heard of, and what is getting old.
    async fn freshen(&self) -> Result<(), String> {
        let now = self.clock.now();
        let mut failed = None;
        for held in self.index.held(now) {
            let bar = Bar { question: u64::MAX, horizon: now - self.ttl / 2 };
            let Ok((rules, _)) = self.availability.rules(held.tenant).await else { continue };
            if held.state().catalogue.is_none() {
                continue;
            }
            let _one = held.asking.lock().await;
            let mut work = Ok(());
            if held.wants_catalogue(&rules, bar) {
                work = self.read_directory(&held, &rules).await;
            }
            let stale = held.stale(bar);
            if work.is_ok() {
                work = self.ask(&held, &stale[..stale.len().min(AGED)]).await;
            }
            failed = failed.or(work.err());
        }
        failed.map_or(Ok(()), |error| Err(error.to_string()))
    }

    /// The work that keeps the index fresh in the background.
    pub(crate) fn job(self: &Arc<Self>) -> Job {
        let this = Arc::clone(self);
        Job {
            name: "search-index",
            every: Duration::from_secs(1),
            wake: Some(Arc::clone(&self.wake)),
            run: Arc::new(move || {
                let this = Arc::clone(&this);
                Box::pin(async move {
                    tokio::time::sleep(TOGETHER).await;
                    this.freshen().await
                })
            }),
        }
    }
}

/// What speaks against what is held.
impl Search {
    /// Bookings of a resource changed.
    pub(crate) fn bookings_changed(&self, tenant: Uuid, resource: Uuid) {
        if self.index.mark(tenant, resource) {
            self.wake.notify_one();
        }
    }

    /// Resources, categories, exceptions or settings of a tenant changed.
    pub(crate) fn directory_changed(&self, tenant: Uuid) {
        if self.index.mark_directory(tenant) {
            self.wake.notify_one();
        }
    }

    /// Events may have been missed.
    pub(crate) fn lost(&self) {
        self.index.mark_all();
    }
}

/// Looks through what is held.
fn sweep(held: &Held, question: &Question) -> (Vec<FreeResource>, DateTime<Utc>) {
    let state = held.state();
    let Some(catalogue) = &state.catalogue else { return (Vec::new(), state.oldest) };
    let sweep = Sweep { catalogue, slots: &state.slots, question };
    (sweep.run(), state.oldest)
}

/// The time searched and the length wished, by the tenant's rules.
fn bounds(rules: &TenantRules, wanted: &Wanted) -> Result<(Span, u32), SearchFault> {
    let zone = &rules.rules.zone;
    let instant = |edge: &Edge| match edge {
        Edge::Day(date) => Ok(zone.day_start(*date)),
        Edge::Time(time) => time.resolve(zone).map_err(|_| SearchFault::NonexistentLocalTime),
    };
    let (from, to) = (instant(&wanted.from)?, instant(&wanted.to)?);
    let within = Span::new(from, to).ok_or(SearchFault::Order)?;
    if to.signed_duration_since(from) > LONGEST {
        return Err(SearchFault::TooLong { days: LONGEST_DAYS });
    }
    let interval = rules.rules.interval_minutes.max(1);
    let duration = wanted.duration.unwrap_or(interval);
    if !duration.is_multiple_of(interval) {
        return Err(SearchFault::NotAMultiple { minutes: interval });
    }
    Ok((within, duration))
}
