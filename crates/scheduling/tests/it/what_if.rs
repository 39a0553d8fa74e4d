//! What other rules would do is what they do: compared with the slot lists and decisions of each side.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{collection::vec, prelude::*};
use scheduling::{
    Calendar, Capacity, Claim, ClockTime, Closure, ClosureKind, Dates, Exceptions, Fate, Level,
    Load, Policy, Refusal, Request, Rules, Span, Weekly, WhatIf, decide,
};
use serde_json::json;

use crate::{
    scene::{Scene, scenes},
    support::{config, date, instant, minutes, rules, span, weekly},
};

fn policies() -> impl Strategy<Value = Policy> {
    (0_u32..600, 0_u32..50, proptest::option::of(1_u32..200), proptest::option::of(60_u32..600))
        .prop_map(|(min_notice_minutes, buffer, min_duration_minutes, max_duration_minutes)| {
            Policy {
                capacity: Capacity::Exclusive,
                min_notice_minutes,
                min_duration_minutes,
                max_duration_minutes,
                buffer_before_minutes: buffer,
                buffer_after_minutes: buffer / 2,
            }
        })
}

/// A resource under two sets of rules.
#[derive(Debug)]
struct Pair {
    /// The rules of now, the schedule and the bookings.
    scene: Scene,
    /// The other rules.
    other: Rules,
    exceptions: Exceptions,
    /// Of now and then.
    policies: (Policy, Policy),
    within: Span,
    quantities: Vec<u32>,
}

fn pairs() -> impl Strategy<Value = Pair> {
    let rest = (vec(1_u32..4, 6), -3_000_i64..1_500, 1_i64..5_000);
    let capacity =
        prop_oneof![1 => Just(Capacity::Exclusive), 1 => (1_u32..5).prop_map(Capacity::Shared)];
    let closed = proptest::option::of((0_u32..1_200, 30_u32..300));
    (scenes(), scenes(), (policies(), policies(), capacity), closed, rest).prop_map(
        |(scene, other, (mut before, mut after, capacity), closed, (quantities, from, length))| {
            before.capacity = capacity;
            after.capacity = capacity;
            let exceptions = closure(&scene, closed);
            let start = scene.rules.zone.day_start(scene.date) + minutes(from);
            let within = Span::new(start, start + minutes(length)).expect("a length");
            let (other, policies) = (other.rules, (before, after));
            Pair { scene, other, exceptions, policies, within, quantities }
        },
    )
}

fn closure(scene: &Scene, closed: Option<(u32, u32)>) -> Exceptions {
    let dates = Dates::new(scene.date, scene.date, false).expect("a day");
    let at = |minute: u32| ClockTime::from_seconds(minute.min(1_440) * 60).expect("a time");
    let closures = closed.map(|(from, length)| Closure {
        level: Level::Tenant,
        kind: ClosureKind::Holiday,
        dates,
        ranges: vec![(at(from), at(from + length))],
        reason: "x".to_owned(),
    });
    Exceptions::new(None, closures)
}

