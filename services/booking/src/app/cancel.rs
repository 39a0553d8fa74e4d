//! Cancelling a booking.

use chrono::{DateTime, Utc};
use common::auth::Caller;
use common::version::Precondition;
use contracts::BookingStatus;
use contracts::booking::BookingView;
use contracts::event::{BookingCancelled, BookingEvent};
use uuid::Uuid;

use super::{Bookings, may_change};
use crate::error::Error;
use crate::store::Booking;

impl Bookings {
    /// Cancels a booking. Cancelling a cancelled one is a success without an event.
    pub(crate) async fn cancel(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: Option<String>,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        let reason = &reason;
        let done = self.store.database().transact(caller.scope(), |tx| async move {
            let tx = &*tx;
            let booking = self.store.lock_in_order(tx, caller.scope(), id).await?;
            let mut booking = booking.ok_or(Error::NoBooking)?;
            may_change(caller, booking.user_id)?;
            if booking.status() == BookingStatus::Reservado {
                return Err(Error::IsHold);
            }
            if booking.status() == BookingStatus::Cancelado {
                return Ok(booking);
            }
            wanted.check(booking.tag())?;
            let now = self.clock.now();
            cancelled(&mut booking, caller.user_id(), reason.clone(), now)?;
            booking.version += 1;
            booking.updated_at = now;
            let event = event(&booking).by_link(caller.link());
            self.store.update(tx, &booking, &event, trace_id).await?;
            Ok::<_, Error>(booking)
        });
        let booking = done.await.map_err(|error: Error| error.of_write(id))?;
        self.relay.wake();
        self.freed.mark(booking.tenant_id, booking.resource_id);
        Ok(booking.view(self.clock.now()))
    }
}

/// Enters the cancelled state, if the policy that applied when booking allows it.
pub(super) fn cancelled(
    booking: &mut Booking,
    by: Option<Uuid>,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if !booking.status().is_active() {
        return Err(Error::NotActive);
    }
    if !booking.can_cancel(now) {
        return Err(Error::TooLateToCancel { hours: booking.cancellation_hours() });
    }
    enter(booking, by, reason, now);
    Ok(())
}

/// Enters the cancelled state, whatever the policy says: for deletions.
pub(super) fn enter(
    booking: &mut Booking,
    by: Option<Uuid>,
    reason: Option<String>,
    now: DateTime<Utc>,
) {
    BookingStatus::Cancelado.as_str().clone_into(&mut booking.status);
    booking.cancellation_reason = reason;
    booking.cancelled_at = Some(now);
    booking.cancelled_by = by;
}

/// The event of a booking just cancelled.
pub(super) fn event(booking: &Booking) -> BookingEvent {
    BookingEvent::Cancelled(BookingCancelled {
        booking_id: booking.id,
        user_id: booking.user_id,
        resource_id: booking.resource_id,
        tenant_id: booking.tenant_id,
        reason: booking.cancellation_reason.clone(),
        cancelled_by: booking.cancelled_by,
        link_id: None,
        start_time: booking.start_time,
        end_time: booking.end_time,
    })
}
