//! When a resource is free. Nobody's bookings are kept longer than the next event about them: a warm
//! read answers bytes made before, and every event that could change them makes them unfindable.

mod bookings;
mod day;
mod near;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{Days, NaiveDate, TimeDelta};
use common::auth::Scope;
use common::clock::Clock;
use common::db::Database;
use common::platform::Platform;
use common::providers::{SettingsError, SettingsProvider, SettingsSource, TenantRules};
use contracts::exception::exceptions as calendar_exceptions;
use contracts::policy::resolve;
use contracts::resource::{AvailabilityView, ResourceStatus, SlotView};
use scheduling::{Calendar, Exceptions, Load};
use uuid::Uuid;

use self::bookings::Bookings;
use self::near::{Key, Near, Ready};
use super::no_settings;
use crate::error::{Error, NoAnswer};
use crate::store::{Category, Resource, exceptions, resources};

/// How long an answer by the last known settings is kept: the tenant service may be back any moment.
const LAST_KNOWN: TimeDelta = TimeDelta::seconds(1);

/// Answers when resources are free.
pub(crate) struct Availability {
    database: Database,
    clock: Arc<dyn Clock>,
    settings: Arc<dyn SettingsProvider>,
    /// For a tenant never seen while the tenant service is away.
    defaults: Option<Arc<TenantRules>>,
    bookings: Bookings,
    near: Near,
    tasks: tokio_util::task::TaskTracker,
}

/// A resource, and what else an answer rests on.
struct Found {
    resource: Resource,
    category: Category,
    exceptions: Exceptions,
}

/// How good the rules are that an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    Current,
    LastKnown,
    Default,
}

impl Availability {
    pub(crate) fn new(
        platform: &Platform,
        database: Database,
        settings: Arc<dyn SettingsProvider>,
    ) -> Arc<Self> {
        Arc::new(Self {
            database,
            clock: Arc::clone(&platform.clock),
            settings,
            defaults: TenantRules::defaults(&platform.settings.default_rules).map(Arc::new),
            bookings: Bookings::new(platform),
            near: Near::new(platform.settings.availability_ttl),
            tasks: platform.tasks.clone(),
        })
    }

    /// The free slots of a resource on a civil date, as JSON, if the resource is in the scope. The
    /// answer is the same for everybody. `bypass`: made anew, whatever is cached.
    pub(crate) async fn of_day(
        &self,
        scope: Scope,
        resource: Uuid,
        date: Option<&str>,
        bypass: bool,
    ) -> Result<Arc<Ready>, Error> {
        let parsed = date.map(day::parse);
        if let (false, Some(Some(date))) = (bypass, parsed)
            && let Some(ready) = self.near.get(resource, date, self.clock.now()).await
        {
            let seen = scope.covers(ready.tenant_id);
            return if seen { Ok(ready) } else { Err(Error::NoResource) };
        }
        let epoch = self.near.epoch(resource);
        let found = self.find(scope, resource).await?;
        let date = parsed.ok_or(Error::MissingDate)?.ok_or(Error::InvalidDate)?;
        if found.resource.status() != ResourceStatus::Disponivel {
            return Err(Error::ResourceUnavailable);
        }
        let key = Key { resource, date, epoch };
        if bypass {
            let ready = Arc::new(self.make(&found, date, true).await?);
            self.near.put(key, &ready).await;
            return Ok(ready);
        }
        let make = || self.make(&found, date, false);
        Ok(self.near.fill(key, &*self.clock, make).await?)
    }

    /// A resource of the scope with everything of it that an answer rests on.
    async fn find(&self, scope: Scope, resource: Uuid) -> Result<Found, Error> {
        let conn = &self.database.read(scope);
        let found = resources::find_whole(conn, scope, resource).await?;
        let (resource, category) = found.ok_or(Error::NoResource)?;
        let yesterday = self.clock.now().date_naive() - Days::new(1);
        let facts = exceptions::of_resource(conn, &resource, yesterday).await?;
        Ok(Found { resource, category, exceptions: calendar_exceptions(&facts) })
    }

