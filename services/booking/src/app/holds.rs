//! Holds: a place is kept for a moment by whoever has its token. Nothing here waits for a sweeper: a
//! hold is dead from the very instant it expires.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::http::ClientIp;
use common::providers::UserLookup;
use common::secret;
use common::version::{Precondition, Versioned};
use contracts::BookingStatus;
use contracts::booking::{BookingView, PlaceBooking};
use contracts::hold::{HOLD_TOKEN_PREFIX, HoldView, PlaceHold};
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::cancel::{enter, event};
use super::claim::HOLD_EXPIRED;
use super::edit::{event_of, restate};
use super::place::{New, authorize, first_status, version, versioned};
use super::{Bookings, Offer, may_change};
use crate::error::Error;
use crate::store::{Booking, HoldCount};

/// The most living holds of one user.
const MOST_OF_USER: u32 = 5;
/// The most living holds made from one address in a tenant.
const MOST_OF_CLIENT: u32 = 20;
/// Why a hold was cancelled that its maker gave back.
const RELEASED: &str = "Retenção liberada";

/// What makes a booking a hold, and who makes it as far as limits go.
pub(super) struct Keep {
    /// Stands for the address; `None` where it does not count.
    mark: Option<String>,
    minutes: u32,
    token: String,
}

impl Keep {
    /// An integration's server asks for everybody, so its address says nothing.
    fn new(caller: &Caller, tenant: Uuid, client: ClientIp, minutes: u32) -> Self {
        let group = client.group().filter(|_| !caller.is_integration());
        let mark = group.map(|group| secret::hash(&format!("{tenant} {group}")));
        Self { mark, minutes, token: secret::new(HOLD_TOKEN_PREFIX) }
    }

    /// Makes it a hold from now on.
    pub(super) fn make(&self, booking: &mut Booking, now: DateTime<Utc>) {
        keep_until(booking, now + lasting(self.minutes), &self.token);
    }

    /// Whether one more is no more than a user, and an address, may have.
    pub(super) fn allows(of_user: i64, of_client: i64) -> bool {
        of_user < i64::from(MOST_OF_USER) && of_client < i64::from(MOST_OF_CLIENT)
    }

    pub(super) fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// What those from one address wait for each other by.
    pub(super) fn lock(&self) -> Option<Uuid> {
        Uuid::try_parse(self.mark()?.get(..32)?).ok()
    }
}

impl Bookings {
    /// Keeps a place for a while, once, by the rules of a booking.
    pub(crate) async fn hold(
        &self,
        caller: &Caller,
        once: &Once,
        asked: &PlaceHold,
        client: ClientIp,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let request = &as_booking(asked);
        authorize(caller, request)?;
        let rest = async {
            let (candidate, wanted) = self.judged(request).await?;
            let minutes = candidate.offer.rules.settings.hold_minutes;
            let keep = &Keep::new(caller, request.tenant_id, client, minutes);
            let hold = self.new_booking(request, &candidate, BookingStatus::Reservado);
            let answer = &|booking: BookingView| {
                let (tag, hold_token) = (version(booking.version), keep.token.clone());
                Ok(Answer::created(&HoldView { hold_token, booking })?.tagged(tag))
            };
            let candidate = &candidate;
            let new = New { request, candidate, wanted, keep: Some(keep), once, answer };
            self.store_new(&new, hold, trace_id).await
        };
        let own = Scope::Tenant(request.tenant_id);
        match once.unless_done(self.store.database(), own, Box::pin(rest)).await {
            Err(error) => Err(self.explained(request, error).await),
            held => held,
        }
    }

    /// Refuses a hold that would be one too many for its user or its address.
    pub(super) async fn check_holds(
        &self,
        tx: &DatabaseTransaction,
        hold: &Booking,
        keep: &Keep,
    ) -> Result<(), Error> {
        let user = (HoldCount::User(hold.user_id), MOST_OF_USER);
        let client = keep.mark().map(|mark| (HoldCount::Client(mark), MOST_OF_CLIENT));
        for (whose, most) in [Some(user), client].into_iter().flatten() {
            let ends = self.store.living_holds(tx, hold.tenant_id, whose, u64::from(most)).await?;
            let full = u32::try_from(ends.len()).unwrap_or(u32::MAX) >= most;
            if let Some(retry_at) = ends.first().copied().filter(|_| full) {
                let now = self.store.now(tx).await?;
                return Err(Error::TooManyHolds { most, retry_at, now });
            }
        }
        Ok(())
    }

