//! Date overrides, closures and policies by hand-written days.

use scheduling::{
    Calendar, Capacity, Claim, Closure, ClosureKind, DateOverride, Dates, Exceptions, Level, Load,
    Policy, Refusal, Request, Weekly, check_window, decide,
};

use crate::support::{clock, date, instant, rules, span};

fn dates(first: &str, last: &str, yearly: bool) -> Dates {
    Dates::new(date(first), date(last), yearly).expect("in order")
}

fn ranges(texts: &[&str]) -> Vec<(scheduling::ClockTime, scheduling::ClockTime)> {
    let range = |text: &&str| {
        let (start, end) = text.split_once('-').expect("a range");
        (clock(start), clock(end))
    };
    texts.iter().map(range).collect()
}

fn open(level: Level, dates: Dates, hours: &[&str]) -> DateOverride {
    DateOverride { level, dates, ranges: ranges(hours), reason: "obras".to_owned() }
}

fn closed(dates: Dates, hours: &[&str]) -> Closure {
    let (level, kind) = (Level::Tenant, ClosureKind::Holiday);
    Closure { level, kind, dates, ranges: ranges(hours), reason: "feriado".to_owned() }
}

/// The starts of the slots of a day in São Paulo, open 08:00–12:00 by the hour, as local times.
fn starts(day: &str, exceptions: &Exceptions) -> Vec<String> {
    let (rules, schedule) = (rules("America/Sao_Paulo", "08:00", "12:00", 60), Weekly::always());
    let calendar = Calendar { exceptions, ..Calendar::new(&rules, &schedule) };
    let now = instant("2027-01-01T00:00Z");
    let slots = calendar.slots(date(day), &Load::free(), now);
    slots.iter().map(|slot| rules.zone.local(slot.start()).format("%H:%M").to_string()).collect()
}

#[test]
fn the_more_specific_override_counts_and_one_off_before_yearly() {
    let day = dates("2027-01-04", "2027-01-04", false);
    let every_year = dates("2020-01-04", "2020-01-04", true);
    let tenant = open(Level::Tenant, day, &["14:00-16:00"]);
    let resource = open(Level::Resource, every_year, &["06:00-07:00"]);
    let category = open(Level::Category, day, &[]);
    let of = |list: &[&DateOverride]| Exceptions::new(list.iter().map(|it| (*it).clone()), []);
    assert_eq!(starts("2027-01-04", &of(&[])), ["08:00", "09:00", "10:00", "11:00"]);
    assert_eq!(starts("2027-01-04", &of(&[&tenant])), ["14:00", "15:00"]);
    assert!(starts("2027-01-04", &of(&[&tenant, &category])).is_empty());
    // Before the working hours, on their grid.
    assert_eq!(starts("2027-01-04", &of(&[&tenant, &category, &resource])), ["06:00"]);
    let own = open(Level::Resource, day, &["08:30-10:30"]);
    assert_eq!(starts("2027-01-04", &of(&[&resource, &own])), ["09:00"]);
    assert_eq!(starts("2027-01-05", &of(&[&tenant, &own])).len(), 4);
}

#[test]
fn closures_add_up_over_an_override() {
    let day = dates("2027-01-04", "2027-01-05", false);
    let exceptions = Exceptions::new(
        [open(Level::Tenant, day, &["08:00-18:00"])],
        [closed(day, &["09:00-11:00"]), closed(day, &["10:30-13:00", "17:30-18:00"])],
    );
    assert_eq!(starts("2027-01-04", &exceptions), ["08:00", "13:00", "14:00", "15:00", "16:00"]);
    let whole = Exceptions::new([], [closed(dates("2027-01-04", "2027-01-04", false), &[])]);
    assert!(starts("2027-01-04", &whole).is_empty());
    assert_eq!(starts("2027-01-05", &whole).len(), 4);
}

#[test]
fn yearly_dates_cross_the_year_and_leap_days_come_in_leap_years() {
    let holidays = dates("2019-12-24", "2020-01-02", true);
    for (day, covered) in [
        ("2026-12-23", false),
        ("2026-12-24", true),
        ("2027-01-02", true),
        ("2027-01-03", false),
        ("2019-01-01", true),
    ] {
        assert_eq!(holidays.cover(date(day)), covered, "{day}");
    }
    let leap = dates("2024-02-29", "2024-02-29", true);
    assert!(leap.cover(date("2028-02-29")));
    assert!(!leap.cover(date("2027-02-28")) && !leap.cover(date("2027-03-01")));
    assert!(Dates::new(date("2027-01-02"), date("2027-01-01"), false).is_none());
    assert!(Dates::new(date("2027-01-01"), date("2028-01-02"), false).is_none(), "367 days");
}

