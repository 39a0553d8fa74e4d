//! The laws of semantics.md that speak of one calendar. Law 8 is in `open_minutes`.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*};
use scheduling::{Calendar, Load, Span, check_grid, check_window, place};
use serde_json::{Value, json};

use crate::{
    scene::{Scene, fixed_scenes, scenes},
    support::{config, minutes, weekly},
};

fn listed(scene: &Scene, start: DateTime<Utc>) -> bool {
    let date = scene.rules.zone.date(start);
    let slots = scene.calendar().slots(date, &scene.taken(), scene.now);
    slots.iter().any(|slot| slot.start() == start)
}

/// The map form as the list form, last day and last range first.
fn reversed_list_form(wire: &Value) -> Value {
    const DAYS: [&str; 7] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let mut items = Vec::new();
    for (number, name) in DAYS.iter().enumerate() {
        for range in wire.get(name).and_then(Value::as_array).into_iter().flatten() {
            let (start, end) =
                range.as_str().and_then(|range| range.split_once('-')).expect("a range");
            items.push(json!({"day_of_week": number, "start_time": start, "end_time": end}));
        }
    }
    items.reverse();
    json!({"schedule": items})
}

/// Slots of a zone without changes, by civil arithmetic alone.
fn naive_slots(scene: &Scene) -> Vec<Span> {
    let Scene { rules, schedule, date, now, bookings, .. } = scene;
    let midnight = date.and_time(NaiveTime::MIN);
    let offset = *rules.zone.local(midnight.and_utc()).offset();
    let second = |at: scheduling::ClockTime| i64::from(at.seconds());
    let (opening, closing) = (second(rules.hours.start()), second(rules.hours.end()));
    let step = i64::from(rules.interval_minutes) * 60;
    let horizon = *now + TimeDelta::days(i64::from(rules.advance_days));
    let mut slots = Vec::new();
    let mut from = opening;
    while from + step <= closing {
        let start = (midnight + TimeDelta::seconds(from) - offset_delta(offset)).and_utc();
        let slot = Span::new(start, start + TimeDelta::seconds(step)).expect("a step");
        let open = schedule
            .ranges(chrono::Datelike::weekday(date))
            .iter()
            .any(|&(a, b)| second(a) <= from && from + step <= second(b).min(closing));
        let free =
            bookings.iter().all(|busy| busy.end() <= slot.start() || slot.end() <= busy.start());
        if open && free && *now < start && start <= horizon {
            slots.push(slot);
        }
        from += step;
    }
    slots
}

