//! The laws of semantics.md with everything a calendar can have: date overrides, closures, policies,
//! shared capacity, holds.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*, sample::select};
use scheduling::{
    Calendar, Capacity, Claim, Closure, ClosureKind, DateOverride, Dates, Exceptions, Layer, Level,
    Load, Policy, Refusal, Request, Span, check_free, decide,
};

use crate::{
    scene::{Scene, scenes},
    support::{clock, config, minutes},
};

#[derive(Clone, Debug)]
struct Stage {
    scene: Scene,
    overrides: Vec<DateOverride>,
    closures: Vec<Closure>,
    exceptions: Exceptions,
    policy: Policy,
    claims: Vec<Claim>,
}

impl Stage {
    fn calendar(&self) -> Calendar<'_> {
        Calendar {
            exceptions: &self.exceptions,
            policy: &self.policy,
            ..Calendar::new(&self.scene.rules, &self.scene.schedule)
        }
    }

    fn load(&self) -> Load {
        Load::at(self.claims.iter().copied(), self.scene.now)
    }

    fn slots(&self) -> Vec<Span> {
        self.calendar().slots(self.scene.date, &self.load(), self.scene.now)
    }

    fn decide(&self, span: Span, quantity: u32) -> Result<Span, Refusal> {
        let request = Request { quantity, ..Request::from(span) };
        decide(&self.calendar(), &self.load(), request, self.scene.now)
    }

    fn with(mut self, overrides: Vec<DateOverride>, closures: Vec<Closure>) -> Self {
        self.exceptions = Exceptions::new(overrides.clone(), closures.clone());
        (self.overrides, self.closures) = (overrides, closures);
        self
    }
}

fn levels() -> impl Strategy<Value = Level> {
    select(vec![Level::Tenant, Level::Category, Level::Resource])
}

fn ranges() -> impl Strategy<Value = Vec<(scheduling::ClockTime, scheduling::ClockTime)>> {
    let range = (0_u32..46, 1_u32..20).prop_map(|(start, length)| {
        let at = |half: u32| match half {
            48.. => clock("24:00"),
            half => clock(&format!("{:02}:{:02}", half / 2, half % 2 * 30)),
        };
        (at(start), at(start + length))
    });
    vec(range, 0..3)
}

fn dates(date: NaiveDate) -> impl Strategy<Value = Dates> {
    (-2_i64..=1, 0_i64..3, any::<bool>(), 0_i64..3).prop_map(move |(from, days, yearly, years)| {
        let back = if yearly { TimeDelta::days(365 * years) } else { TimeDelta::zero() };
        let first = date + TimeDelta::days(from) - back;
        Dates::new(first, first + TimeDelta::days(days), yearly).expect("in order")
    })
}

fn overrides(date: NaiveDate) -> impl Strategy<Value = DateOverride> {
    let reason = select(vec!["", "a", "b"]);
    (levels(), dates(date), ranges(), reason).prop_map(|(level, dates, ranges, reason)| {
        DateOverride { level, dates, ranges, reason: reason.to_owned() }
    })
}

