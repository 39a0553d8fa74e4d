//! Setting a booking's status.

use common::auth::Caller;
use common::version::Precondition;
use contracts::BookingStatus;
use contracts::booking::{BookingView, EditBooking};
use uuid::Uuid;

use super::Bookings;
use crate::error::Error;

impl Bookings {
    /// Sets the status: an edit of nothing else, with the same checks and the same events.
    pub(crate) async fn set_status(
        &self,
        caller: &Caller,
        id: Uuid,
        status: BookingStatus,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<BookingView, Error> {
        let edit = EditBooking { status: Some(status), ..EditBooking::default() };
        self.edit(caller, id, edit, wanted, trace_id).await
    }
}
