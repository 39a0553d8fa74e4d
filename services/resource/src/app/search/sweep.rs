//! The search itself: date by date, each resource's first start, until nobody can be earlier.

use std::collections::BinaryHeap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use contracts::resource::{FreeResource, SlotView};
use scheduling::{Day, Span, Wish};

use super::catalogue::{Catalogue, Narrow};
use super::occupancy::Slot;

/// Where a tenant has more calendars than this, the earliest start of a date is not known beforehand.
const FEW: usize = 64;

/// What is asked of the index.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) wish: Wish,
    pub(super) narrow: Narrow,
    /// How many resources.
    pub(super) limit: usize,
    /// How many starts of each.
    pub(super) starts: usize,
    pub(super) now: DateTime<Utc>,
}

/// The catalogue and what is taken, in the same order.
pub(super) struct Sweep<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) slots: &'a [Slot],
    pub(super) question: &'a Question,
}

/// A date of every group, as far as it was looked at.
struct Dates<'a> {
    catalogue: &'a Catalogue,
    date: NaiveDate,
    from: DateTime<Utc>,
    known: Vec<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    day: Arc<Day>,
    /// The first start on the grid that is open.
    opens: Option<DateTime<Utc>>,
}

impl Dates<'_> {
    fn of(&mut self, group: usize) -> Option<&Known> {
        let slot = self.known.get_mut(group)?;
        if slot.is_none() {
            let day = self.catalogue.day(group, self.date);
            let opens = self.catalogue.opens(group, &day, self.from);
            *slot = Some(Known { day, opens });
        }
        slot.as_ref()
    }

    /// Nobody can start before this; `None`: not known.
    fn floor(&mut self) -> Option<DateTime<Utc>> {
        let groups = self.known.len();
        if groups > FEW {
            return None;
        }
        (0..groups).filter_map(|group| self.of(group)?.opens).min()
    }
}

impl Sweep<'_> {
    /// At most `limit` resources by their first start, then in the order of the catalogue.
    pub(super) fn run(&self) -> Vec<FreeResource> {
        let Question { wish, limit, .. } = self.question;
        if !self.catalogue.rules.is_active || *limit == 0 {
            return Vec::new();
        }
        let zone = &self.catalogue.rules.rules.zone;
        // The worst of the best, on top.
        let mut best: BinaryHeap<(DateTime<Utc>, usize)> = BinaryHeap::new();
        let mut settled = vec![false; self.catalogue.entries.len()];
        for date in self.dates(wish.within.start()) {
            let worst = self.worst(&best);
            if worst.is_some_and(|worst| worst < zone.day_start(date)) {
                break;
            }
            self.sweep(date, &mut best, &mut settled);
        }
        let found = best.into_sorted_vec();
        found.into_iter().map(|(start, place)| self.free(start, place)).collect()
    }

    /// The civil dates from that of an instant to the last that is asked for.
    fn dates(&self, from: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
        let zone = &self.catalogue.rules.rules.zone;
        let within = self.question.wish.within;
        let first = zone.date(from.max(self.question.now));
        // The clock may go back over midnight.
        let last = zone.date(within.end()).max(zone.date(within.start()));
        first.iter_days().take_while(move |date| *date <= last)
    }

    /// The latest of the best, once there are enough.
    fn worst(&self, best: &BinaryHeap<(DateTime<Utc>, usize)>) -> Option<DateTime<Utc>> {
        (best.len() >= self.question.limit).then(|| best.peek().map(|(start, _)| *start)).flatten()
    }

    fn sweep(
        &self,
        date: NaiveDate,
        best: &mut BinaryHeap<(DateTime<Utc>, usize)>,
        settled: &mut [bool],
    ) {
        let Question { wish, narrow, now, limit, .. } = self.question;
        let catalogue = self.catalogue;
        let mut dates = Dates {
            catalogue,
            date,
            from: wish.within.start().max(*now),
            known: vec![None; catalogue.groups()],
        };
        let (floor, place_of_date) = (dates.floor(), catalogue.place_of(date));
        for (place, entry) in catalogue.entries.iter().enumerate() {
            let worst = self.worst(best);
            if worst.is_some() && worst <= floor {
                return;
            }
            if settled[place] {
                continue;
            }
            let before = worst.unwrap_or(wish.within.end());
            let Some(Known { day, opens: Some(opens) }) = dates.of(entry.group) else { continue };
            // Whoever starts with the worst comes after it by name.
            if *opens >= before {
                continue;
            }
            if !entry.matches(narrow) {
                settled[place] = true;
                continue;
            }
            let (calendar, slot) = (catalogue.calendar(entry), &self.slots[place]);
            // It became a resource while this was asked: nobody knows yet what is taken of it.
            if slot.ticket == 0 {
                settled[place] = true;
                continue;
            }
            if i64::from(slot.longest(&calendar, day, place_of_date)) < wish.length.num_minutes() {
                continue;
            }
            let bounds = (wish.within.start(), before);
            if let Some(span) = calendar.first_fitting(day, &slot.load(*now), wish, bounds, *now) {
                settled[place] = true;
                best.push((span.start(), place));
                if best.len() > *limit {
                    best.pop();
                }
            }
        }
    }

    /// A resource with its first starts.
    fn free(&self, first: DateTime<Utc>, place: usize) -> FreeResource {
        let Question { wish, starts, now, .. } = self.question;
        let (entry, load) = (&self.catalogue.entries[place], self.slots[place].load(*now));
        let calendar = self.catalogue.calendar(entry);
        let zone = &self.catalogue.rules.rules.zone;
        let view = |span: Span| SlotView {
            start_time: zone.local(span.start()),
            end_time: zone.local(span.end()),
            remaining: calendar.remaining(&load, span),
        };
        let mut found: Vec<Span> = Vec::with_capacity(*starts);
        for date in self.dates(first) {
            let day = self.catalogue.day(entry.group, date);
            let mut from = first;
            while found.len() < *starts {
                let bounds = (from, wish.within.end());
                let next = calendar.first_fitting(&day, &load, wish, bounds, *now);
                let Some(span) = next else { break };
                found.push(span);
                from = span.start() + calendar.interval();
            }
            if found.len() >= *starts {
                break;
            }
        }
        FreeResource {
            resource_id: entry.id,
            category_id: entry.category_id,
            name: entry.name.clone(),
            capacity: entry.capacity,
            starts: found.into_iter().map(view).collect(),
        }
    }
}
