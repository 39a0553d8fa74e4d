//! What holds of every expansion, whatever the rule, the zone and the start.

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};
use proptest::{collection::vec, prelude::*, sample::select};
use scheduling::{
    Expansion, LocalInstant, Occurrence, Rrule, Series, SeriesEnd, Zone,
    series::{MAX_MONTHS, MAX_OCCURRENCES},
};

use crate::support::config;

use super::{
    recurrence, rrule,
    rules::{Bound, Rule, repeating, rules, starts, zones},
    series, walls,
};

fn expand(rule: &Rule, start: NaiveDateTime, zone: &Zone) -> Expansion {
    series(start, zone).expand(&rule.pattern(start), None)
}

fn text(rule: &Rule, start: NaiveDateTime, zone: &Zone, bound: &str) -> Expansion {
    series(start, zone).expand(&rrule(&format!("{}{bound}", rule.endless())), None)
}

/// What may differ between two expansions of which one is longer.
fn times(occurrences: &[Occurrence]) -> Vec<(NaiveDateTime, DateTime<Utc>)> {
    occurrences.iter().map(|one| (one.wall, one.span.start())).collect()
}

/// Whether `part` is what `whole` has of `kept`, where `whole` may have been cut at the 400th.
fn is_filtered(
    part: &Expansion,
    whole: &Expansion,
    kept: impl Fn(&Occurrence) -> bool,
) -> Result<(), TestCaseError> {
    let wanted: Vec<_> = whole.occurrences.iter().copied().filter(kept).collect();
    let given = times(&part.occurrences);
    match whole.end {
        SeriesEnd::Occurrences { .. } => prop_assert!(given.starts_with(&times(&wanted))),
        SeriesEnd::Count | SeriesEnd::Until | SeriesEnd::Months | SeriesEnd::Window { .. } => {
            prop_assert_eq!(given, times(&wanted));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_wall_clock_time_is_kept(
        rule in rules(), start in starts(), zone in zones(), minutes in 1_i64..3_000,
    ) {
        let duration = TimeDelta::minutes(minutes);
        let series = Series::new(start, zone.clone(), duration).expect("a series");
        for one in series.expand(&rule.pattern(start), None).occurrences {
            prop_assert_eq!(one.wall.time(), start.time());
            prop_assert_eq!(one.span.end() - one.span.start(), duration);
            let shown = zone.local(one.span.start()).naive_local();
            match zone.resolve(one.wall) {
                LocalInstant::Unique(_) => prop_assert_eq!((shown, one.shift), (one.wall, None)),
                LocalInstant::Overlap { earlier, .. } => {
                    prop_assert_eq!((one.span.start(), one.shift), (earlier, None));
                }
                LocalInstant::Gap { transition, .. } => {
                    prop_assert_eq!(one.shift.map(|shift| shift.to), Some(shown));
                    let gap = zone.local(transition).offset().local_minus_utc()
                        - zone.local(transition - TimeDelta::seconds(1)).offset().local_minus_utc();
                    prop_assert_eq!(shown - one.wall, TimeDelta::seconds(i64::from(gap)));
                }
            }
        }
    }

    #[test]
    fn occurrences_ascend_strictly_within_the_limits(
        rule in rules(), start in starts(), zone in zones(),
    ) {
        let expansion = expand(&rule, start, &zone);
        let limit = start.checked_add_months(chrono::Months::new(MAX_MONTHS)).expect("a time");
        prop_assert!(expansion.occurrences.len() <= MAX_OCCURRENCES);
        for (index, one) in expansion.occurrences.iter().enumerate() {
            prop_assert_eq!(one.index, index);
            prop_assert!(start <= one.wall && one.wall < limit);
        }
        for pair in expansion.occurrences.windows(2) {
            prop_assert!(pair[0].wall < pair[1].wall);
            prop_assert!(pair[0].span.start() < pair[1].span.start());
        }
        prop_assert!(expansion.missing.is_sorted_by(|a, b| a < b));
        if let SeriesEnd::Occurrences { next } = expansion.end {
            prop_assert_eq!(expansion.occurrences.len(), MAX_OCCURRENCES);
            prop_assert!(expansion.occurrences.iter().all(|one| one.wall < next.wall));
        }
    }

    #[test]
    fn the_order_of_days_does_not_matter(
        rule in rules(), start in starts(), turn in 0_usize..7, twice in any::<bool>(),
    ) {
        let mut turned = rule.clone();
        turned.by_day.reverse();
        let places = turn.min(turned.by_day.len());
        turned.by_day.rotate_left(places);
        if twice {
            turned.by_day.extend(rule.by_day.first().cloned());
        }
        turned.excluded.reverse();
        turned.others.reverse();
        prop_assert_eq!(
            Rrule::parse(&turned.text(start)), Rrule::parse(&rule.text(start))
        );
    }

    #[test]
    fn the_zone_changes_instants_only(rule in rules(), start in starts(), zone in zones()) {
        let (there, utc) = (expand(&rule, start, &zone), expand(&rule, start, &Zone::utc()));
        prop_assert_eq!(walls(&there), walls(&utc));
        prop_assert_eq!(there.missing, utc.missing);
        prop_assert_eq!(
            std::mem::discriminant(&there.end), std::mem::discriminant(&utc.end)
        );
    }

    #[test]
    fn count_takes_the_first(rule in rules(), start in starts(), zone in zones(), count in 1_usize..=400) {
        let (all, part) = (
            text(&rule, start, &zone, ""),
            text(&rule, start, &zone, &format!(";COUNT={count}")),
        );
        let taken = count.min(all.occurrences.len());
        prop_assert_eq!(&part.occurrences, &all.occurrences[..taken]);
        let whole = taken == count;
        prop_assert_eq!(part.end == SeriesEnd::Count, whole);
        prop_assert_eq!(part.end == SeriesEnd::Months, !whole);
    }

    #[test]
    fn splitting_by_until_equals_the_prefix(
        rule in rules(), start in starts(), zone in zones(),
        days in 0_u64..800, second in -2_i64..3, zulu in any::<bool>(),
    ) {
        let all = text(&rule, start, &zone, "");
        let until = start + Days::new(days) + TimeDelta::seconds(second);
        let instant = until.and_utc();
        let form = if zulu { "%Y%m%dT%H%M%SZ" } else { "%Y%m%dT%H%M%S" };
        let part = text(&rule, start, &zone, &format!(";UNTIL={}", until.format(form)));
        is_filtered(&part, &all, |one| {
            if zulu { one.span.start() <= instant } else { one.wall <= until }
        })?;
        let whole = text(&rule, start, &zone, &format!(";UNTIL={}", until.format("%Y%m%d")));
        is_filtered(&whole, &all, |one| one.wall.date() <= until.date())?;
        let limit = start.checked_add_months(chrono::Months::new(MAX_MONTHS)).expect("a time");
        prop_assert!(zulu || part.end != SeriesEnd::Months || until >= limit);
        prop_assert!(zulu || part.end != SeriesEnd::Until || until < limit);
    }

    #[test]
    fn excluded_dates_leave_the_others_as_they_are(rule in rules(), start in starts(), zone in zones()) {
        let bare = Rule { excluded: Vec::new(), ..rule.clone() };
        let (all, part) = (expand(&bare, start, &zone), expand(&rule, start, &zone));
        is_filtered(&part, &all, |one| {
            !rule.excluded.iter().any(|days| one.wall == start + Days::new(*days))
        })?;
    }

    #[test]
    fn the_window_cuts_and_tells_the_first_not_made(
        rule in rules(), start in starts(), zone in zones(), minutes in -3_000_i64..1_000_000,
    ) {
        let horizon = start.and_utc() + TimeDelta::minutes(minutes);
        let all = expand(&rule, start, &zone);
        let part = series(start, &zone).expand(&rule.pattern(start), Some(horizon));
        let inside = all.occurrences.partition_point(|one| one.span.start() <= horizon);
        prop_assert_eq!(&part.occurrences, &all.occurrences[..inside]);
        let end = match (all.occurrences.get(inside), all.end) {
            (Some(next), _) => SeriesEnd::Window { next: *next },
            (None, SeriesEnd::Occurrences { next }) if next.span.start() > horizon => {
                SeriesEnd::Window { next }
            }
            (None, end) => end,
        };
        prop_assert_eq!(part.end, end);
        prop_assert!(part.missing.iter().all(|day| *day <= zone.date(horizon).into()));
        prop_assert!(all.missing.starts_with(&part.missing));
    }

    /// Which python-dateutil does not do: it takes what is in both.
    #[test]
    fn days_with_and_without_a_number_add_up(
        start in starts(),
        freq in select(vec!["MONTHLY", "YEARLY;BYMONTH=1,5,6,11", "YEARLY"]),
        plain in select(vec!["MO", "TU,SU", "FR"]),
        numbered in select(vec!["1MO", "-1TU", "2WE,3TH", "5SU", "-5FR,1SA"]),
    ) {
        let of = |days: &str| {
            let pattern = rrule(&format!("FREQ={freq};BYDAY={days}"));
            walls(&series(start, &Zone::utc()).expand(&pattern, None))
        };
        let mut union = [of(plain), of(numbered)].concat();
        union.sort_unstable();
        union.dedup();
        prop_assert_eq!(of(&format!("{numbered},{plain}")), union);
    }

    /// The calendar repeats after 400 years, which are whole weeks.
    #[test]
    fn shifting_the_start_by_400_years_shifts_the_occurrences(
        rule in rules(), start in starts(), times in 1_u64..19,
    ) {
        let by = Days::new(146_097 * times);
        let (now, later) = (expand(&rule, start, &Zone::utc()), expand(&rule, start + by, &Zone::utc()));
        let shifted: Vec<_> = walls(&now).into_iter().map(|wall| wall + by).collect();
        prop_assert_eq!(walls(&later), shifted);
    }

    #[test]
    fn a_pattern_begins_with_its_start_and_goes_on_as_its_rule(
        repeating in repeating(), start in starts(), zone in zones(), days in proptest::option::of(0_u64..800),
    ) {
        let until = days.map(|days| start.date() + Days::new(days));
        let mut value = repeating.value;
        value["end_date"] = serde_json::json!(until);
        let given = series(start, &zone).expand(&recurrence(&value), None);
        let bound = days.map_or(Bound::Never, Bound::UntilDate);
        let ruled = expand(&Rule { bound, ..repeating.rule }, start, &zone);
        let mut wanted = walls(&ruled);
        if wanted.first() != Some(&start) {
            wanted.insert(0, start);
        }
        wanted.truncate(MAX_OCCURRENCES);
        prop_assert_eq!(walls(&given), wanted);
        prop_assert_eq!(given.missing, ruled.missing);
    }

    #[test]
    fn by_the_day_of_the_month_every_month_is_made_or_missing(
        start in starts(), interval in 1_u32..=12, zone in zones(),
    ) {
        let pattern = recurrence(&serde_json::json!({"frequency": "monthly", "interval": interval}));
        let expansion = series(start, &zone).expand(&pattern, None);
        let mut months: Vec<_> = expansion.occurrences.iter().map(|one| one.wall.date().into()).collect();
        months.extend(&expansion.missing);
        months.sort_unstable();
        let day = chrono::Datelike::day(&start);
        prop_assert!(months.iter().all(|month: &scheduling::MissingDay| month.day == day));
        let first = chrono::Datelike::with_day(&start.date(), 1).expect("a month");
        let wanted = (0..24_u32.div_ceil(interval)).map(|step| {
            let month = first + chrono::Months::new(step * interval);
            (chrono::Datelike::year(&month), chrono::Datelike::month(&month))
        });
        let given: Vec<_> = months.iter().map(|month| (month.year, month.month)).collect();
        prop_assert_eq!(given, wanted.collect::<Vec<_>>());
    }

    #[test]
    fn any_text_is_read_or_refused(
        words in vec(select(vec![
            "FREQ=", "DAILY", "MONTHLY", ";", ",", "=", ":", "\n", "EXDATE", "RRULE:", "BYDAY=", "BYMONTHDAY=",
            "BYSETPOS=", "UNTIL=", "COUNT=", "INTERVAL=", "1MO", "-1FR", "-", "0", "31", "99999999999999999999",
            "20270101", "T090000", "Z", "é", "VALUE=DATE", " ", "\r\n ", "WKST=SU",
        ]), 0..14),
        any in ".{0,40}",
    ) {
        for text in [words.concat(), format!("FREQ=DAILY;{}", words.concat()), any] {
            if let Err(faults) = Rrule::parse(&text) {
                prop_assert!(!faults.is_empty(), "{}", text);
            }
        }
    }
}