fn closures(date: NaiveDate) -> impl Strategy<Value = Closure> {
    let kind = select(vec![ClosureKind::Holiday, ClosureKind::Maintenance, ClosureKind::Closure]);
    (levels(), kind, dates(date), ranges()).prop_map(|(level, kind, dates, ranges)| Closure {
        level,
        kind,
        dates,
        ranges,
        reason: String::new(),
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let capacity = prop_oneof![
        1 => Just(Capacity::Exclusive),
        1 => (1_u32..5).prop_map(Capacity::Shared),
    ];
    let buffers = select(vec![0_u32, 10, 45, 1_440]);
    let notice = select(vec![0_u32, 30, 3_000]);
    let length = || option::weighted(0.3, 1_u32..200);
    (capacity, buffers.clone(), buffers, notice, length(), length()).prop_map(
        |(capacity, before, after, notice, least, most)| Policy {
            capacity,
            min_notice_minutes: notice,
            min_duration_minutes: least,
            max_duration_minutes: most,
            buffer_before_minutes: before,
            buffer_after_minutes: after,
        },
    )
}

fn stages() -> impl Strategy<Value = Stage> {
    scenes().prop_flat_map(|scene| {
        let (date, now) = (scene.date, scene.now);
        let midnight = scene.rules.zone.day_start(date);
        let claim = (-300_i64..1_800, 1_i64..300, 1_u32..4, option::weighted(0.3, -5_i64..2_000));
        let claims = vec(claim, 0..6).prop_map(move |claims| {
            let claim = |(start, length, quantity, expiry): (i64, i64, u32, Option<i64>)| Claim {
                span: Span::new(midnight + minutes(start), midnight + minutes(start + length))
                    .expect("a length"),
                quantity,
                expires_at: expiry.map(|after| now + minutes(after)),
            };
            claims.into_iter().map(claim).collect::<Vec<Claim>>()
        });
        let (overrides, closures) = (vec(overrides(date), 0..3), vec(closures(date), 0..3));
        (overrides, closures, policies(), claims).prop_map(
            move |(overrides, closures, policy, claims)| {
                let exceptions = Exceptions::NONE.clone();
                let scene = scene.clone();
                Stage { scene, exceptions, policy, claims, overrides: vec![], closures: vec![] }
                    .with(overrides, closures)
            },
        )
    })
}

/// Places taken at an instant, counted one by one.
fn taken_at(claims: &[Claim], now: DateTime<Utc>, at: DateTime<Utc>) -> u64 {
    let counts = |claim: &&Claim| {
        claim.expires_at.is_none_or(|end| now < end)
            && claim.span.start() <= at
            && at < claim.span.end()
    };
    claims.iter().filter(counts).map(|claim| u64::from(claim.quantity)).sum()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn law_1_what_is_accepted_fits_at_every_instant(
        stage in stages(), start in -60_i64..1_500, length in 1_i64..300, quantity in 1_u32..5,
    ) {
        let span = stage.scene.span(start, length);
        let policy = &stage.policy;
        let accepted = check_free(&stage.calendar(), &stage.load(), span, quantity);
        let claim = policy.claim(span);
        let edges = stage.claims.iter().map(|claim| claim.span.start()).chain([claim.start()]);
        let inside = edges.filter(|at| claim.start() <= *at && *at < claim.end());
        let peak = inside.map(|at| taken_at(&stage.claims, stage.scene.now, at)).max();
        let wanted = u64::from(policy.capacity.taken_by(quantity));
        let fits = peak.unwrap_or(0) + wanted <= u64::from(policy.capacity.places());
        prop_assert_eq!(accepted.is_ok(), fits, "{:?}", accepted);
    }

    #[test]
    fn law_2_listed_is_bookable_with_everything(stage in stages()) {
        for slot in stage.slots() {
            prop_assert_eq!(stage.decide(slot, 1), Ok(slot));
            if let Some(remaining) = stage.calendar().remaining(&stage.load(), slot) {
                prop_assert_eq!(stage.decide(slot, remaining), Ok(slot));
                prop_assert_eq!(stage.decide(slot, remaining + 1), Err(Refusal::Full { remaining }));
            }
        }
    }

    #[test]
    fn law_3_bookable_on_the_grid_is_listed_with_everything(stage in stages(), slots in 1_i64..4) {
        let interval = i64::from(stage.scene.rules.interval_minutes);
        for step in (-180..1_680).step_by(5) {
            let wish = stage.scene.span(step, interval * slots);
            if stage.decide(wish, 1) == Ok(wish) {
                let date = stage.scene.rules.zone.date(wish.start());
                let listed = stage.calendar().slots(date, &stage.load(), stage.scene.now);
                prop_assert!(listed.iter().any(|slot| slot.start() == wish.start()), "{wish:?}");
            }
        }
    }

    #[test]
    fn law_4_the_order_of_exceptions_and_claims_does_not_matter(stage in stages()) {
        let mut turned = stage.clone();
        turned.overrides.reverse();
        turned.closures.reverse();
        turned.claims.reverse();
        let (overrides, closures) = (turned.overrides.clone(), turned.closures.clone());
        let turned = turned.with(overrides, closures);
        prop_assert_eq!(&turned.exceptions, &stage.exceptions);
        prop_assert_eq!(turned.load(), stage.load());
        prop_assert_eq!(turned.slots(), stage.slots());
    }

    #[test]
    fn law_5_neither_a_closure_nor_a_claim_adds_a_slot(
        (stage, closure) in stages().prop_flat_map(|stage| {
            let date = stage.scene.date;
            (Just(stage), closures(date))
        }),
        start in -300_i64..1_800, length in 1_i64..900, quantity in 1_u32..4,
    ) {
        let before = stage.slots();
        let mut closures = stage.closures.clone();
        closures.push(closure);
        let closed = stage.clone().with(stage.overrides.clone(), closures);
        prop_assert!(closed.slots().iter().all(|slot| before.contains(slot)));
        let mut fuller = stage.clone();
        let span = stage.scene.span(start, length);
        fuller.claims.push(Claim { span, quantity, expires_at: None });
        prop_assert!(fuller.slots().iter().all(|slot| before.contains(slot)));
    }

    #[test]
    fn law_6_an_expired_hold_restores_the_former_answer(
        stage in stages(), start in 0_i64..1_440, length in 1_i64..300, ago in 0_i64..100,
    ) {
        let mut held = stage.clone();
        let (span, now) = (stage.scene.span(start, length), stage.scene.now);
        held.claims.push(Claim { span, quantity: 1, expires_at: Some(now - minutes(ago)) });
        prop_assert_eq!(held.load(), stage.load());
        prop_assert_eq!(held.slots(), stage.slots());
    }

    #[test]
    fn an_answer_holds_until_it_says(stage in stages(), after in 0_i64..3_000_000) {
        let (date, now) = (stage.scene.date, stage.scene.now);
        let answer = stage.calendar().slots_with_expiry(date, &stage.load(), now);
        let mut later = stage.clone();
        later.scene.now = match answer.valid_until {
            Some(until) => now + (until - now).min(TimeDelta::seconds(after)) - TimeDelta::microseconds(1),
            None => now + TimeDelta::seconds(after),
        };
        if later.scene.now > now {
            prop_assert_eq!(later.slots(), answer.slots);
        }
    }

    #[test]
    fn an_explanation_names_a_layer_that_really_hides(
        stage in stages(), start in -60_i64..1_500, steps in 1_i64..4, quantity in 1_u32..4,
    ) {
        let span = stage.scene.span(start, steps * i64::from(stage.scene.rules.interval_minutes));
        let Err(refusal) = stage.decide(span, quantity) else { return Ok(()) };
        let (calendar, load) = (stage.calendar(), stage.load());
        let request = Request { quantity, ..Request::from(span) };
        let told = calendar.explain(&load, request, &refusal);
        prop_assert_eq!(told.rule, refusal.code());
        match told.layer {
            Layer::Busy => {
                let places = u64::from(stage.policy.capacity.places());
                let needed = u64::from(stage.policy.capacity.taken_by(quantity));
                if let Some(until) = told.until {
                    let moment = Span::new(until, until + TimeDelta::seconds(1)).expect("a second");
                    prop_assert!(load.peak(&moment) + needed <= places);
                    prop_assert!(until > stage.policy.claim(span).start());
                } else {
                    prop_assert!(needed > places, "only what never fits has no end");
                }
            }
            Layer::Closure => {
                let open = stage.clone().with(stage.overrides.clone(), Vec::new());
                let without = open.decide(span, quantity);
                let still = matches!(without, Err(Refusal::Closure { .. }));
                prop_assert!(!still);
                prop_assert!(told.until.is_some_and(|until| until > span.start()));
            }
            Layer::DateOverride => prop_assert!(!stage.overrides.is_empty()),
            Layer::Open | Layer::Policy => {}
        }
    }

    #[test]
    fn the_nearest_alternatives_are_bookable_and_none_is_nearer(
        stage in stages(), start in 0_i64..1_440, quantity in 1_u32..3,
    ) {
        let (calendar, load, now) = (stage.calendar(), stage.load(), stage.scene.now);
        let span = stage.scene.span(start, i64::from(stage.scene.rules.interval_minutes));
        let wish = Request { quantity, ..Request::from(span) };
        let found = calendar.nearest(&load, wish, now, 3, 3);
        let date = stage.scene.rules.zone.date(span.start());
        let length = span.end() - span.start();
        let all = (-3..=3).flat_map(|away| {
            calendar.fitting(date + TimeDelta::days(away), &load, length, quantity, now)
        });
        let mut all: Vec<Span> = all.collect();
        all.sort_by_key(|slot| ((slot.start() - span.start()).abs(), slot.start()));
        all.truncate(3);
        prop_assert_eq!(found, all);
    }
}
