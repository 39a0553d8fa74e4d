//! The search finds the first of what the brute force finds, and rules out nothing that fits.

use chrono::TimeDelta;
use proptest::{collection::vec, prelude::*};
use scheduling::{
    Calendar, Capacity, Claim, ClockTime, Closure, ClosureKind, DateOverride, Dates, Exceptions,
    Level, Load, Policy, Span, Wish,
};

use crate::{
    scene::{Scene, scenes},
    support::{config, minutes},
};

fn policies() -> impl Strategy<Value = Policy> {
    let capacity =
        prop_oneof![1 => Just(Capacity::Exclusive), 1 => (1_u32..5).prop_map(Capacity::Shared)];
    (capacity, 0_u32..600, 0_u32..50, 0_u32..50, proptest::option::of(60_u32..600)).prop_map(
        |(capacity, min_notice_minutes, before, after, max_duration_minutes)| Policy {
            capacity,
            min_notice_minutes,
            min_duration_minutes: None,
            max_duration_minutes,
            buffer_before_minutes: before,
            buffer_after_minutes: after,
        },
    )
}

/// On the date of the scene: perhaps other hours, perhaps a closure.
fn exceptions(scene: &Scene, other: Option<(u32, u32)>, closed: Option<(u32, u32)>) -> Exceptions {
    let dates = Dates::new(scene.date, scene.date, false).expect("a day");
    let range = |(from, length): (u32, u32)| {
        let at = |minute: u32| ClockTime::from_seconds(minute.min(1_440) * 60).expect("a time");
        (at(from), at(from + length))
    };
    let overrides = other.map(|it| DateOverride {
        level: Level::Resource,
        dates,
        ranges: vec![range(it)],
        reason: String::new(),
    });
    let closures = closed.map(|it| Closure {
        level: Level::Tenant,
        kind: ClosureKind::Holiday,
        dates,
        ranges: vec![range(it)],
        reason: String::new(),
    });
    Exceptions::new(overrides, closures)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_first_fitting_is_the_first_of_all_that_fit(
        scene in scenes(),
        policy in policies(),
        other in proptest::option::of((0_u32..1_200, 30_u32..600)),
        closed in proptest::option::of((0_u32..1_200, 30_u32..300)),
        quantities in vec(1_u32..4, 6),
        steps in 1_i64..5,
        quantity in 1_u32..4,
        edges in (-200_i64..1_600, 30_i64..2_000),
    ) {
        let exceptions = exceptions(&scene, other, closed);
        let calendar = Calendar {
            rules: &scene.rules, schedule: &scene.schedule, exceptions: &exceptions, policy: &policy,
        };
        let claims = scene.bookings.iter().zip(quantities).map(|(span, quantity)| Claim {
            span: *span, quantity, expires_at: None,
        });
        let taken = Load::at(claims, scene.now);
        let length = TimeDelta::minutes(i64::from(scene.rules.interval_minutes) * steps);
        let day = calendar.day(scene.date);
        let midnight = scene.rules.zone.day_start(scene.date);
        let from = midnight + minutes(edges.0);
        let within = Span::new(from, from + minutes(edges.1)).expect("a length");
        let wish = Wish { within, length, quantity };
        let all = calendar.fitting(scene.date, &taken, length, quantity, scene.now);
        let inside: Vec<Span> = all.into_iter().filter(|span| within.contains(span)).collect();
        let mut found = Vec::new();
        let mut next = within.start();
        while let Some(span) =
            calendar.first_fitting(&day, &taken, &wish, (next, within.end()), scene.now)
        {
            next = span.start() + minutes(1);
            found.push(span);
        }
        prop_assert_eq!(&found, &inside);
        if let Some(first) = found.first() {
            let bound = (within.start(), first.start());
            prop_assert_eq!(calendar.first_fitting(&day, &taken, &wish, bound, scene.now), None);
            prop_assert!(i64::from(calendar.longest_free(&day, &taken)) >= length.num_minutes());
            let open = calendar.first_open(&day, within.start()).expect("it is open");
            prop_assert!(open <= first.start());
        }
    }
}