impl Pair {
    fn before(&self) -> Calendar<'_> {
        let (rules, schedule) = (&self.scene.rules, &self.scene.schedule);
        Calendar { rules, schedule, exceptions: &self.exceptions, policy: &self.policies.0 }
    }

    fn after(&self) -> Calendar<'_> {
        let (rules, schedule) = (&self.other, &self.scene.schedule);
        Calendar { rules, schedule, exceptions: &self.exceptions, policy: &self.policies.1 }
    }

    fn what_if(&self) -> WhatIf<'_> {
        WhatIf::new(self.before(), self.after(), self.within)
    }

    fn taken(&self) -> Load {
        let spans = self.scene.bookings.iter().zip(&self.quantities);
        let claims = spans.map(|(span, quantity)| Claim {
            span: *span,
            quantity: *quantity,
            expires_at: None,
        });
        Load::at(claims, self.scene.now)
    }

    /// The slots of a calendar as availability lists them, day by day.
    fn listed(&self, calendar: &Calendar<'_>) -> BTreeSet<Span> {
        let zone = &calendar.rules.zone;
        let (start, end) = (self.within.start(), self.within.end());
        let first = zone.date(start) - TimeDelta::days(3);
        let dates = first.iter_days().take_while(|day| *day <= zone.date(end) + TimeDelta::days(3));
        let slots = dates.flat_map(|day| calendar.slots(day, &self.taken(), self.scene.now));
        slots.filter(|slot| start <= slot.start() && slot.start() < end).collect()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn before_and_what_appears_without_what_vanishes_is_after(pair in pairs()) {
        let change = pair.what_if().slots(&pair.taken(), pair.scene.now);
        let (before, after) = (pair.listed(&pair.before()), pair.listed(&pair.after()));
        prop_assert_eq!((change.before, change.after), (before.len(), after.len()));
        let appear: BTreeSet<Span> = change.appear.iter().copied().collect();
        let vanish: BTreeSet<Span> = change.vanish.iter().copied().collect();
        prop_assert_eq!(appear.len() + vanish.len(), change.appear.len() + change.vanish.len());
        prop_assert!(appear.is_disjoint(&before) && vanish.is_subset(&before));
        let made: BTreeSet<Span> = before.union(&appear).copied().collect();
        prop_assert_eq!(&made - &vanish, after);
    }

    #[test]
    fn a_slot_that_appears_can_be_booked_then_and_not_now(pair in pairs()) {
        let (taken, now) = (pair.taken(), pair.scene.now);
        for slot in pair.what_if().slots(&taken, now).appear {
            let request = Request::from(slot);
            prop_assert_eq!(decide::decide(&pair.after(), &taken, request, now), Ok(slot));
            let length = pair.before().slot_length();
            let same = slot.end() - slot.start() == length;
            prop_assert!(!same || decide::decide(&pair.before(), &taken, request, now).is_err());
        }
    }

    #[test]
    fn the_same_rules_change_nothing(pair in pairs()) {
        let same = WhatIf::new(pair.before(), pair.before(), pair.within);
        let change = same.slots(&pair.taken(), pair.scene.now);
        prop_assert_eq!((change.before, &change.appear[..]), (change.after, &[][..]));
        prop_assert!(change.vanish.is_empty());
        let (before, after) = same.filled(&pair.taken());
        prop_assert_eq!(before, after);
        for booking in &pair.scene.bookings {
            prop_assert!(matches!(same.fate(*booking), Fate::Stays | Fate::Outside));
        }
    }

    #[test]
    fn the_way_back_is_the_opposite(pair in pairs()) {
        let (there, back) =
            (pair.what_if(), WhatIf::new(pair.after(), pair.before(), pair.within));
        let (taken, now) = (pair.taken(), pair.scene.now);
        let (forth, home) = (there.slots(&taken, now), back.slots(&taken, now));
        prop_assert_eq!((forth.before, forth.appear), (home.after, home.vanish));
        prop_assert_eq!((forth.after, forth.vanish), (home.before, home.appear));
        let ((one, two), (three, four)) = (there.filled(&taken), back.filled(&taken));
        prop_assert_eq!((one, two), (four, three));
        for booking in &pair.scene.bookings {
            let opposite = match there.fate(*booking) {
                Fate::Breaks(_) => matches!(back.fate(*booking), Fate::Mends),
                Fate::Mends => matches!(back.fate(*booking), Fate::Breaks(_)),
                same @ (Fate::Stays | Fate::Outside) => back.fate(*booking) == same,
            };
            prop_assert!(opposite, "{booking:?}");
        }
    }

    /// Early enough and with a free place, the decision about a new booking is the same.
    #[test]
    fn what_breaks_could_not_be_made_anew(pair in pairs()) {
        for booking in &pair.scene.bookings {
            let made = |calendar: &Calendar<'_>| {
                // A moment at which neither notice nor reach is in its way, if there is one.
                let now = booking.start() - calendar.policy.notice().max(minutes(1));
                let reach = TimeDelta::days(i64::from(calendar.rules.advance_days));
                let fits = booking.start() - now <= reach;
                let decided = decide::decide(calendar, &Load::free(), Request::from(*booking), now);
                fits.then(|| decided.map(drop))
            };
            let fate = pair.what_if().fate(*booking);
            if let Some(now) = made(&pair.before()) {
                prop_assert_eq!(now.is_ok(), matches!(fate, Fate::Stays | Fate::Breaks(_)));
            }
            match (made(&pair.after()), fate) {
                (Some(then), Fate::Breaks(refusal)) => prop_assert_eq!(then, Err(refusal)),
                (Some(then), Fate::Stays | Fate::Mends) => prop_assert_eq!(then, Ok(())),
                (Some(then), Fate::Outside) => prop_assert!(then.is_err()),
                (None, _) => {}
            }
        }
    }

    /// Counted minute by minute: every span of the scenes begins and ends on one.
    #[test]
    fn occupancy_is_counted_place_by_place(pair in pairs()) {
        let taken = pair.taken();
        let (before, _) = pair.what_if().filled(&taken);
        let calendar = pair.before();
        let places = u64::from(calendar.policy.capacity.places());
        let (mut open, mut booked, mut at) = (0, 0, pair.within.start());
        let zone = &calendar.rules.zone;
        let days: Vec<_> = (zone.date(at) - TimeDelta::days(1)).iter_days().take(8)
            .map(|day| calendar.open(day)).collect();
        while at < pair.within.end() {
            let minute = Span::new(at, at + minutes(1)).expect("a minute");
            if days.iter().flatten().any(|span| span.contains(&minute)) {
                open += 60 * places;
                booked += 60 * taken.peak(&minute).min(places);
            }
            at += minutes(1);
        }
        prop_assert_eq!((before.open, before.booked), (open, booked));
        prop_assert!(before.booked <= before.open);
    }
}