fn offset_delta(offset: chrono::FixedOffset) -> TimeDelta {
    TimeDelta::seconds(i64::from(offset.local_minus_utc()))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn law_2_listed_is_bookable(scene in scenes()) {
        let (calendar, taken) = (scene.calendar(), scene.taken());
        for slot in scene.slots() {
            prop_assert_eq!(
                place(&calendar, &taken, slot.start(), slot.end(), scene.now), Ok(slot)
            );
            prop_assert_eq!(
                check_window(&calendar, slot.start(), slot.end(), scene.now), Ok(slot)
            );
            prop_assert_eq!(check_grid(&calendar, &slot), Ok(()));
            prop_assert_eq!(scene.rules.zone.date(slot.start()), scene.date);
        }
    }

    #[test]
    fn law_3_bookable_on_the_grid_is_listed(scene in scenes(), slots in 1_i64..4, odd in 0_i64..60) {
        let (calendar, taken) = (scene.calendar(), scene.taken());
        let interval = i64::from(scene.rules.interval_minutes);
        for step in (-180..1_680).step_by(5) {
            for shift in [0, odd] {
                let wish = scene.span(step + shift, interval * slots);
                let (start, end) = (wish.start(), wish.end());
                if place(&calendar, &taken, start, end, scene.now) == Ok(wish) {
                    prop_assert!(listed(&scene, start), "{wish:?}");
                }
            }
        }
    }

    #[test]
    fn law_4_the_order_of_rules_and_bookings_does_not_matter(scene in scenes(), by in 0_usize..6) {
        let mut turned = scene.clone();
        turned.bookings.reverse();
        let places = by.min(turned.bookings.len());
        turned.bookings.rotate_left(places);
        prop_assert_eq!(turned.taken(), scene.taken());
        prop_assert_eq!(turned.slots(), scene.slots());
        // Naming a day closed has no list form, so an all-closed week would become "always".
        let list = reversed_list_form(&scene.wire);
        let nothing = list["schedule"].as_array().is_some_and(Vec::is_empty);
        if !nothing || scene.schedule.is_always() {
            prop_assert_eq!(weekly(&list), scene.schedule);
        }
    }

    #[test]
    fn law_5_a_closure_or_booking_never_adds_a_slot(
        scene in scenes(), start in -300_i64..1_800, length in 1_i64..900,
    ) {
        let closure = scene.span(start, length);
        let mut fuller = scene.clone();
        fuller.bookings.push(closure);
        let before = scene.slots();
        let kept: Vec<_> = before.into_iter().filter(|slot| !slot.overlaps(&closure)).collect();
        prop_assert_eq!(fuller.slots(), kept);
    }

    #[test]
    fn law_6_a_cancellation_restores_the_former_answer(
        scene in scenes(), start in 0_i64..1_440, length in 1_i64..300, at in 0_usize..6,
    ) {
        let mut ledger = scene.clone();
        let place = at.min(ledger.bookings.len());
        ledger.bookings.insert(place, scene.span(start, length));
        let _ = ledger.slots();
        ledger.bookings.remove(place);
        prop_assert_eq!(ledger.slots(), scene.slots());
        prop_assert_eq!(ledger.taken(), scene.taken());
    }

    #[test]
    fn law_7_a_reschedule_is_a_cancellation_and_a_booking(
        scene in scenes(), old in (0_i64..1_440, 1_i64..300), new in (0_i64..1_440, 1_i64..300),
    ) {
        let (old, new) = (scene.span(old.0, old.1), scene.span(new.0, new.1));
        let mut moved = scene.clone();
        moved.bookings.push(old);
        if let Some(booking) = moved.bookings.last_mut() {
            *booking = new;
        }
        let mut booked = scene.taken();
        booked.add(&new, 1);
        prop_assert_eq!(moved.taken(), booked.clone());
        prop_assert_eq!(
            moved.slots(), scene.calendar().slots(scene.date, &booked, scene.now)
        );
    }

    #[test]
    fn law_9_shifting_everything_by_weeks_shifts_the_answer(
        scene in fixed_scenes(), weeks in 0_u64..200,
    ) {
        let by = TimeDelta::days(i64::try_from(weeks * 7).expect("small"));
        let shift = |span: &Span| Span::new(span.start() + by, span.end() + by).expect("a span");
        let later = Scene {
            date: scene.date + Days::new(weeks * 7),
            now: scene.now + by,
            bookings: scene.bookings.iter().map(shift).collect(),
            ..scene.clone()
        };
        let (before, after) = (
            scene.calendar().slots_with_expiry(scene.date, &scene.taken(), scene.now),
            later.calendar().slots_with_expiry(later.date, &later.taken(), later.now),
        );
        prop_assert_eq!(after.slots, before.slots.iter().map(shift).collect::<Vec<_>>());
        prop_assert_eq!(after.valid_until, before.valid_until.map(|until| until + by));
        let open: Vec<_> = scene.calendar().open(scene.date).iter().map(shift).collect();
        prop_assert_eq!(later.calendar().open(later.date), open);
    }

    #[test]
    fn law_10_a_load_changed_step_by_step_equals_one_built_at_once(
        scene in scenes(), gone in vec((-300_i64..1_800, 1_i64..300, 1_u32..4), 0..6),
        start in -300_i64..1_800, length in 1_i64..300,
    ) {
        let mut stepwise = Load::free();
        for (start, length, quantity) in &gone {
            stepwise.add(&scene.span(*start, *length), *quantity);
        }
        for booking in &scene.bookings {
            stepwise.add(booking, 1);
        }
        for (start, length, quantity) in &gone {
            stepwise.remove(&scene.span(*start, *length), *quantity);
        }
        let taken = scene.taken();
        prop_assert_eq!(&stepwise, &taken);
        let probe = scene.span(start, length);
        let starts = scene.bookings.iter().map(Span::start).filter(|at| {
            probe.start() <= *at && *at < probe.end()
        });
        let counted = starts.chain([probe.start()]).map(|at| {
            let here = |booking: &&Span| booking.start() <= at && at < booking.end();
            scene.bookings.iter().filter(here).count() as u64
        });
        prop_assert_eq!(taken.peak(&probe), counted.max().unwrap_or(0));
    }

    #[test]
    fn slots_equal_civil_arithmetic_where_the_clock_never_changes(scene in fixed_scenes()) {
        prop_assert_eq!(scene.slots(), naive_slots(&scene));
    }

    #[test]
    fn open_time_is_sorted_disjoint_and_inside_the_hours(scene in scenes()) {
        let Calendar { rules, .. } = scene.calendar();
        let open = scene.calendar().open(scene.date);
        for pair in open.windows(2) {
            prop_assert!(pair[0].end() < pair[1].start());
        }
        let opening = rules.zone.window_start(scene.date, rules.hours.start());
        let closing = rules.zone.window_end(scene.date, rules.hours.end());
        for span in &open {
            prop_assert!(opening <= span.start() && span.end() <= closing);
        }
        for slot in scene.slots() {
            prop_assert!(open.iter().any(|span| span.contains(&slot)));
            prop_assert_eq!(slot.minutes(), i64::from(rules.interval_minutes));
        }
    }

    #[test]
    fn an_answer_holds_until_its_expiry_and_no_longer(
        scene in scenes(), later in vec(0_i64..4_000_000, 4),
    ) {
        let (calendar, taken) = (scene.calendar(), scene.taken());
        let answer = calendar.slots_with_expiry(scene.date, &taken, scene.now);
        let at = |now| calendar.slots(scene.date, &taken, now);
        prop_assert_eq!(&at(scene.now), &answer.slots);
        let lifetime = answer.valid_until.map_or(i64::MAX, |until| (until - scene.now).num_seconds());
        prop_assert!(lifetime > 0);
        for seconds in later {
            let now = scene.now + TimeDelta::seconds(seconds % lifetime);
            prop_assert_eq!(&at(now), &answer.slots, "{}", now);
        }
        if let Some(until) = answer.valid_until {
            prop_assert_eq!(&at(until - minutes(1).min(until - scene.now)), &answer.slots);
            prop_assert_eq!(&at(until - TimeDelta::nanoseconds(1)), &answer.slots);
            prop_assert_ne!(&at(until), &answer.slots);
        }
    }
}
