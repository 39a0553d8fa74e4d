//! The use cases of bookings: load facts, decide by the pure rules, one transaction.

mod attend;
mod calendars;
mod cancel;
mod capacity;
mod cascade;
mod claim;
mod edit;
mod explain;
mod finish;
mod gate;
mod groups;
mod holds;
mod judge;
mod limits;
mod links;
mod occupancy;
mod offers;
mod personal;
mod place;
mod read;
mod series;
mod status;
mod tally;
mod waitlist;

use std::ops::Deref;
use std::sync::Arc;

use common::auth::Caller;
use common::providers::{
    Bookable, ResourceDirectory, SettingsError, SettingsProvider, TenantRules, UserDirectory,
    UserLookup,
};
use common::streams::Relay;
use common::{Clock, IdSource};
use contracts::policy::ResolvedPolicy;
use contracts::resource::ResourceStatus;
use scheduling::{Calendar, Refusal, Span, TimeInput, check_grid, check_window};
use uuid::Uuid;

use crate::error::Error;
use crate::store::{Booking, Store};

pub(crate) use calendars::{CalendarFault, FeedRules, Feeds, Sheet};
pub(crate) use claim::EVERY_PLACE;
pub(crate) use gate::Gate;
pub(crate) use limits::describe;
pub(crate) use links::{LinkRefusal, Links, Opened};
pub(crate) use offers::Freed;
pub(crate) use place::versioned;
pub(crate) use read::{Edge, Listing};
pub(crate) use series::{SeriesChange, SeriesOutcome};
pub(crate) use waitlist::WaitingList;

/// What the use cases work with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) relay: Relay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) settings: Arc<dyn SettingsProvider>,
    pub(crate) resources: Arc<ResourceDirectory>,
    pub(crate) people: Arc<UserDirectory>,
    pub(crate) gate: Gate,
    pub(crate) freed: Freed,
    pub(crate) links: Links,
    pub(crate) feed_rules: FeedRules,
}

/// The bookings, as a cheap handle.
#[derive(Clone)]
pub(crate) struct Bookings(Arc<Parts>);

impl Deref for Bookings {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Bookings {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    async fn rules(&self, tenant: Uuid) -> Result<Arc<TenantRules>, Error> {
        self.settings.settings(tenant).await.map_err(|error| match error {
            SettingsError::Unknown => Error::NoTenant,
            SettingsError::Unreachable(cause) | SettingsError::Garbage(cause) => {
                Error::SettingsUnavailable(cause)
            }
        })
    }

    async fn resource(&self, tenant: Uuid, id: Uuid) -> Result<Arc<Bookable>, Error> {
        let found = self.resources.find(tenant, id).await.map_err(Error::Unverifiable)?;
        found.ok_or(Error::NoResource)
    }

    async fn user_exists(&self, tenant: Uuid, id: Uuid) -> Result<(), Error> {
        match self.people.find(id).await {
            UserLookup::Known(facts) if facts.tenant_id == tenant => Ok(()),
            UserLookup::Known(_) | UserLookup::Unknown => Err(Error::NoUser),
            UserLookup::Unreachable { .. } => Err(Error::UserUnverifiable),
        }
    }

    /// The booking as the caller may see it at all: of another tenant it is as if it were not there.
    async fn visible(&self, caller: &Caller, id: Uuid) -> Result<Booking, Error> {
        let booking = self.store.find(caller.scope(), id).await?.ok_or(Error::NoBooking)?;
        let may = caller.is(booking.user_id) || caller.permissions().can_view_all_bookings;
        if may { Ok(booking) } else { Err(Error::NotAllowed) }
    }

    /// A span that the resource and the rules allow, before it is known whether it is free.
    fn window(
        &self,
        rules: &Arc<TenantRules>,
        resource: &Arc<Bookable>,
        start: &TimeInput,
        end: &TimeInput,
    ) -> Result<Candidate, Error> {
        if resource.status != ResourceStatus::Disponivel {
            return Err(Error::ResourceUnavailable);
        }
        let instant = |time: &TimeInput| {
            time.resolve(&rules.rules.zone).map_err(|_| Error::NonexistentLocalTime)
        };
        let (start, end) = (instant(start)?, instant(end)?);
        let offer = Offer::new(rules, resource);
        let calendar = offer.calendar();
        let span = check_window(&calendar, start, end, self.clock.now()).map_err(Error::Refused)?;
        let off_grid = check_grid(&calendar, &span).err();
        Ok(Candidate { span, off_grid, offer })
    }
}

/// What a resource offers by the rules of its tenant.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) rules: Arc<TenantRules>,
    pub(crate) resource: Arc<Bookable>,
    pub(crate) asked: ResolvedPolicy,
}

impl Offer {
    fn new(rules: &Arc<TenantRules>, resource: &Arc<Bookable>) -> Self {
        let asked = resource.policy(&rules.settings.booking_policy);
        Self { rules: Arc::clone(rules), resource: Arc::clone(resource), asked }
    }

    pub(crate) fn calendar(&self) -> Calendar<'_> {
        Calendar {
            rules: &self.rules.rules,
            schedule: &self.resource.schedule,
            exceptions: &self.resource.exceptions,
            policy: &self.asked.policy,
        }
    }
}

/// A span that passed everything before the conflict check, and what rule f says of it: that rule
/// comes after the conflict.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) span: Span,
    off_grid: Option<Refusal>,
    pub(crate) offer: Offer,
}

/// Who may change what is somebody's: an admin of the tenant, the person it is for, or an integration
/// that both books and sees them all.
fn may_change(caller: &Caller, owner: Uuid) -> Result<(), Error> {
    let own = caller.permissions();
    let integration = caller.is_integration() && own.can_book && own.can_view_all_bookings;
    if caller.is_admin() || caller.is(owner) || integration {
        Ok(())
    } else {
        Err(Error::NotAllowed)
    }
}