#[test]
fn refusals_name_what_closes() {
    let (rules, schedule) = (rules("America/Sao_Paulo", "08:00", "12:00", 60), Weekly::always());
    let monday = dates("2027-01-04", "2027-01-04", false);
    let tuesday = dates("2027-01-05", "2027-01-05", false);
    let exceptions =
        Exceptions::new([open(Level::Tenant, monday, &[])], [closed(tuesday, &["09:00-10:00"])]);
    let calendar = Calendar { exceptions: &exceptions, ..Calendar::new(&rules, &schedule) };
    let judge = |from: &str, to: &str| {
        check_window(&calendar, instant(from), instant(to), instant("2027-01-01T00:00Z"))
    };
    let shut = judge("2027-01-04T08:00-03:00", "2027-01-04T09:00-03:00").unwrap_err();
    assert_eq!(
        (shut.code(), shut.message().as_str()),
        ("closed_date", "Recurso fechado nesta data.")
    );
    let holiday = judge("2027-01-05T09:00-03:00", "2027-01-05T10:00-03:00").unwrap_err();
    let reason = "feriado".to_owned();
    assert_eq!(holiday, Refusal::Closure { kind: ClosureKind::Holiday, reason });
    let wish = Request::from(span("2027-01-05T09:00-03:00", "2027-01-05T10:00-03:00"));
    let told = calendar.explain(&Load::free(), wish, &holiday);
    assert_eq!(told.until, Some(instant("2027-01-05T10:00-03:00")));
    assert_eq!(told.reason.as_deref(), Some("feriado"));
    assert!(judge("2027-01-05T08:00-03:00", "2027-01-05T09:00-03:00").is_ok());
}

#[test]
fn policies_refuse_with_their_value() {
    let (rules, schedule) = (rules("UTC", "08:00", "18:00", 30), Weekly::always());
    let policy = Policy {
        min_notice_minutes: 120,
        min_duration_minutes: Some(60),
        max_duration_minutes: Some(90),
        ..Policy::default()
    };
    let calendar = Calendar { policy: &policy, ..Calendar::new(&rules, &schedule) };
    let judge = |from: &str, to: &str| {
        let now = instant("2027-01-04T08:00Z");
        check_window(&calendar, instant(from), instant(to), now).map_err(|refusal| refusal.code())
    };
    assert_eq!(judge("2027-01-04T09:30Z", "2027-01-04T10:30Z"), Err("too_soon"));
    assert!(judge("2027-01-04T10:00Z", "2027-01-04T11:00Z").is_ok(), "the boundary is included");
    assert_eq!(judge("2027-01-04T10:00Z", "2027-01-04T10:30Z"), Err("too_short"));
    assert_eq!(judge("2027-01-04T10:00Z", "2027-01-04T12:00Z"), Err("too_long"));
    // The slots are as long as a booking must be, on every step of the grid.
    let slots = calendar.slots(date("2027-01-04"), &Load::free(), instant("2027-01-04T08:00Z"));
    assert_eq!(slots.len(), 15);
    assert_eq!(slots[0], span("2027-01-04T10:00Z", "2027-01-04T11:00Z"));
    assert_eq!(slots[1], span("2027-01-04T10:30Z", "2027-01-04T11:30Z"));
}

#[test]
fn the_gap_between_two_bookings_is_after_plus_before() {
    let (rules, schedule) = (rules("UTC", "08:00", "18:00", 15), Weekly::always());
    let policy =
        Policy { buffer_before_minutes: 15, buffer_after_minutes: 30, ..Policy::default() };
    let calendar = Calendar { policy: &policy, ..Calendar::new(&rules, &schedule) };
    let first = span("2027-01-04T10:00Z", "2027-01-04T11:00Z");
    let taken = Load::from_spans([policy.claim(first)]);
    let judge = |from: &str, to: &str| {
        decide(&calendar, &taken, Request::from(span(from, to)), instant("2027-01-01T00:00Z"))
            .is_ok()
    };
    assert!(!judge("2027-01-04T11:30Z", "2027-01-04T12:00Z"), "45 minutes are needed");
    assert!(judge("2027-01-04T11:45Z", "2027-01-04T12:00Z"));
    assert!(!judge("2027-01-04T09:00Z", "2027-01-04T09:30Z"));
    assert!(judge("2027-01-04T09:00Z", "2027-01-04T09:15Z"));
}

#[test]
fn shared_places_are_counted_at_every_instant() {
    let (rules, schedule) = (rules("UTC", "08:00", "18:00", 60), Weekly::always());
    let policy = Policy { capacity: Capacity::Shared(10), ..Policy::default() };
    let calendar = Calendar { policy: &policy, ..Calendar::new(&rules, &schedule) };
    let now = instant("2027-01-01T00:00Z");
    let claim = |from: &str, to: &str, quantity, expires_at: Option<&str>| Claim {
        span: span(from, to),
        quantity,
        expires_at: expires_at.map(instant),
    };
    let claims = [
        claim("2027-01-04T10:00Z", "2027-01-04T11:00Z", 6, None),
        claim("2027-01-04T11:00Z", "2027-01-04T12:00Z", 4, None),
        claim("2027-01-04T10:00Z", "2027-01-04T12:00Z", 3, Some("2027-01-01T00:10Z")),
    ];
    let taken = Load::at(claims, now);
    let both = span("2027-01-04T10:00Z", "2027-01-04T12:00Z");
    assert_eq!(calendar.remaining(&taken, both), Some(1));
    let judge = |quantity| decide(&calendar, &taken, Request { quantity, ..both.into() }, now);
    assert!(judge(1).is_ok());
    assert_eq!(judge(2), Err(Refusal::Full { remaining: 1 }));
    assert_eq!(taken.next_expiry(), Some(instant("2027-01-01T00:10Z")));
    let later = Load::at(claims, instant("2027-01-01T00:10Z"));
    assert_eq!(calendar.remaining(&later, both), Some(4));
    assert_eq!(later.next_expiry(), None);
}
