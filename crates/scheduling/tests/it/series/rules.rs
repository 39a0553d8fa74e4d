//! Rules and starts for the laws.

use std::fmt::Write as _;

use chrono::{Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use proptest::{
    collection::vec,
    option::of,
    prelude::*,
    sample::{select, subsequence},
};
use scheduling::{Pattern, Zone};
use serde_json::{Value, json};

use super::rrule;
use crate::support::zone;

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const ZONES: [&str; 13] = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "Australia/Eucla",
    "America/Sao_Paulo",
];

/// The parts of a rule, as texts, and how long after the start it ends.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) freq: &'static str,
    pub(crate) interval: u32,
    pub(crate) by_day: Vec<String>,
    pub(crate) others: Vec<String>,
    pub(crate) bound: Bound,
    /// Days after the start; the time of day is that of the start.
    pub(crate) excluded: Vec<u64>,
    pub(crate) excluded_are_dates: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Never,
    Count(u32),
    UntilDate(u64),
    /// Days after the start and seconds of that day.
    UntilTime(u64, u32),
}

impl Rule {
    /// The line of the rule without its bound.
    pub(crate) fn endless(&self) -> String {
        let mut text = format!("FREQ={};INTERVAL={}", self.freq, self.interval);
        if !self.by_day.is_empty() {
            let _ = write!(text, ";BYDAY={}", self.by_day.join(","));
        }
        for other in &self.others {
            let _ = write!(text, ";{other}");
        }
        text
    }

    pub(crate) fn text(&self, start: NaiveDateTime) -> String {
        let mut text = self.endless();
        let later = |days: u64| start.checked_add_days(Days::new(days)).expect("a date");
        let _ = match self.bound {
            Bound::Never => Ok(()),
            Bound::Count(count) => write!(text, ";COUNT={count}"),
            Bound::UntilDate(days) => write!(text, ";UNTIL={}", later(days).format("%Y%m%d")),
            Bound::UntilTime(days, second) => {
                let day = later(days).date().and_time(NaiveTime::MIN);
                let until = day + TimeDelta::seconds(i64::from(second));
                write!(text, ";UNTIL={}", until.format("%Y%m%dT%H%M%S"))
            }
        };
        let (name, form) = if self.excluded_are_dates {
            ("EXDATE;VALUE=DATE", "%Y%m%d")
        } else {
            ("EXDATE", "%Y%m%dT%H%M%S")
        };
        for days in &self.excluded {
            let _ = write!(text, "\n{name}:{}", later(*days).format(form));
        }
        text
    }

    pub(crate) fn pattern(&self, start: NaiveDateTime) -> Pattern {
        rrule(&self.text(start))
    }
}

/// Any second of 2024 to 2035.
pub(crate) fn starts() -> impl Strategy<Value = NaiveDateTime> {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a date").and_time(NaiveTime::MIN);
    let nights = prop_oneof![3 => 0_i64..24, 2 => 0_i64..4, 1 => Just(23_i64)];
    // The ends of months and the last days of February more often than chance has them.
    let days = prop_oneof![
        4 => (0_u64..4_383).prop_map(move |days| first + Days::new(days)),
        1 => (0_u32..144).prop_map(move |month| {
            first + Months::new(month + 1) - Days::new(1)
        }),
    ];
    (days, nights, 0_i64..60, prop_oneof![3 => Just(0_i64), 1 => 0_i64..60]).prop_map(
        |(day, hour, minute, second)| {
            day + TimeDelta::hours(hour) + TimeDelta::minutes(minute) + TimeDelta::seconds(second)
        },
    )
}

pub(crate) fn zones() -> impl Strategy<Value = Zone> {
    select(ZONES.as_slice()).prop_map(zone)
}

/// Rules of every frequency. Days with and without a number are never mixed: python-dateutil takes
/// what is in both, RFC 5545 what is in either.
pub(crate) fn rules() -> impl Strategy<Value = Rule> {
    let freq = select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    (freq, bounds(), vec(0_u64..500, 0..4), any::<bool>()).prop_flat_map(
        |(freq, bound, excluded, excluded_are_dates)| {
            let interval = match freq {
                "DAILY" => prop_oneof![3 => Just(1), 3 => 1_u32..10, 1 => 1_u32..=400].boxed(),
                "WEEKLY" => prop_oneof![3 => Just(1), 3 => 1_u32..6, 1 => 1_u32..110].boxed(),
                "MONTHLY" => prop_oneof![3 => Just(1), 3 => 1_u32..6, 1 => 1_u32..26].boxed(),
                _ => prop_oneof![3 => Just(1), 1 => 1_u32..3].boxed(),
            };
            (interval, days(freq), others(freq)).prop_map(
                move |(interval, mut by_day, mut others)| {
                    if others.iter().any(|part| part.starts_with("BYMONTH=")) {
                        by_day.retain(|day| is_in_month(day));
                    }
                    if by_day.is_empty() && others.iter().all(|part| !part.starts_with("BYMONTH")) {
                        others.retain(|part| !part.starts_with("BYSETPOS"));
                    }
                    let (bound, excluded) = (bound.clone(), excluded.clone());
                    Rule { freq, interval, by_day, others, bound, excluded, excluded_are_dates }
                },
            )
        },
    )
}

