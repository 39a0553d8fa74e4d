//! Law 8: open minutes on a transition day are nominal − gap + overlap.

use proptest::prelude::*;
use scheduling::{Calendar, ClockTime, Span, Weekly, WorkingHours};

use crate::{
    support::{clock, config, date, rules},
    zones::{CHANGES, Change, Kind},
};

fn open_seconds(change: &Change, hours: WorkingHours) -> i64 {
    let rules = scheduling::Rules { hours, ..rules(change.zone, "00:00", "24:00", 5) };
    let always = Weekly::always();
    let calendar = Calendar::new(&rules, &always);
    let open = calendar.open(date(change.date));
    open.iter().map(|span: &Span| (span.end() - span.start()).num_seconds()).sum()
}

/// Nominal − the part of the gap inside the window + the overlap when the window reaches it.
fn expected(change: &Change, hours: WorkingHours) -> i64 {
    let seconds = |at: ClockTime| i64::from(at.seconds());
    let (start, end) = (seconds(hours.start()), seconds(hours.end()));
    let (from, to) = (seconds(clock(change.from)), seconds(clock(change.to)));
    let nominal = end - start;
    match change.kind {
        Kind::Gap => nominal - (end.min(to) - start.max(from)).max(0),
        Kind::Overlap if start < to && end >= from => nominal + to - from,
        Kind::Overlap => nominal,
    }
}

#[test]
fn law_8_open_around_the_clock() {
    let hours = WorkingHours::new(ClockTime::MIDNIGHT, ClockTime::END_OF_DAY).expect("a day");
    for change in CHANGES {
        let length = change.seconds().num_seconds();
        let wanted = match change.kind {
            Kind::Gap => 86_400 - length,
            Kind::Overlap => 86_400 + length,
        };
        assert_eq!(open_seconds(&change, hours), wanted, "{change:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn law_8_open_minutes_are_nominal_minus_gap_plus_overlap(
        index in 0..CHANGES.len(), a in 0_u32..=288, b in 0_u32..=288,
    ) {
        let edge = |step: u32| ClockTime::from_seconds(step * 300).expect("inside a day");
        let hours = WorkingHours::new(edge(a.min(b)), edge(a.max(b)));
        prop_assume!(hours.is_some());
        let (change, hours) = (CHANGES[index], hours.expect("assumed"));
        prop_assert_eq!(open_seconds(&change, hours), expected(&change, hours));
    }
}
