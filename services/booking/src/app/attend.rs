//! Check-in: the person came.

use chrono::TimeDelta;
use common::auth::Caller;
use common::providers::UserLookup;
use common::version::Precondition;
use contracts::BookingStatus;
use contracts::authority::Preset;
use contracts::booking::BookingView;
use uuid::Uuid;

use super::edit::event_of;
use super::{Bookings, may_change};
use crate::error::Error;
use crate::store::Booking;

/// How long before the start one may come.
const EARLIEST_MINUTES: i64 = 30;

impl Bookings {
    /// Notes that the person came: once, from half an hour before the start to the end.
    pub(crate) async fn check_in(
        &self,
        caller: &Caller,
        id: Uuid,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        let seen = self.visible(caller, id).await?;
        self.may_receive(caller, &seen).await?;
        let done = self.store.database().transact(caller.scope(), |tx| async move {
            let tx = &*tx;
            let booking = self.store.lock(tx, caller.scope(), id).await?.ok_or(Error::NoBooking)?;
            if booking.checked_in_at.is_some() {
                return Ok(booking);
            }
            wanted.check(booking.tag())?;
            let now = self.clock.now();
            if !booking.status().is_active() {
                let hold = booking.status() == BookingStatus::Reservado;
                return Err(if hold { Error::IsHold } else { Error::NotExpected });
            }
            if now < booking.start_time - TimeDelta::minutes(EARLIEST_MINUTES) {
                return Err(Error::TooEarlyToCheckIn { minutes: EARLIEST_MINUTES });
            }
            if now >= booking.end_time {
                return Err(Error::TooLateToCheckIn);
            }
            let mut next = booking.clone();
            next.checked_in_at = Some(now);
            next.checked_in_by = caller.user_id();
            next.version += 1;
            next.updated_at = now;
            let event = event_of(&booking, &next, now);
            self.store.update(tx, &next, &event, trace_id).await?;
            Ok(next)
        });
        let booking = done.await.map_err(|error: Error| error.of_write(id))?;
        self.relay.wake();
        Ok(booking.view(self.clock.now()))
    }

    /// Who may change the booking, or who stands at the door.
    async fn may_receive(&self, caller: &Caller, booking: &Booking) -> Result<(), Error> {
        if may_change(caller, booking.user_id).is_ok() {
            return Ok(());
        }
        let user = caller.session().and(caller.user_id()).ok_or(Error::NotAllowed)?;
        match self.people.find(user).await {
            UserLookup::Known(facts) if facts.preset == Some(Preset::Scanner) => Ok(()),
            UserLookup::Known(_) | UserLookup::Unknown => Err(Error::NotAllowed),
            UserLookup::Unreachable { .. } => Err(Error::UserUnverifiable),
        }
    }
}