    /// Makes a hold a booking. Before it expires nothing but the loss of its resource or its user is in
    /// the way: rules may have changed, limits may be reached. With the same token again: the booking.
    pub(crate) async fn confirm_hold(
        &self,
        caller: &Caller,
        once: &Once,
        (id, token): (Uuid, &str),
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let seen = &self.visible(caller, id).await?;
        let scope = Scope::Tenant(seen.tenant_id);
        let first = if seen.status() == BookingStatus::Reservado {
            self.first_state(seen).await?
        } else {
            seen.status()
        };
        let done = once.run(self.store.database(), scope, |tx: Tx| async move {
            let tx = &*tx;
            let hold = self.store.lock_as_seen(tx, caller.scope(), seen).await?;
            let hold = own(caller, hold, Some(token))?;
            if hold.status() != BookingStatus::Reservado {
                return self.changed(not_expired(hold)?);
            }
            let ids = [hold.tenant_id, hold.resource_id, hold.user_id];
            let (now, gone) = self.store.now_and_gone(tx, &ids).await?;
            lives(&hold, now)?;
            wanted.check(hold.tag())?;
            if let Some(gone) = gone {
                return Err(gone.into());
            }
            let mut booking = hold.clone();
            restate(&mut booking, first);
            self.changed(self.store_changed(tx, &hold, booking, trace_id).await?)
        });
        self.answered(done.await, id)
    }

    /// Doubles a hold's time, once.
    pub(crate) async fn extend_hold(
        &self,
        caller: &Caller,
        once: &Once,
        (id, token): (Uuid, &str),
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let seen = &self.visible(caller, id).await?;
        let scope = Scope::Tenant(seen.tenant_id);
        let minutes = self.rules(seen.tenant_id).await?.settings.hold_minutes;
        let done = once.run(self.store.database(), scope, |tx: Tx| async move {
            let tx = &*tx;
            let hold = self.store.lock_as_seen(tx, caller.scope(), seen).await?;
            let hold = own(caller, hold, Some(token))?;
            if hold.status() != BookingStatus::Reservado {
                return not_expired(hold).and(Err(Error::AlreadyConfirmed));
            }
            lives(&hold, self.store.now(tx).await?)?;
            if hold.hold_extended {
                return Err(Error::AlreadyExtended);
            }
            wanted.check(hold.tag())?;
            let mut longer = hold.clone();
            longer.hold_extended = true;
            let end = hold.expires_at.map(|end| end + lasting(minutes));
            longer.expires_at = end.map(|end| end.min(hold.start_time));
            self.changed(self.store_changed(tx, &hold, longer, trace_id).await?)
        });
        self.answered(done.await, id)
    }

