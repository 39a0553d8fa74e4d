//! Making a booking.

use common::auth::{Caller, Scope};
use contracts::BookingStatus;
use contracts::booking::{BookingView, PlaceBooking};
use uuid::Uuid;

use super::claim::Wanted;
use super::{Bookings, Candidate, Offer};
use crate::error::Error;
use crate::store::{Booking, Gone, Inserted};

/// Letters and digits that cannot be taken for one another.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// An insert refused without a conflict to show met a twin of its code, a booking that was just
/// cancelled, or a dead hold: it is tried again this often.
const ATTEMPTS: u32 = 4;

impl Bookings {
    /// Makes a booking, or says why not, in the contract's order of checks.
    pub(crate) async fn place(
        &self,
        caller: &Caller,
        request: PlaceBooking,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        authorize(caller, &request)?;
        let tenant = request.tenant_id;
        let (resource, user, rules) = futures_util::join!(
            self.resource(tenant, request.resource_id),
            self.user_exists(tenant, request.user_id),
            self.rules(tenant),
        );
        let resource = resource?;
        user?;
        let rules = rules?;
        if !rules.is_active {
            return Err(Error::TenantInactive);
        }
        let candidate = self.window(&rules, &resource, &request.start_time, &request.end_time)?;
        let wanted = Wanted::new(tenant, &candidate, request.quantity);
        if let Some(refusal) = candidate.off_grid.clone() {
            // Rule f is the last: a conflict is told first.
            let conflict = self.in_the_way(&request, &wanted).await?;
            return Err(conflict.unwrap_or(Error::Refused(refusal)));
        }
        let status = first_status(&request, &candidate);
        let booking = self.new_booking(&request, &candidate, status);
        self.store_new(&request, &candidate, &wanted, booking, trace_id).await
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

    async fn store_new(
        &self,
        request: &PlaceBooking,
        candidate: &Candidate,
        wanted: &Wanted,
        mut booking: Booking,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        let plain = booking.exclusive && candidate.offer.asked.limits.is_empty();
        for _ in 0..ATTEMPTS {
            booking.confirmation_code = confirmation_code();
            let inserted = if plain {
                self.store.insert(&booking, self.ids.next(), trace_id).await?
            } else {
                self.insert_judged(&booking, &candidate.offer, trace_id).await?
            };
            match inserted {
                Inserted::Stored => {
                    self.relay.wake();
                    return Ok(booking.view(self.clock.now()));
                }
                Inserted::Refused => {
                    if let Some(found) = self.in_the_way(request, wanted).await? {
                        return Err(found);
                    }
                    // The database still counts holds that are dead.
                    self.bury_on(booking.tenant_id, booking.resource_id, trace_id).await?;
                }
            }
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

    /// An insert whose limits or shared places are judged under their locks.
    async fn insert_judged(
        &self,
        booking: &Booking,
        offer: &Offer,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        let tenant = booking.tenant_id;
        let stored = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            let mut locks = vec![booking.resource_id, booking.user_id];
            self.store.lock_resources(tx, tenant, &mut locks).await?;
            self.bury(tx, &[booking.resource_id], trace_id).await?;
            let ids = [tenant, booking.resource_id, booking.user_id];
            if Gone::any(tx, &ids).await?.is_some() {
                return Ok(Inserted::Refused);
            }
            self.check_limits(tx, booking, offer).await?;
            let mut booking = booking.clone();
            self.store.obey_lowering(tx, &mut booking, offer.resource.version).await?;
            self.store.enter(tx, &booking, trace_id).await
        });
        self.store.refused_or(booking.id, stored.await)
    }

    /// Buries the dead holds of a resource.
    async fn bury_on(&self, tenant: Uuid, resource: Uuid, trace_id: &str) -> Result<(), Error> {
        let buried = self.store.database().transact(Scope::Tenant(tenant), |tx| async move {
            let tx = &*tx;
            self.store.lock_resources(tx, tenant, &mut [resource]).await?;
            self.bury(tx, &[resource], trace_id).await
        });
        if buried.await? > 0 {
            self.relay.wake();
        }
        Ok(())
    }
}

/// The state a booking begins in: the one asked for, else as the policy says, else the tenant.
pub(super) fn first_status(request: &PlaceBooking, candidate: &Candidate) -> BookingStatus {
    let offer = &candidate.offer;
    let default = match offer.asked.approval_required {
        Some(true) => BookingStatus::Pendente,
        Some(false) => BookingStatus::Confirmado,
        None => offer.rules.settings.default_booking_status,
    };
    request.status.unwrap_or(default)
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
