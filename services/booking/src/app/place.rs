//! Making a booking.

use common::auth::{Caller, Scope};
use contracts::BookingStatus;
use contracts::booking::{BookingView, PlaceBooking};
use scheduling::tzdb_version;

use super::{Bookings, Candidate};
use crate::error::Error;
use crate::store::{Booking, Gone, Inserted};

/// Letters and digits that cannot be taken for one another.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// An insert refused without a conflict to show met a twin of its code, or a booking that was just
/// cancelled: it is tried again this often.
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
        if let Some(refusal) = candidate.off_grid.clone() {
            // Rule f is the last: a conflict is told first.
            let conflict = self.in_the_way(&request, &candidate).await?;
            return Err(conflict.unwrap_or(Error::Refused(refusal)));
        }
        let status = request.status.unwrap_or(rules.settings.default_booking_status);
        self.store_new(&request, &candidate, status, &rules, trace_id).await
    }

    async fn store_new(
        &self,
        request: &PlaceBooking,
        candidate: &Candidate,
        status: BookingStatus,
        rules: &common::providers::TenantRules,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        let now = self.clock.now();
        let mut booking = Booking {
            id: self.ids.next(),
            tenant_id: request.tenant_id,
            resource_id: request.resource_id,
            user_id: request.user_id,
            client_id: request.client_id,
            start_time: candidate.span.start(),
            end_time: candidate.span.end(),
            zone: rules.rules.zone.name().to_owned(),
            wall_start: rules.rules.zone.local(candidate.span.start()).naive_local().to_string(),
            tzdb: tzdb_version(),
            status: status.as_str().to_owned(),
            notes: request.notes.clone(),
            recurring_enabled: request.recurring_enabled,
            recurring_pattern: request.recurring_pattern.as_ref().map(ToString::to_string),
            confirmation_code: String::new(),
            cancellation_hours: i32::try_from(rules.rules.cancellation_hours).unwrap_or(i32::MAX),
            cancellation_reason: None,
            cancelled_at: None,
            cancelled_by: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        for _ in 0..ATTEMPTS {
            booking.confirmation_code = confirmation_code();
            match self.store.insert(&booking, self.ids.next(), trace_id).await? {
                Inserted::Stored => {
                    self.relay.wake();
                    return Ok(booking.view(now));
                }
                Inserted::Refused => {
                    if let Some(found) = self.in_the_way(request, candidate).await? {
                        return Err(found);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// What stands in the way of a request that the database would refuse.
    async fn in_the_way(
        &self,
        request: &PlaceBooking,
        candidate: &Candidate,
    ) -> Result<Option<Error>, Error> {
        let (tenant, resource) = (request.tenant_id, request.resource_id);
        let conn = &self.store.database().read(Scope::Tenant(tenant));
        let conflicts = self.store.conflicts(conn, tenant, resource, candidate.span, None).await?;
        if !conflicts.is_empty() {
            return Ok(Some(Error::Taken(conflicts)));
        }
        let gone = Gone::any(conn, &[tenant, resource, request.user_id]).await?;
        Ok(gone.map(Error::from))
    }
}

fn authorize(caller: &Caller, request: &PlaceBooking) -> Result<(), Error> {
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
fn confirmation_code() -> String {
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
