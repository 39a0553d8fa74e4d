//! The pure part of a preview: every resource by itself, and the sums.

use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};
use contracts::facts::BookingRow;
use contracts::policy::{BookingPolicy, resolve};
use contracts::resource::{ExplanationView, ResourceStatus};
use contracts::tenant::Settings;
use contracts::text::{Language, Text};
use contracts::what_if::{BookingsPreview, BrokenBooking, MOST_ROWS, PreviewedSlot, SlotsPreview};
use scheduling::{
    Calendar, Capacity, Claim, Exceptions, Fate, Filled, Load, Policy, Request, Rules, Span,
    Weekly, WhatIf, Zone,
};
use uuid::Uuid;

use crate::app::availability::schedule;
use crate::store::{Category, Resource};

/// A resource with everything its calendar rests on, and its bookings.
pub(super) struct Found {
    id: Uuid,
    status: ResourceStatus,
    capacity: Capacity,
    schedule: Weekly,
    exceptions: Exceptions,
    /// What the resource and its category ask; the tenant's part is what changes.
    policies: (BookingPolicy, BookingPolicy),
    /// Bookings and living holds, with a time each.
    pub(super) bookings: Vec<BookingRow>,
}

/// One set of settings.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    rules: &'a Rules,
    policy: &'a BookingPolicy,
}

/// What is reckoned, and by which settings.
pub(super) struct Reckoning<'a> {
    pub(super) before: Side<'a>,
    pub(super) after: Side<'a>,
    pub(super) within: Span,
    pub(super) now: DateTime<Utc>,
    /// Whether the tenant takes part: without, nothing can be booked.
    pub(super) active: bool,
    pub(super) language: Language,
}

/// All of them are counted, the first are kept.
struct First<T> {
    count: u64,
    kept: BinaryHeap<T>,
}

/// A span of a resource: its start and end, then the places of the resource and of the booking.
type Row = (Span, usize, usize);

/// What is summed up over the resources.
struct Sums {
    total: u64,
    outside: u64,
    mended: u64,
    broken: First<Row>,
    slots: (u64, u64),
    appear: First<Row>,
    vanish: First<Row>,
    filled: (Filled, Filled),
}

impl Found {
    pub(super) fn new(resource: &Resource, category: &Category, exceptions: Exceptions) -> Self {
        Self {
            id: resource.id,
            status: resource.status(),
            capacity: resource.places(category),
            schedule: schedule(&resource.availability_schedule),
            exceptions,
            policies: (category.policy(), resource.policy()),
            bookings: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    fn policy(&self, side: &Side<'_>) -> Policy {
        let (category, own) = &self.policies;
        resolve(side.policy, category, own, self.capacity).policy
    }

    fn calendar<'a>(&'a self, side: &Side<'a>, policy: &'a Policy) -> Calendar<'a> {
        let (rules, schedule, exceptions) = (side.rules, &self.schedule, &self.exceptions);
        Calendar { rules, schedule, exceptions, policy }
    }

    /// What its bookings and holds take, with the room around them.
    fn taken(&self, now: DateTime<Utc>) -> Load {
        Load::at(self.bookings.iter().filter_map(|row| row.claim.claim()), now)
    }

    /// What its bookings take by their own times.
    fn booked(&self, now: DateTime<Utc>) -> Load {
        let bookings = self.bookings.iter().filter(|row| !row.is_hold());
        let claim = |row: &BookingRow| {
            let whole = Claim { span: row.span()?, quantity: row.claim.2, expires_at: None };
            Some(whole)
        };
        Load::at(bookings.filter_map(claim), now)
    }
}

impl<'a> Side<'a> {
    pub(super) fn of(rules: &'a Rules, settings: &'a Settings) -> Self {
        Self { rules, policy: &settings.booking_policy }
    }
}

impl<T: Ord> First<T> {
    fn new() -> Self {
        Self { count: 0, kept: BinaryHeap::new() }
    }

    fn push(&mut self, row: T) {
        self.count += 1;
        self.kept.push(row);
        if self.kept.len() > MOST_ROWS {
            self.kept.pop();
        }
    }

    fn is_cut(&self) -> bool {
        self.count > self.kept.len() as u64
    }

    fn rows(self) -> Vec<T> {
        self.kept.into_sorted_vec()
    }
}

