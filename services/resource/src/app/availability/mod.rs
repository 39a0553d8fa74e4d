//! When a resource is free. Nobody's bookings are kept longer than the next event about them: a warm
//! read answers bytes made before, and every event that could change them makes them unfindable.

mod bookings;
mod day;
mod days;
mod frame;
mod ground;
mod near;

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use common::auth::Scope;
use common::clock::Clock;
use common::db::Database;
use common::platform::Platform;
use common::providers::{SettingsError, SettingsProvider, SettingsSource, TenantRules};
use contracts::exception::exceptions as calendar_exceptions;
use contracts::policy::resolve;
use contracts::resource::ResourceStatus;
use scheduling::{Exceptions, Load};
use uuid::Uuid;

use self::bookings::Bookings;
use self::ground::Ground;
use self::near::{Key, Near};
use super::no_settings;
use crate::error::{Error, NoAnswer};
use crate::store::{Category, Resource, exceptions, resources};

pub(in crate::app) use self::day::schedule;
pub(crate) use self::days::Range;
pub(crate) use self::frame::Frame;
pub(crate) use self::near::Ready;

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
pub(in crate::app) enum Quality {
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
        let (found, date) = self.asked(scope, resource, date).await?;
        let key = Key { resource, date, epoch };
        if bypass {
            let ready = Arc::new(self.make(&found, date, true).await?);
            self.near.put(key, &ready).await;
            return Ok(ready);
        }
        let make = || self.make(&found, date, false);
        Ok(self.near.fill(key, &*self.clock, make).await?)
    }

    /// The resource and the date that were asked for, judged in the contract's order.
    async fn asked(
        &self,
        scope: Scope,
        resource: Uuid,
        date: Option<&str>,
    ) -> Result<(Found, NaiveDate), Error> {
        let found = self.find(scope, resource).await?;
        let date = date.map(day::parse).ok_or(Error::MissingDate)?.ok_or(Error::InvalidDate)?;
        if found.resource.status() == ResourceStatus::Disponivel {
            Ok((found, date))
        } else {
            Err(Error::ResourceUnavailable)
        }
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
        let tenant_epoch = self.near.epoch(found.resource.tenant_id);
        let ground = self.ground(found).await?;
        day::check(ground.rules(), date, self.clock.now())?;
        let (from, to) = day::reach(ground.rules(), &ground.policy, date);
        let id = found.resource.id;
        let busy = self.bookings.busy(found.resource.tenant_id, id, from, to, bypass).await?;
        let now = self.clock.now();
        let load = Load::at(busy.claims, now);
        Ok(ground.ready(date, &load, busy.fresh_until, (now, tenant_epoch)))
    }

    /// What the answers about a resource rest on, beside its bookings.
    async fn ground<'a>(&self, found: &'a Found) -> Result<Ground<'a>, NoAnswer> {
        let Found { resource, category, .. } = found;
        let (tenant, quality) = self.rules(resource.tenant_id).await?;
        let capacity = resource.places(category);
        let wide = &tenant.settings.booking_policy;
        let policy = resolve(wide, &category.policy(), &resource.policy(), capacity).policy;
        let schedule = schedule(&resource.availability_schedule);
        Ok(Ground { found, tenant, quality, policy, schedule })
    }

    /// The rules of a tenant, and how good they are.
    pub(in crate::app) async fn rules(
        &self,
        tenant: Uuid,
    ) -> Result<(Arc<TenantRules>, Quality), NoAnswer> {
        match self.settings.settings(tenant).await {
            Ok(rules) => {
                let quality = match rules.source {
                    SettingsSource::Current => Quality::Current,
                    SettingsSource::LastKnown => Quality::LastKnown,
                };
                Ok((rules, quality))
            }
            Err(error @ SettingsError::Unreachable(_)) => match &self.defaults {
                Some(defaults) => Ok((Arc::clone(defaults), Quality::Default)),
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

    /// The same, for those who cannot wait: the first half is done when this returns. `then` is done
    /// once whoever asks anew is answered anew.
    pub(crate) fn bookings_changed_soon(
        self: &Arc<Self>,
        resource: Uuid,
        then: impl FnOnce() + Send + 'static,
    ) {
        self.near.forget(resource);
        if !self.bookings.are_shared() {
            then();
            return;
        }
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            this.let_go(resource).await;
            then();
        });
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
