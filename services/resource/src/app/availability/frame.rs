//! Which days of a resource a change of its bookings can touch.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use common::auth::Scope;
use scheduling::{Policy, Zone};
use uuid::Uuid;

use super::Availability;
use crate::error::Error;

/// What of a resource decides about its days.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) tenant_id: Uuid,
    zone: Zone,
    /// On either side of a booking: its own room, and that of the one next to it.
    room: TimeDelta,
}

impl Frame {
    fn new(tenant_id: Uuid, zone: Zone, policy: &Policy) -> Self {
        let minutes =
            i64::from(policy.buffer_before_minutes) + i64::from(policy.buffer_after_minutes);
        Self { tenant_id, zone, room: TimeDelta::minutes(minutes) }
    }

    /// The civil dates whose slots a booking of `[start, end)` can take.
    pub(crate) fn dates(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<NaiveDate> {
        let first = self.zone.date(start - self.room);
        let last = self.zone.date(end + self.room - TimeDelta::seconds(1));
        first.iter_days().take_while(|date| *date <= last).take(8).collect()
    }
}

impl Availability {
    /// The frame of a resource of the scope.
    pub(crate) async fn frame(&self, scope: Scope, resource: Uuid) -> Result<Frame, Error> {
        let found = self.find(scope, resource).await?;
        let ground = self.ground(&found).await?;
        let zone = ground.rules().zone.clone();
        Ok(Frame::new(found.resource.tenant_id, zone, &ground.policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_touches_its_day_and_those_its_room_reaches() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let zone = Zone::parse("America/Sao_Paulo").unwrap();
        let room = Policy { buffer_after_minutes: 30, ..Policy::default() };
        let dates = |policy: &Policy| {
            let frame = Frame::new(Uuid::nil(), zone.clone(), policy);
            let dates = frame.dates(at("2027-03-03T02:00:00Z"), at("2027-03-03T03:00:00Z"));
            dates.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(dates(Policy::OPEN), ["2027-03-02"]);
        assert_eq!(dates(&room), ["2027-03-02", "2027-03-03"]);
    }
}