    /// Gives a hold back. An admin needs no token for it; a hold that is over is given back already.
    pub(crate) async fn release_hold(
        &self,
        caller: &Caller,
        id: Uuid,
        token: Option<&str>,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<(), Error> {
        let done = self.store.database().transact(caller.scope(), |tx| async move {
            let tx = &*tx;
            let hold = self.store.lock_in_order(tx, caller.scope(), id).await?;
            let hold = own(caller, hold, token)?;
            match hold.status() {
                BookingStatus::Cancelado => return Ok(hold),
                BookingStatus::Reservado => {}
                BookingStatus::Pendente
                | BookingStatus::Confirmado
                | BookingStatus::Concluido
                | BookingStatus::SemDados
                | BookingStatus::NaoCompareceu => return Err(Error::AlreadyConfirmed),
            }
            wanted.check(hold.tag())?;
            self.give_back(tx, hold, caller.user_id(), trace_id).await
        });
        let hold = self.told(done.await, id)?;
        self.freed.mark(hold.tenant_id, hold.resource_id);
        Ok(())
    }

    /// Cancels a hold inside a transaction. One that is dead already was cancelled by nobody.
    pub(super) async fn give_back(
        &self,
        tx: &DatabaseTransaction,
        mut hold: Booking,
        by: Option<Uuid>,
        trace_id: &str,
    ) -> Result<Booking, Error> {
        let dead = lives(&hold, self.store.now(tx).await?).is_err();
        let now = self.clock.now();
        let reason = if dead { HOLD_EXPIRED } else { RELEASED };
        enter(&mut hold, by.filter(|_| !dead), Some(reason.to_owned()), now);
        hold.version += 1;
        hold.updated_at = now;
        self.store.update(tx, &hold, &event(&hold), trace_id).await?;
        Ok(hold)
    }

    /// Cancels holds that died and that nobody has tripped over since. A convenience: for lists, and
    /// for those who listen to events.
    pub(crate) async fn tidy_holds(&self) -> Result<(), Error> {
        for (tenant, resource) in self.store.where_holds_died().await? {
            self.bury_on(tenant, resource, "tidy holds").await?;
        }
        self.store.forget_clients().await?;
        Ok(())
    }

    /// The state a hold enters when it is confirmed: that of a new booking by the rules of now. Where
    /// these cannot be had, somebody has to approve it: it must not be lost for that.
    async fn first_state(&self, hold: &Booking) -> Result<BookingStatus, Error> {
        let tenant = hold.tenant_id;
        let (resource, user, rules) = futures_util::join!(
            self.resource(tenant, hold.resource_id),
            self.people.find(hold.user_id),
            self.rules(tenant),
        );
        if matches!(user, UserLookup::Unknown) {
            return Err(Error::NoUser);
        }
        match (resource, rules) {
            (Err(Error::NoResource), _) => Err(Error::NoResource),
            (Ok(resource), Ok(rules)) => Ok(first_status(&Offer::new(&rules, &resource))),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Ok(BookingStatus::Pendente),
        }
    }

    async fn store_changed(
        &self,
        tx: &DatabaseTransaction,
        old: &Booking,
        mut new: Booking,
        trace_id: &str,
    ) -> Result<Booking, Error> {
        let now = self.clock.now();
        new.version += 1;
        new.updated_at = now;
        let event = event_of(old, &new, now);
        self.store.update(tx, &new, &event, trace_id).await?;
        Ok(new)
    }

    /// The answer of a change, to be kept in its transaction.
    fn changed(&self, booking: Booking) -> Result<(Answer, ()), Error> {
        let Versioned { version, view } = versioned(booking.view(self.clock.now()));
        Ok((Answer::done(&view)?.tagged(version), ()))
    }

    fn answered(
        &self,
        done: Result<(Answer, Option<()>), Error>,
        id: Uuid,
    ) -> Result<Answer, Error> {
        let (answer, _) = done.map_err(|error| error.of_write(id))?;
        self.relay.wake();
        Ok(answer)
    }

    fn told(&self, done: Result<Booking, Error>, id: Uuid) -> Result<BookingView, Error> {
        let booking = done.map_err(|error| error.of_write(id))?;
        self.relay.wake();
        Ok(booking.view(self.clock.now()))
    }
}

/// Makes a booking a hold until `end`; what has begun is not held any more.
pub(super) fn keep_until(hold: &mut Booking, end: DateTime<Utc>, token: &str) {
    hold.expires_at = Some(end.min(hold.start_time));
    hold.hold_secret = Some(secret::hash(token));
}

pub(super) fn lasting(minutes: u32) -> TimeDelta {
    TimeDelta::minutes(i64::from(minutes))
}

/// A hold, or what became of it, for who may change it and has its token.
fn own(caller: &Caller, found: Option<Booking>, token: Option<&str>) -> Result<Booking, Error> {
    let hold = found.ok_or(Error::NoBooking)?;
    may_change(caller, hold.user_id)?;
    let stored = hold.hold_secret.as_deref().ok_or(Error::NoBooking)?;
    let fits = token.map_or(caller.is_admin(), |token| secret::hash(token) == stored);
    if fits { Ok(hold) } else { Err(Error::WrongHoldToken) }
}

fn lives(hold: &Booking, now: DateTime<Utc>) -> Result<(), Error> {
    let lives = hold.hold_ends().is_some_and(|end| end > now);
    if lives { Ok(()) } else { Err(Error::HoldExpired) }
}

/// What was a hold: a booking that was confirmed has no end as a hold any more.
fn not_expired(hold: Booking) -> Result<Booking, Error> {
    if hold.expires_at.is_some() { Err(Error::HoldExpired) } else { Ok(hold) }
}

fn as_booking(asked: &PlaceHold) -> PlaceBooking {
    let PlaceHold { tenant_id, resource_id, user_id, start_time, end_time, quantity, client_id } =
        *asked;
    let time = (start_time, end_time);
    let plain = PlaceBooking::plain(tenant_id, resource_id, user_id, time, quantity);
    PlaceBooking { client_id, ..plain }
}
