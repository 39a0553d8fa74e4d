//! Making a booking.

use std::sync::Arc;

use common::auth::{Caller, Scope};
use common::db::{Answer, Engine, Once, Tx};
use common::providers::{Bookable, TenantRules};
use common::version::{Version, Versioned};
use contracts::BookingStatus;
use contracts::booking::{BookingView, PlaceBooking};
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::claim::Wanted;
use super::holds::Keep;
use super::{Bookings, Candidate, Offer};
use crate::error::Error;
use crate::store::{Booking, Gone, Inserted, Store};

/// Letters and digits that cannot be taken for one another.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// An insert refused without a conflict to show met a twin of its code, a booking that was just
/// cancelled, or a dead hold: it is tried again this often.
const ATTEMPTS: u32 = 4;

impl Bookings {
    /// Makes a booking once, or says why not, in the contract's order of checks.
    pub(crate) async fn place(
        &self,
        caller: &Caller,
        once: &Once,
        request: &PlaceBooking,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        authorize(caller, request)?;
        let rest = async {
            let (candidate, wanted) = self.judged(request).await?;
            let status = request.status.unwrap_or_else(|| first_status(&candidate.offer));
            let booking = self.new_booking(request, &candidate, status);
            let answer = &|made: BookingView| Answer::made(&versioned(made));
            let new = New { request, candidate: &candidate, wanted, keep: None, once, answer };
            self.store_new(&new, booking, trace_id).await
        };
        let own = Scope::Tenant(request.tenant_id);
        match once.unless_done(self.store.database(), own, Box::pin(rest)).await {
            Err(error) => Err(self.explained(request, error).await),
            placed => placed,
        }
    }

    /// Every check of an authorized request but what only the database can tell, in the contract's order.
    pub(super) async fn judged(
        &self,
        request: &PlaceBooking,
    ) -> Result<(Candidate, Wanted), Error> {
        let candidate = self.candidate(request).await?;
        let wanted = Wanted::new(request.tenant_id, &candidate, request.quantity);
        if let Some(refusal) = candidate.off_grid.clone() {
            // Rule f is the last: a conflict is told first.
            let conflict = self.in_the_way(request, &wanted).await?;
            return Err(conflict.unwrap_or(Error::Refused(refusal)));
        }
        Ok((candidate, wanted))
    }

    /// The same up to the conflict: what comes after it is in the candidate.
    pub(super) async fn candidate(&self, request: &PlaceBooking) -> Result<Candidate, Error> {
        let (resource, rules) = self.subject(request).await?;
        self.window(&rules, &resource, &request.start_time, &request.end_time)
    }

    /// What is to be booked, and by whose rules, if the tenant takes part and has such a user.
    pub(super) async fn subject(
        &self,
        request: &PlaceBooking,
    ) -> Result<(Arc<Bookable>, Arc<TenantRules>), Error> {
        let tenant = request.tenant_id;
        let (resource, user, rules) = futures_util::join!(
            self.resource(tenant, request.resource_id),
            self.user_exists(tenant, request.user_id),
            self.rules(tenant),
        );
        let resource = resource?;
        user?;
        let rules = rules?;
        if rules.is_active { Ok((resource, rules)) } else { Err(Error::TenantInactive) }
    }