    async fn make(&self, found: &Found, date: NaiveDate, bypass: bool) -> Result<Ready, NoAnswer> {
        let Found { resource, category, exceptions } = found;
        let tenant_id = resource.tenant_id;
        let tenant_epoch = self.near.epoch(tenant_id);
        let (tenant, quality) = self.rules(tenant_id).await?;
        day::check(&tenant.rules, date, self.clock.now())?;
        let capacity = resource.places(category);
        let tenant_policy = &tenant.settings.booking_policy;
        let policy = resolve(tenant_policy, &category.policy(), &resource.policy(), capacity);
        let (from, to) = day::reach(&tenant.rules, &policy.policy, date);
        let busy = self.bookings.busy(tenant_id, resource.id, from, to, bypass).await?;
        let schedule = day::schedule(&resource.availability_schedule);
        let calendar = Calendar {
            rules: &tenant.rules,
            schedule: &schedule,
            exceptions,
            policy: &policy.policy,
        };
        let now = self.clock.now();
        let load = Load::at(busy.claims, now);
        let open = if tenant.is_active { Some(&calendar) } else { None };
        let answer = open.map(|calendar| calendar.slots_with_expiry(date, &load, now));
        let (slots, change) = answer.map(|day| (day.slots, day.valid_until)).unwrap_or_default();
        let zone = &tenant.rules.zone;
        let slot = |span: scheduling::Span| SlotView {
            start_time: zone.local(span.start()),
            end_time: zone.local(span.end()),
            remaining: calendar.remaining(&load, span),
        };
        let view = AvailabilityView {
            resource_id: resource.id,
            tenant_id,
            date,
            timezone: zone.name().to_owned(),
            slots: slots.into_iter().map(slot).collect(),
            refused: None,
            holds_end: load.next_expiry().map(|end| zone.local(end)),
            settings_source: (quality == Rules::Default).then(|| "default".to_owned()),
        };
        let body = serde_json::to_vec(&view).unwrap_or_default();
        let known = match quality {
            Rules::Current => busy.fresh_until,
            Rules::LastKnown => now + LAST_KNOWN,
            Rules::Default => now,
        };
        let ends =
            [Some(known), Some(busy.fresh_until), Some(day::end(&tenant.rules, date)), change];
        Ok(Ready {
            tenant_id,
            tenant_epoch,
            from: now,
            until: ends.into_iter().flatten().min().unwrap_or(now),
            by_default_rules: quality == Rules::Default,
            body: Bytes::from(body),
        })
    }

    async fn rules(&self, tenant: Uuid) -> Result<(Arc<TenantRules>, Rules), NoAnswer> {
        match self.settings.settings(tenant).await {
            Ok(rules) => {
                let quality = match rules.source {
                    SettingsSource::Current => Rules::Current,
                    SettingsSource::LastKnown => Rules::LastKnown,
                };
                Ok((rules, quality))
            }
            Err(error @ SettingsError::Unreachable(_)) => match &self.defaults {
                Some(defaults) => Ok((Arc::clone(defaults), Rules::Default)),
                None => Err(no_settings(&error)),
            },
            Err(error @ (SettingsError::Unknown | SettingsError::Garbage(_))) => {
                Err(no_settings(&error))
            }
        }
    }
}

/// What makes answers unfindable.
impl Availability {
    /// The resource itself changed or is gone.
    pub(crate) fn resource_changed(&self, resource: Uuid) {
        self.near.forget(resource);
    }

    /// The tenant's rules changed, or the tenant is gone.
    pub(crate) fn tenant_changed(&self, tenant: Uuid) {
        self.near.forget(tenant);
    }

    /// Bookings of the resource changed. Answers go now; and again once the cache that replicas
    /// share has let go, since until then they may have been made anew from what it still had.
    pub(crate) async fn bookings_changed(&self, resource: Uuid) {
        self.near.forget(resource);
        self.let_go(resource).await;
    }

    /// The same, for those who cannot wait: the first half is done when this returns.
    pub(crate) fn bookings_changed_soon(self: &Arc<Self>, resource: Uuid) {
        self.near.forget(resource);
        if self.bookings.are_shared() {
            let this = Arc::clone(self);
            self.tasks.spawn(async move { this.let_go(resource).await });
        }
    }

    async fn let_go(&self, resource: Uuid) {
        if self.bookings.forget(resource).await {
            self.near.forget(resource);
        }
    }

    /// Events may have been missed.
    pub(crate) fn lost(&self) {
        self.bookings.lost();
        self.near.forget_all();
    }
}
