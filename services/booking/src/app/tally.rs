//! Counting a person's bookings in memory, for many that are wanted at once: as `limits` counts one.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::BookingStatus;
use scheduling::{Level, Limit, Period, Quota, Span};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::limits::period;
use super::{Bookings, Offer};
use crate::error::Error;
use crate::store::{Booking, CountedBooking};

/// No period is longer on either side of a start.
const MONTH: TimeDelta = TimeDelta::days(32);

/// What a person has, and what was added to it.
pub(super) struct Tally {
    now: DateTime<Utc>,
    rows: Vec<CountedBooking>,
}

impl Tally {
    /// What the person of these bookings has beside them.
    pub(super) async fn of(
        bookings: &Bookings,
        conn: &impl ConnectionTrait,
        wanted: &[&Booking],
    ) -> Result<Self, Error> {
        let now = bookings.clock.now();
        let starts = || wanted.iter().map(|booking| booking.start_time);
        let (Some(first), Some(last)) = (starts().min(), starts().max()) else {
            return Ok(Self { now, rows: Vec::new() });
        };
        let whose = wanted
            .first()
            .map_or((Uuid::nil(), Uuid::nil()), |booking| (booking.tenant_id, booking.user_id));
        let reach = (first - MONTH, last + MONTH);
        let mut rows = bookings.store.counted_bookings(conn, whose, reach, now).await?;
        rows.retain(|row| wanted.iter().all(|booking| booking.id != row.id));
        Ok(Self { now, rows })
    }

    /// The limit that one booking more would exceed.
    pub(super) fn exceeded(&self, booking: &Booking, offer: &Offer) -> Option<Limit> {
        let exceeds = |(level, limit): &&(Level, Limit)| {
            let period = period(&offer.rules.rules.zone, limit.period, booking.start_time);
            let counted = self.rows.iter().filter(|row| self.counts(row, *level, limit, offer));
            let counted = counted.filter(|row| in_period(row, limit.period, period));
            let (mut bookings, mut seconds) = (0_i64, 0_i64);
            for row in counted {
                bookings += 1;
                seconds += (row.end_time - row.start_time).num_seconds();
            }
            let own = (booking.end_time - booking.start_time).num_seconds();
            match limit.quota {
                Quota::Bookings(most) => bookings + 1 > i64::from(most),
                Quota::Minutes(most) => seconds + own > i64::from(most) * 60,
            }
        };
        offer.asked.limits.iter().find(exceeds).map(|(_, limit)| *limit)
    }

    fn counts(&self, row: &CountedBooking, level: Level, limit: &Limit, offer: &Offer) -> bool {
        let of_level = match level {
            Level::Tenant => true,
            Level::Category => row.category_id == Some(offer.resource.category_id),
            Level::Resource => row.resource_id == offer.resource.id,
        };
        let over = row.status == BookingStatus::Concluido.as_str() || row.end_time <= self.now;
        of_level && !(limit.period == Period::Open && over)
    }

    /// Counts a booking from now on.
    pub(super) fn add(&mut self, booking: &Booking) {
        self.rows.push(CountedBooking {
            id: booking.id,
            start_time: booking.start_time,
            end_time: booking.end_time,
            category_id: booking.category_id,
            resource_id: booking.resource_id,
            status: booking.status.clone(),
        });
    }
}

fn in_period(row: &CountedBooking, kind: Period, period: Option<Span>) -> bool {
    match period {
        Some(period) => period.start() <= row.start_time && row.start_time < period.end(),
        // Of open bookings every one counts; a period that no calendar has counts none.
        None => kind == Period::Open,
    }
}