    /// The booking that a request makes, without its confirmation code.
    pub(super) fn new_booking(
        &self,
        request: &PlaceBooking,
        candidate: &Candidate,
        status: BookingStatus,
    ) -> Booking {
        let now = self.clock.now();
        let asked = &candidate.offer.asked;
        let default_hours = candidate.offer.rules.rules.cancellation_hours;
        let cancellation_hours = asked.cancellation_hours.unwrap_or(default_hours);
        let mut booking = Booking {
            id: self.ids.next(),
            tenant_id: request.tenant_id,
            resource_id: request.resource_id,
            user_id: request.user_id,
            client_id: request.client_id,
            start_time: candidate.span.start(),
            end_time: candidate.span.end(),
            zone: String::new(),
            wall_start: String::new(),
            tzdb: String::new(),
            status: status.as_str().to_owned(),
            notes: request.notes.clone(),
            recurring_enabled: request.recurring_enabled,
            recurring_pattern: request.recurring_pattern.as_ref().map(ToString::to_string),
            confirmation_code: String::new(),
            cancellation_hours: i32::try_from(cancellation_hours).unwrap_or(i32::MAX),
            category_id: None,
            quantity: i32::try_from(request.quantity).unwrap_or(i32::MAX),
            exclusive: true,
            places: 1,
            claim_start: candidate.span.start(),
            claim_end: candidate.span.end(),
            no_show_minutes: None,
            expires_at: None,
            hold_secret: None,
            hold_extended: false,
            series_id: None,
            series_index: None,
            original_start_time: None,
            group_id: None,
            checked_in_at: None,
            checked_in_by: None,
            cancellation_reason: None,
            cancelled_at: None,
            cancelled_by: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        booking.claim_as(candidate);
        booking
    }

    /// Stores a new booking or hold, or says what stands in its way.
    pub(super) async fn store_new(
        &self,
        new: &New<'_>,
        mut booking: Booking,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let unlimited = new.candidate.offer.asked.limits.is_empty() && new.keep.is_none();
        let plain = booking.exclusive && unlimited && !new.once.is_keyed();
        for _ in 0..ATTEMPTS {
            booking.confirmation_code = confirmation_code();
            let answer = if plain {
                let inserted = self.store.insert(&booking, self.ids.next(), trace_id).await?;
                let stored = (inserted == Inserted::Stored).then(|| booking.clone());
                stored.map(|made| (new.answer)(made.view(self.clock.now()))).transpose()?
            } else {
                // Who is refused anyhow is told without a lock.
                if let Some(refusal) = self.look(&new.wanted).await? {
                    return Err(refusal);
                }
                let _turn = self.gate.turn(booking.resource_id).await?;
                self.insert_judged(&booking, new, trace_id).await?
            };
            if let Some(answer) = answer {
                self.relay.wake();
                return Ok(answer);
            }
            if let Some(found) = self.in_the_way(new.request, &new.wanted).await? {
                return Err(found);
            }
            // The database still counts holds that are dead.
            self.bury_on(booking.tenant_id, booking.resource_id, trace_id).await?;
        }
        Err(Error::Contended)
    }

    /// What stands in the way of a request that the database would refuse.
    async fn in_the_way(
        &self,
        request: &PlaceBooking,
        wanted: &Wanted,
    ) -> Result<Option<Error>, Error> {
        let (tenant, resource) = (request.tenant_id, request.resource_id);
        let conn = &self.store.database().read(Scope::Tenant(tenant));
        if let Some(refusal) = self.obstacle(conn, wanted).await? {
            return Ok(Some(refusal));
        }
        let gone = Gone::any(conn, &[tenant, resource, request.user_id]).await?;
        Ok(gone.map(Error::from))
    }

    /// An insert whose limits or shared places are judged under their locks, or that is to happen once.
    /// `None`: the database refuses it.
    async fn insert_judged(
        &self,
        booking: &Booking,
        new: &New<'_>,
        trace_id: &str,
    ) -> Result<Option<Answer>, Error> {
        let tenant = booking.tenant_id;
        let (database, own) = (self.store.database(), Scope::Tenant(tenant));
        let stored = new.once.run(database, own, |tx: Tx| async move {
            let tx = &*tx;
            let mut locks = vec![booking.resource_id, booking.user_id];
            locks.extend(new.keep.and_then(Keep::lock));
            self.store.lock_resources(tx, tenant, &mut locks).await?;
            let mut booking = booking.clone();
            let inserted = match self.insert_at_once(tx, &mut booking, new, trace_id).await? {
                Some(inserted) => inserted,
                None => self.insert_after_all(tx, &mut booking, new, trace_id).await?,
            };
            if inserted == Inserted::Refused {
                return Err(Error::RefusedByDatabase);
            }
            Ok(((new.answer)(booking.view(self.clock.now()))?, ()))
        });
        match Box::pin(stored).await {
            Ok((answer, _)) => Ok(Some(answer)),
            Err(Error::RefusedByDatabase) => Ok(None),
            Err(error) => Store::refused_or(booking.id, Err(error)).map(|_| None),
        }
    }

    /// What the database refuses by itself needs no look before. `None`: something else has to be judged,
    /// or is in the way.
    async fn insert_at_once(
        &self,
        tx: &DatabaseTransaction,
        booking: &mut Booking,
        new: &New<'_>,
        trace_id: &str,
    ) -> Result<Option<Inserted>, Error> {
        let limited = !new.candidate.offer.asked.limits.is_empty();
        if self.store.database().engine() == Engine::Sqlite || !booking.exclusive || limited {
            return Ok(None);
        }
        if let Some(keep) = new.keep {
            let whose = (booking.tenant_id, booking.user_id);
            let (now, of_user, of_client) = self.store.holds_now(tx, whose, keep.mark()).await?;
            if !Keep::allows(of_user, of_client) {
                return Ok(None);
            }
            keep.make(booking, now);
        }
        let (event, mark) = ((self.ids.next(), trace_id), new.keep.and_then(Keep::mark));
        self.store.enter_in_one(tx, booking, event, mark).await.map(Some)
    }

    /// The same where everything is judged here, in the contract's order.
    async fn insert_after_all(
        &self,
        tx: &DatabaseTransaction,
        booking: &mut Booking,
        new: &New<'_>,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        let offer = &new.candidate.offer;
        self.bury(tx, &[booking.resource_id], trace_id).await?;
        let ids = [booking.tenant_id, booking.resource_id, booking.user_id];
        if Gone::any(tx, &ids).await?.is_some() {
            return Ok(Inserted::Refused);
        }
        self.store.obey_lowering(tx, booking, &offer.resource).await?;
        // Told before a limit, as by an edit; and by the capacity that was obeyed.
        if let Some(refusal) = self.obstacle(tx, &Wanted::of(booking)?).await? {
            return Err(refusal);
        }
        self.check_limits(tx, booking, offer).await?;
        if let Some(keep) = new.keep {
            self.check_holds(tx, booking, keep).await?;
            keep.make(booking, self.store.now(tx).await?);
        }
        let inserted = self.store.enter(tx, booking, trace_id).await?;
        if let Some(mark) = new.keep.and_then(Keep::mark)
            && inserted == Inserted::Stored
        {
            self.store.remember_client(tx, booking, mark).await?;
        }
        Ok(inserted)
    }

    /// Buries the dead holds of a resource.
    pub(super) async fn bury_on(
        &self,
        tenant: Uuid,
        resource: Uuid,
        trace_id: &str,
    ) -> Result<(), Error> {
        let buried = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            self.store.lock_resources(tx, tenant, &mut [resource]).await?;
            self.bury(tx, &[resource], trace_id).await
        });
        if buried.await? > 0 {
            self.relay.wake();
            self.freed.mark(tenant, resource);
        }
        Ok(())
    }
}

