//! Reading a series.

use chrono::NaiveDateTime;
use common::auth::Caller;
use contracts::series::{SeriesRule, SeriesView};
use uuid::Uuid;

use crate::app::Bookings;
use crate::error::Error;
use crate::joint::Joint;
use crate::store::{Booking, BookingSeries, Filter, SortKey};

/// Reads a clock time as it is stored.
pub(super) fn wall(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()
}

impl BookingSeries {
    /// The series without its bookings.
    pub(crate) fn view(self) -> SeriesView {
        let rule: Option<SeriesRule> = serde_json::from_str(&self.rule).ok();
        SeriesView {
            id: self.id,
            tenant_id: self.tenant_id,
            resource_id: self.resource_id,
            user_id: self.user_id,
            recurring_pattern: rule.as_ref().and_then(SeriesRule::recurring_pattern),
            rrule: rule.as_ref().and_then(SeriesRule::rrule),
            wall_start: wall(&self.wall_start).unwrap_or_default(),
            timezone: self.zone,
            duration_seconds: self.duration_seconds,
            split_from: self.split_from,
            ends_before: self.ends_before,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            bookings: Vec::new(),
        }
    }
}

impl Bookings {
    /// A series, and a page of its bookings by start.
    pub(crate) async fn series(
        &self,
        caller: &Caller,
        id: Uuid,
        after: Option<SortKey>,
        (limit, count): (u64, bool),
    ) -> Result<(SeriesView, Vec<Booking>, Option<u64>), Error> {
        let scope = caller.scope();
        let found = self.store.series(&self.store.database().read(scope), scope, id).await?;
        let series = found.ok_or(Joint::NoSeries)?;
        let may = caller.is(series.user_id) || caller.permissions().can_view_all_bookings;
        if !may {
            return Err(Error::NotAllowed);
        }
        let filter = Filter { series_id: Some(id), ..Filter::default() };
        let rows = self.store.list(scope, &filter, after, limit).await?;
        let total = if count { Some(self.store.count(scope, &filter).await?) } else { None };
        Ok((series.view(), rows, total))
    }
}