/// At most the fifth of its kind.
fn is_in_month(day: &str) -> bool {
    let number = day.trim_start_matches('-').trim_end_matches(|last: char| last.is_alphabetic());
    number.is_empty() || number.parse::<u32>().is_ok_and(|number| number <= 5)
}

fn bounds() -> impl Strategy<Value = Bound> {
    prop_oneof![
        2 => Just(Bound::Never),
        2 => (1_u32..=60).prop_map(Bound::Count),
        1 => (1_u32..=400).prop_map(Bound::Count),
        2 => (0_u64..900).prop_map(Bound::UntilDate),
        2 => (0_u64..900, 0_u32..86_400).prop_map(|(days, second)| Bound::UntilTime(days, second)),
    ]
}

fn days(freq: &str) -> BoxedStrategy<Vec<String>> {
    let names = || subsequence(WEEKDAYS.to_vec(), 1..=7).prop_shuffle();
    let plain = names().prop_map(|days| days.into_iter().map(str::to_owned).collect());
    let most = match freq {
        "MONTHLY" => 5_i32,
        "YEARLY" => 53,
        _ => return prop_oneof![1 => Just(Vec::new()), 2 => plain].boxed(),
    };
    let nth = prop_oneof![3 => 1_i32..=5, 1 => 1..=most];
    let numbered = (nth, any::<bool>(), select(WEEKDAYS.as_slice()));
    let numbered =
        numbered.prop_map(
            |(nth, back, day)| {
                if back { format!("-{nth}{day}") } else { format!("{nth}{day}") }
            },
        );
    prop_oneof![2 => Just(Vec::new()), 1 => plain, 2 => vec(numbered, 1..4)].boxed()
}

fn others(freq: &str) -> BoxedStrategy<Vec<String>> {
    let signed =
        |most: i32| (1..=most, any::<bool>()).prop_map(|(n, back)| if back { -n } else { n });
    let month_days = prop_oneof![2 => signed(31), 1 => signed(3), 1 => 28..=31_i32];
    let list = |name: &'static str, numbers: Vec<i32>| {
        let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        format!("{name}={}", texts.join(","))
    };
    let month_day = match freq {
        "WEEKLY" => Just(None).boxed(),
        _ => of(vec(month_days, 1..4).prop_map(move |days| list("BYMONTHDAY", days))).boxed(),
    };
    let month = prop_oneof![
        3 => Just(None),
        1 => vec(1..=12, 1..4).prop_map(move |months| Some(list("BYMONTH", months))),
    ];
    let position = prop_oneof![2 => signed(4), 1 => signed(40), 1 => signed(366)];
    let position = prop_oneof![
        2 => Just(None),
        1 => vec(position, 1..4).prop_map(move |places| Some(list("BYSETPOS", places))),
    ];
    let week = of(select(WEEKDAYS.as_slice()).prop_map(|day| format!("WKST={day}")));
    (month_day, month, position, week)
        .prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect())
        .boxed()
}

/// A `recurring_pattern`, and the rule that gives the occurrences after its first.
#[derive(Clone, Debug)]
pub(crate) struct Repeating {
    pub(crate) value: Value,
    pub(crate) rule: Rule,
}

pub(crate) fn repeating() -> impl Strategy<Value = Repeating> {
    let frequency = select(vec![("daily", "DAILY"), ("weekly", "WEEKLY"), ("monthly", "MONTHLY")]);
    (frequency, 1_u32..=52, subsequence(vec![0_usize, 1, 2, 3, 4, 5, 6], 0..=7)).prop_map(
        |((frequency, freq), interval, days)| {
            let value =
                json!({"frequency": frequency, "interval": interval, "days_of_week": &days});
            let named = if freq == "WEEKLY" { days } else { Vec::new() };
            let by_day = named.into_iter().map(|day| WEEKDAYS[day].to_owned()).collect();
            let rule = Rule {
                freq,
                interval,
                by_day,
                others: Vec::new(),
                bound: Bound::Never,
                excluded: Vec::new(),
                excluded_are_dates: false,
            };
            Repeating { value, rule }
        },
    )
}