/// A booking about to be stored.
pub(super) struct New<'a> {
    pub(super) request: &'a PlaceBooking,
    pub(super) candidate: &'a Candidate,
    pub(super) wanted: Wanted,
    /// Of a hold: who makes it.
    pub(super) keep: Option<&'a Keep>,
    /// How it is known again if it is sent again.
    pub(super) once: &'a Once,
    /// What is answered once it is stored.
    pub(super) answer: &'a (dyn Fn(BookingView) -> Result<Answer, DbErr> + Send + Sync),
}

/// The version of a booking as others see it.
pub(super) fn version(number: i64) -> Version {
    Version::new("b", number)
}

/// A booking as clients see it, and of which version.
pub(crate) fn versioned(booking: BookingView) -> Versioned<BookingView> {
    Versioned::new(version(booking.version), booking)
}

impl Booking {
    pub(super) fn tag(&self) -> Version {
        version(self.version)
    }
}

/// The state a booking begins in where none is asked for: as the policy says, else the tenant.
pub(super) fn first_status(offer: &Offer) -> BookingStatus {
    match offer.asked.approval_required {
        Some(true) => BookingStatus::Pendente,
        Some(false) => BookingStatus::Confirmado,
        None => offer.rules.settings.default_booking_status,
    }
}

pub(super) fn authorize(caller: &Caller, request: &PlaceBooking) -> Result<(), Error> {
    if !caller.scope().covers(request.tenant_id) {
        return Err(Error::OtherTenant);
    }
    if !caller.is_admin() && !caller.is_integration() && !caller.is(request.user_id) {
        return Err(Error::NotSelf);
    }
    if !caller.permissions().can_book {
        return Err(Error::MayNotBook);
    }
    let confirms = request.status == Some(BookingStatus::Confirmado);
    if confirms && !caller.is_admin() { Err(Error::NotAllowed) } else { Ok(()) }
}

/// Eight characters out of thirty: 6.5 × 10¹¹ codes. Not a secret; the database keeps them unique.
pub(super) fn confirmation_code() -> String {
    let mut random = rand::random::<u64>();
    let mut code = String::with_capacity(8);
    for _ in 0..8 {
        let index = usize::try_from(random % 30).unwrap_or(0);
        code.push(char::from(CODE_ALPHABET[index]));
        random /= 30;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_eight_characters_without_look_alikes() {
        for _ in 0..1_000 {
            let code = confirmation_code();
            assert_eq!(code.len(), 8);
            assert!(!code.contains(['0', 'O', '1', 'I', 'L', 'U']), "{code}");
        }
    }
}
