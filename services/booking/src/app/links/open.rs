//! What is done by a link. It acts for the booking's owner, by the very use cases the owner has, and on
//! this booking only.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::{Caller, Credential, Identity, Scope};
use common::providers::{TenantRules, UserLookup};
use common::version::{Precondition, Versioned};
use contracts::booking::{BookingView, EditBooking};
use contracts::link::{LinkAction, LinkedBookingView, MoveBooking};
use contracts::user::{Permissions, UserType};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::{Bookings, LinkRefusal};
use crate::app::place::version;
use crate::error::Error;
use crate::store::{Booking, Link};

/// How often a move is begun again because the booking changed meanwhile.
const ATTEMPTS: u32 = 5;

/// A link that was proved, and what is to be known of it.
pub(crate) struct Opened {
    link: Link,
    pub(super) booking: Booking,
    /// Acts for the booking's owner.
    pub(crate) caller: Caller,
    pub(super) rules: Arc<TenantRules>,
    resource_name: Option<String>,
}

impl Opened {
    /// Whose booking it is, for the log.
    pub(crate) fn tenant(&self) -> Uuid {
        self.link.tenant_id
    }

    pub(super) fn needs(&self, action: LinkAction) -> Result<(), Error> {
        if self.link.allows(action) { Ok(()) } else { Err(LinkRefusal::Forbidden.into()) }
    }
}

impl Bookings {
    /// Proves a token. What was made up, altered or taken back is the same: there is no such link. So is
    /// one whose owner or tenant may not act any more.
    pub(crate) async fn open_link(&self, token: &str) -> Result<Opened, Error> {
        let now = self.clock.now();
        let proved = self.links.keys.prove(&self.store, token, now).await?;
        let claims = proved.ok_or(LinkRefusal::Unknown)?;
        if claims.end <= now.timestamp() {
            return Err(LinkRefusal::Expired.into());
        }
        let link = self.store.any_link(claims.link).await?.ok_or(LinkRefusal::Unknown)?;
        if !bool::from(link.secret_hash.as_bytes().ct_eq(claims.hash().as_bytes())) {
            return Err(LinkRefusal::Unknown.into());
        }
        let tenant = link.tenant_id;
        let booking = self.store.find(Scope::Tenant(tenant), link.booking_id).await?;
        let booking =
            booking.filter(|it| it.user_id == link.user_id).ok_or(LinkRefusal::Unknown)?;
        let (rules, caller, resource) = futures_util::join!(
            self.rules(tenant),
            self.owner(&link),
            self.resource(tenant, booking.resource_id),
        );
        let rules = match rules {
            Ok(rules) if rules.is_active => rules,
            Ok(_) | Err(Error::NoTenant) => return Err(LinkRefusal::Unknown.into()),
            Err(error) => return Err(error),
        };
        let resource_name = match resource {
            Ok(resource) => Some(resource.name.clone()),
            Err(Error::NoResource) => None,
            Err(error) => return Err(error),
        };
        Ok(Opened { link, booking, caller: caller?, rules, resource_name })
    }

    /// The owner, as who has the link acts for him: as a plain user, even for an admin. It is enough to
    /// change what is one's own, and a secret in an address is to be no more than that.
    async fn owner(&self, link: &Link) -> Result<Caller, Error> {
        match self.people.find(link.user_id).await {
            UserLookup::Known(facts) if facts.is_active && facts.tenant_id == link.tenant_id => {
                Ok(Caller::User(Identity {
                    user_id: facts.id,
                    tenant_id: facts.tenant_id,
                    user_type: UserType::User,
                    permissions: Permissions::NONE,
                    credential: Credential::Link(link.id),
                }))
            }
            UserLookup::Known(_) | UserLookup::Unknown => Err(LinkRefusal::Unknown.into()),
            // A link proves nothing by itself: while its owner cannot be asked for it is not judged.
            UserLookup::Unreachable { .. } => Err(Error::UserUnverifiable),
        }
    }

    /// The booking as the link shows it.
    pub(crate) fn linked(&self, opened: &Opened) -> Versioned<LinkedBookingView> {
        let now = self.clock.now();
        show(opened, opened.booking.clone().view(now), now)
    }

    /// Moves the booking, by the rules of an edit of its owner.
    pub(crate) async fn move_by_link(
        &self,
        opened: &Opened,
        to: MoveBooking,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Versioned<LinkedBookingView>, Error> {
        opened.needs(LinkAction::Move)?;
        let (caller, id) = (&opened.caller, opened.booking.id);
        let edit = EditBooking {
            start_time: Some(to.start_time),
            end_time: Some(to.end_time),
            ..EditBooking::default()
        };
        for _ in 0..ATTEMPTS {
            let seen = self.store.find(caller.scope(), id).await?.ok_or(LinkRefusal::Unknown)?;
            wanted.check(seen.tag())?;
            if !seen.status().is_active() {
                return Err(LinkRefusal::NotMovable.into());
            }
            // This version and no other: what it is by then may not be one to move.
            let seen = Precondition::parse(&seen.tag().to_string());
            match Box::pin(self.edit(caller, id, edit.clone(), &seen, trace_id)).await {
                Err(Error::VersionMismatch) => {}
                moved => return Ok(show(opened, moved?, self.clock.now())),
            }
        }
        Err(Error::Contended)
    }

    /// Cancels the booking, by the rules of its owner.
    pub(crate) async fn cancel_by_link(
        &self,
        opened: &Opened,
        reason: Option<String>,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Versioned<LinkedBookingView>, Error> {
        opened.needs(LinkAction::Cancel)?;
        let (caller, id) = (&opened.caller, opened.booking.id);
        let cancelled = self.cancel(caller, id, reason, wanted, trace_id).await?;
        Ok(show(opened, cancelled, self.clock.now()))
    }
}

fn show(opened: &Opened, view: BookingView, now: DateTime<Utc>) -> Versioned<LinkedBookingView> {
    let Opened { link, booking, caller: _, rules, resource_name } = opened;
    let moves = link.may_move && view.status.is_active();
    let cancels = link.may_cancel && view.can_cancel;
    // Once it is over a job says how it ended.
    let last = link.expires_at.min(view.end_time).max(now);
    let hours = booking.cancellation_hours();
    let deadline = view.start_time - TimeDelta::hours(i64::from(hours));
    let deadline = if hours == 0 { last } else { deadline.min(last) };
    let settings = &rules.settings;
    let shown = LinkedBookingView {
        id: view.id,
        confirmation_code: view.confirmation_code,
        status: view.status,
        start_time: view.start_time,
        end_time: view.end_time,
        quantity: view.quantity,
        resource_name: resource_name.clone(),
        tenant_name: rules.name.clone(),
        timezone: settings.timezone.clone(),
        custom_labels: settings.custom_labels.clone(),
        can_move: moves,
        move_until: moves.then_some(last),
        can_cancel: cancels,
        cancel_until: cancels.then_some(deadline),
        version: view.version,
        expires_at: link.expires_at,
    };
    Versioned::new(version(view.version), shown)
}
