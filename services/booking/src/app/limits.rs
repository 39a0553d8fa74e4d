//! The most one person may have: bookings or hours in a day, a week, a month, or at once.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, Utc};
use scheduling::{Level, Limit, Period, Quota, Span, Zone};
use sea_orm::DatabaseTransaction;

use super::{Bookings, Offer};
use crate::error::Error;
use crate::store::{Booking, Counted};

impl Bookings {
    /// Refuses a booking that would be one too many for its person. The person's lock is held, so that
    /// two requests cannot both be the last one allowed.
    pub(super) async fn check_limits(
        &self,
        tx: &DatabaseTransaction,
        booking: &Booking,
        offer: &Offer,
    ) -> Result<(), Error> {
        if offer.asked.limits.is_empty() {
            return Ok(());
        }
        let now = self.store.now(tx).await?;
        let zone = &offer.rules.rules.zone;
        for (level, limit) in &offer.asked.limits {
            let counted = Counted {
                tenant: booking.tenant_id,
                user: booking.user_id,
                category: (*level == Level::Category).then_some(offer.resource.category_id),
                resource: (*level == Level::Resource).then_some(offer.resource.id),
                period: period(zone, limit.period, booking.start_time),
                not_over_at: (limit.period == Period::Open).then_some(now),
                except: booking.id,
            };
            let (bookings, seconds) = self.store.counted(tx, &counted, now).await?;
            let own = (booking.end_time - booking.start_time).num_seconds();
            let exceeded = match limit.quota {
                Quota::Bookings(most) => bookings + 1 > i64::from(most),
                Quota::Minutes(most) => seconds + own > i64::from(most) * 60,
            };
            if exceeded {
                return Err(Error::LimitExceeded(*limit));
            }
        }
        Ok(())
    }
}

/// The instants of the period that a start lies in; `None` for what has no period.
pub(super) fn period(zone: &Zone, period: Period, start: DateTime<Utc>) -> Option<Span> {
    let date = zone.date(start);
    let (first, next) = match period {
        Period::Day => (date, date.checked_add_days(Days::new(1))),
        Period::Week => {
            let into = u64::from(date.weekday().num_days_from_monday());
            let monday = date.checked_sub_days(Days::new(into))?;
            (monday, monday.checked_add_days(Days::new(7)))
        }
        Period::Month => {
            let first = NaiveDate::from_ymd_opt(date.year(), date.month(), 1)?;
            (first, first.checked_add_months(Months::new(1)))
        }
        Period::Open => return None,
    };
    Span::new(zone.day_start(first), zone.day_start(next?))
}

/// The message of a limit, and the number in it.
pub(crate) fn describe(limit: Limit) -> (&'static str, u32) {
    match (limit.quota, limit.period) {
        (Quota::Bookings(most), Period::Day) => ("Limite de {n} reservas por dia.", most),
        (Quota::Bookings(most), Period::Week) => ("Limite de {n} reservas por semana.", most),
        (Quota::Bookings(most), Period::Month) => ("Limite de {n} reservas por mês.", most),
        (Quota::Bookings(most), Period::Open) => ("Limite de {n} reservas em aberto.", most),
        (Quota::Minutes(most), Period::Day) => ("Limite de {n} horas por dia.", most / 60),
        (Quota::Minutes(most), Period::Week) => ("Limite de {n} horas por semana.", most / 60),
        (Quota::Minutes(most), Period::Month) => ("Limite de {n} horas por mês.", most / 60),
        (Quota::Minutes(most), Period::Open) => ("Limite de {n} horas em aberto.", most / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn periods_are_civil_ones_of_the_tenant() {
        let zone = Zone::parse("America/New_York").unwrap();
        // Sunday, 7 November 2027, 23:30 there: the day has 25 hours.
        let start = at("2027-11-08T04:30:00Z");
        let day = period(&zone, Period::Day, start).unwrap();
        assert_eq!(day, Span::new(at("2027-11-07T04:00:00Z"), at("2027-11-08T05:00:00Z")).unwrap());
        let week = period(&zone, Period::Week, start).unwrap();
        assert_eq!(week.start(), at("2027-11-01T04:00:00Z"));
        assert_eq!(week.end(), day.end());
        let month = period(&zone, Period::Month, start).unwrap();
        assert_eq!(month.end(), at("2027-12-01T05:00:00Z"));
        assert_eq!(period(&zone, Period::Open, start), None);
    }
}