impl Reckoning<'_> {
    /// What becomes of bookings and slots, and the occupancy before and after.
    pub(super) fn run(&self, found: &[Found]) -> (BookingsPreview, SlotsPreview, (Filled, Filled)) {
        let mut sums = Sums::new();
        for (place, one) in found.iter().enumerate() {
            let policies = (one.policy(&self.before), one.policy(&self.after));
            let before = one.calendar(&self.before, &policies.0);
            let after = one.calendar(&self.after, &policies.1);
            let what_if = WhatIf::new(before, after, self.within);
            self.judge(&what_if, place, one, &mut sums);
            if one.status == ResourceStatus::Disponivel {
                self.compare(&what_if, place, one, &mut sums);
            }
        }
        let Sums { total, outside, mended, broken, slots, appear, vanish, filled } = sums;
        let cut = appear.is_cut() || vanish.is_cut();
        let slots = SlotsPreview {
            before: slots.0,
            after: slots.1,
            appear_count: appear.count,
            vanish_count: vanish.count,
            truncated: cut,
            appear: slot_views(found, appear, &self.after.rules.zone),
            vanish: slot_views(found, vanish, &self.before.rules.zone),
        };
        let bookings = BookingsPreview {
            total,
            broken_count: broken.count,
            truncated: broken.is_cut(),
            broken: broken.rows().iter().filter_map(|row| self.broken(found, row)).collect(),
            outside_count: outside,
            mended_count: mended,
        };
        (bookings, slots, filled)
    }

    /// The bookings of one resource.
    fn judge(&self, what_if: &WhatIf<'_>, place: usize, one: &Found, sums: &mut Sums) {
        for (at, row) in one.bookings.iter().enumerate() {
            let Some(span) = row.span().filter(|span| !row.is_hold() && self.looks_at(span)) else {
                continue;
            };
            sums.total += 1;
            match what_if.fate(span) {
                Fate::Stays => {}
                Fate::Breaks(_) => sums.broken.push((span, place, at)),
                Fate::Mends => sums.mended += 1,
                Fate::Outside => sums.outside += 1,
            }
        }
    }

    fn looks_at(&self, span: &Span) -> bool {
        self.within.start() <= span.start() && span.start() < self.within.end()
    }

    /// The slots and the occupancy of one resource.
    fn compare(&self, what_if: &WhatIf<'_>, place: usize, one: &Found, sums: &mut Sums) {
        if self.active {
            let change = what_if.slots(&one.taken(self.now), self.now);
            sums.slots.0 += change.before as u64;
            sums.slots.1 += change.after as u64;
            change.appear.into_iter().for_each(|span| sums.appear.push((span, place, 0)));
            change.vanish.into_iter().for_each(|span| sums.vanish.push((span, place, 0)));
        }
        let (before, after) = what_if.filled(&one.booked(self.now));
        for (sum, filled) in [(&mut sums.filled.0, before), (&mut sums.filled.1, after)] {
            sum.open += filled.open;
            sum.booked += filled.booked;
        }
    }

    /// A booking that the changed rules refuse, and why.
    fn broken(&self, found: &[Found], (span, place, at): &Row) -> Option<BrokenBooking> {
        let one = found.get(*place)?;
        let row = one.bookings.get(*at)?;
        let policy = one.policy(&self.after);
        let calendar = one.calendar(&self.after, &policy);
        let day = calendar.day_of(span.start());
        let refusal = scheduling::decide::check_standing(&calendar, &day, span).err()?;
        let request = Request { quantity: row.quantity, ..Request::from(*span) };
        let explanation = calendar.explain(&Load::free(), request, &refusal);
        Some(BrokenBooking {
            booking_id: row.id,
            resource_id: one.id,
            start_time: span.start(),
            end_time: span.end(),
            code: refusal.code().to_owned(),
            message: Text::refusal(&refusal).render(self.language),
            explanation: ExplanationView::new(explanation, &self.after.rules.zone),
        })
    }
}

impl Sums {
    fn new() -> Self {
        Self {
            total: 0,
            outside: 0,
            mended: 0,
            broken: First::new(),
            slots: (0, 0),
            appear: First::new(),
            vanish: First::new(),
            filled: (Filled::default(), Filled::default()),
        }
    }
}

fn slot_views(found: &[Found], rows: First<Row>, zone: &Zone) -> Vec<PreviewedSlot> {
    let view = |(span, place, _): Row| {
        Some(PreviewedSlot {
            resource_id: found.get(place)?.id,
            start_time: zone.local(span.start()),
            end_time: zone.local(span.end()),
        })
    };
    rows.rows().into_iter().filter_map(view).collect()
}
