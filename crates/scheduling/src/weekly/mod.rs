//! The weekly schedule of a resource.

mod parse;

use chrono::Weekday;
use serde_json::Value;

use crate::{clock::ClockTime, fault::ScheduleFault};

/// A stretch of a day on the wall clock, start before end.
pub type Range = (ClockTime, ClockTime);

const WHOLE_DAY: [Range; 1] = [(ClockTime::MIDNIGHT, ClockTime::END_OF_DAY)];

/// When a resource is open, by day of the week, in the tenant's local time.
///
/// The ranges of a day are sorted and disjoint, with a closed second between any two. They are
/// not yet clipped to the tenant's working hours: that is [`crate::Calendar::open`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weekly {
    /// Monday first. `None`: nothing was said, so whenever the tenant works.
    days: Option<[Vec<Range>; 7]>,
}

impl Weekly {
    /// The tenant's working hours, every day.
    pub const fn always() -> Self {
        Self { days: None }
    }

    /// Reads either wire form of the HTTP contract, section 5.
    ///
    /// The map `{"monday": ["08:00-12:00"]}` has English lower-case days; the list
    /// `{"schedule": [{"day_of_week": 0, "start_time": "09:00", "end_time": "18:00"}]}` counts
    /// from Monday = 0. Times are `HH:MM` or `HH:MM:SS`, `24:00` only as an end. `{}` and an
    /// empty list are [`Weekly::always`]; as soon as a day is named, days not named are closed,
    /// and a day with an empty list is named. Ranges that overlap or touch merge. At most 50
    /// ranges a day.
    ///
    /// # Errors
    /// Every fault, each with its place in the document.
    pub fn parse(value: &Value) -> Result<Self, Vec<ScheduleFault>> {
        parse::weekly(value)
    }

    /// The ranges of a day, sorted and disjoint; the whole day when nothing was said.
    pub fn ranges(&self, day: Weekday) -> &[Range] {
        match &self.days {
            Some(days) => &days[day.num_days_from_monday() as usize],
            None => &WHOLE_DAY,
        }
    }

    /// Whether no day was named, so that the tenant's working hours hold every day.
    pub fn is_always(&self) -> bool {
        self.days.is_none()
    }

    fn from_days(mut days: [Vec<Range>; 7]) -> Self {
        for day in &mut days {
            merge(day);
        }
        Self { days: Some(days) }
    }
}

/// Reads `HH:MM-HH:MM`, seconds allowed, `24:00` only as an end. Whether the end is later is not judged.
pub fn parse_range(text: &str) -> Option<Range> {
    let (start, end) = text.split_once('-')?;
    Some((ClockTime::parse(start)?, ClockTime::parse_end(end)?))
}

/// Sorts the ranges and joins those that overlap or touch.
fn merge(ranges: &mut Vec<Range>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joins = next.0 <= kept.1;
        if joins {
            kept.1 = kept.1.max(next.1);
        }
        joins
    });
}