fn at_six(schedule: &Weekly, rules: [&Rules; 2], booking: Span) -> Fate {
    let within = span("2027-03-02T00:00:00Z", "2027-03-09T00:00:00Z");
    let [before, after] = rules.map(|rules| Calendar::new(rules, schedule));
    WhatIf::new(before, after, within).fate(booking)
}

#[test]
fn each_rule_of_time_can_break_a_booking() {
    let always = weekly(&json!({}));
    let now = rules("America/Sao_Paulo", "06:00", "22:00", 60);
    // Six to eight in the evening of Tuesday.
    let booking = span("2027-03-02T21:00:00Z", "2027-03-02T23:00:00Z");
    let broken = |other: &Rules| match at_six(&always, [&now, other], booking) {
        Fate::Breaks(refusal) => refusal.code(),
        fate @ (Fate::Stays | Fate::Mends | Fate::Outside) => panic!("{fate:?}"),
    };
    assert_eq!(at_six(&always, [&now, &now], booking), Fate::Stays);
    let narrow = rules("America/Sao_Paulo", "06:00", "19:00", 60);
    assert_eq!(broken(&narrow), "outside_working_hours");
    let longer = rules("America/Sao_Paulo", "06:00", "22:00", 90);
    assert_eq!(broken(&longer), "duration_not_multiple");
    let later = rules("America/Sao_Paulo", "06:30", "22:00", 60);
    assert_eq!(broken(&later), "off_grid");
    let elsewhere = rules("Asia/Tokyo", "06:00", "22:00", 60);
    assert_eq!(at_six(&always, [&now, &elsewhere], booking), Fate::Stays);
    let far = rules("Pacific/Auckland", "06:00", "11:00", 60);
    assert_eq!(broken(&far), "outside_working_hours");
    // Reach is not asked again.
    let near = Rules { advance_days: 0, ..now.clone() };
    assert_eq!(at_six(&always, [&now, &near], booking), Fate::Stays);
    // What is outside already is not broken by the change, and may be mended by one.
    assert_eq!(at_six(&always, [&narrow, &longer], booking), Fate::Outside);
    assert_eq!(at_six(&always, [&narrow, &now], booking), Fate::Mends);
    let closed = weekly(&json!({ "tuesday": [] , "monday": ["06:00-22:00"] }));
    assert_eq!(at_six(&closed, [&now, &narrow], booking), Fate::Outside);
}

#[test]
fn lengths_of_the_policy_can_break_a_booking() {
    let (always, now) = (weekly(&json!({})), rules("UTC", "06:00", "22:00", 60));
    let long = Policy { max_duration_minutes: Some(60), ..Policy::default() };
    let within = span("2027-03-02T00:00:00Z", "2027-03-03T00:00:00Z");
    let before = Calendar::new(&now, &always);
    let what_if = WhatIf::new(before, Calendar { policy: &long, ..before }, within);
    let booking = span("2027-03-02T08:00:00Z", "2027-03-02T10:00:00Z");
    assert_eq!(what_if.fate(booking), Fate::Breaks(Refusal::TooLong { minutes: 60 }));
}

#[test]
fn another_interval_is_another_set_of_slots() {
    let always = weekly(&json!({}));
    let (hour, half) = (rules("UTC", "06:00", "08:00", 60), rules("UTC", "06:00", "08:00", 30));
    let within = span("2027-03-02T00:00:00Z", "2027-03-03T00:00:00Z");
    let what_if = WhatIf::new(Calendar::new(&hour, &always), Calendar::new(&half, &always), within);
    let now = instant("2027-03-01T00:00:00Z");
    assert_eq!(hour.zone.date(now), date("2027-03-01"));
    let change = what_if.slots(&Load::free(), now);
    assert_eq!((change.before, change.after), (2, 4));
    assert_eq!((change.appear.len(), change.vanish.len()), (4, 2));
    let booked = Load::from_spans([span("2027-03-02T07:30:00Z", "2027-03-02T09:00:00Z")]);
    let (before, after) = what_if.filled(&booked);
    assert_eq!((before, before.open, before.booked), (after, 7_200, 1_800));
}
