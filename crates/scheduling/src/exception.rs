//! Days that are not like the others: date overrides and closures of tenant, category and resource.

use chrono::{Datelike as _, Days, NaiveDate};

use crate::weekly::Range;

/// Whose an exception is. The more specific one comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every resource of the tenant.
    Tenant,
    /// Every resource of the category.
    Category,
    /// One resource.
    Resource,
}

/// Civil dates of the tenant's zone, first to last, both included; perhaps every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dates {
    first: NaiveDate,
    last: NaiveDate,
    yearly: bool,
}

impl Dates {
    /// The most days in a row.
    pub const MAX_DAYS: i64 = 366;

    /// `None` unless first ≤ last and at most [`Self::MAX_DAYS`] days.
    pub fn new(first: NaiveDate, last: NaiveDate, yearly: bool) -> Option<Self> {
        let days = last.signed_duration_since(first).num_days() + 1;
        (1..=Self::MAX_DAYS).contains(&days).then_some(Self { first, last, yearly })
    }

    /// Whether `date` is one of them. Those of 29 February come in leap years only.
    pub fn cover(&self, date: NaiveDate) -> bool {
        let Ok(days) = u64::try_from(self.last.signed_duration_since(self.first).num_days()) else {
            return false;
        };
        let from = |first: NaiveDate| {
            let last = first.checked_add_days(Days::new(days)).unwrap_or(first);
            first <= date && date <= last
        };
        if !self.yearly {
            return from(self.first);
        }
        // Those that began last year may not be over.
        let years = [date.year(), date.year() - 1];
        years.into_iter().filter_map(|year| self.first.with_year(year)).any(from)
    }

    /// Whether they come every year.
    pub fn are_yearly(&self) -> bool {
        self.yearly
    }
}

/// Open hours of some dates, instead of those of the week.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateOverride {
    /// Whose it is.
    pub level: Level,
    /// When.
    pub dates: Dates,
    /// Open hours on the wall clock; none = closed.
    pub ranges: Vec<Range>,
    /// Why, for people.
    pub reason: String,
}

/// What a closure is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClosureKind {
    /// Nobody works.
    Holiday,
    /// It is being mended or cleaned.
    Maintenance,
    /// Anything else.
    Closure,
}

/// Time that is taken away from the open hours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Closure {
    /// Whose it is.
    pub level: Level,
    /// What for.
    pub kind: ClosureKind,
    /// When.
    pub dates: Dates,
    /// Closed hours of each date on the wall clock; none = the whole day.
    pub ranges: Vec<Range>,
    /// Why, for people.
    pub reason: String,
}

/// Every exception that holds for one resource. What they say depends on the set of them, never on
/// their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    overrides: Vec<DateOverride>,
    closures: Vec<Closure>,
}

impl Exceptions {
    /// Every day is like the others.
    pub const NONE: &'static Self = &Self { overrides: Vec::new(), closures: Vec::new() };

    /// The exceptions, in any order.
    pub fn new(
        overrides: impl IntoIterator<Item = DateOverride>,
        closures: impl IntoIterator<Item = Closure>,
    ) -> Self {
        let mut overrides: Vec<_> = overrides.into_iter().collect();
        let mut closures: Vec<_> = closures.into_iter().collect();
        overrides.sort_unstable();
        closures.sort_unstable();
        Self { overrides, closures }
    }

    /// The overrides that count on a date: those of the most specific level, and of these the ones of
    /// the date itself before the yearly ones. Several of one rank are open together.
    pub fn overrides_on(&self, date: NaiveDate) -> Vec<&DateOverride> {
        let rank = |it: &&DateOverride| (it.level, !it.dates.are_yearly());
        let covering = || self.overrides.iter().filter(|it| it.dates.cover(date));
        let best = covering().map(|it| rank(&it)).max();
        covering().filter(|it| Some(rank(it)) == best).collect()
    }

    /// The closures that touch a date: all of them count.
    pub fn closures_on(&self, date: NaiveDate) -> impl Iterator<Item = &Closure> {
        self.closures.iter().filter(move |it| it.dates.cover(date))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty() && self.closures.is_empty()
    }
}
