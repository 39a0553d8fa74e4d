//! The rules of the contract, section 6: messages, order, boundaries.

use chrono::{DateTime, TimeDelta, Utc};
use scheduling::{Calendar, Load, Refusal, Rules, Span, Weekly, check_grid, check_window, place};
use serde_json::json;

use crate::support::{date, instant, minutes, rules, span, weekly};

/// São Paulo, 08:00 to 18:00, 30 minutes, 30 days; Monday 09:00 to 12:00 and 14:00 to 17:00.
fn clinic() -> (Rules, Weekly) {
    let schedule = weekly(&json!({"monday": ["09:00-12:00", "14:00-17:00"]}));
    (rules("America/Sao_Paulo", "08:00", "18:00", 30), schedule)
}

const NOW: &str = "2027-01-01T12:00-03:00";

fn decide(start: &str, end: &str) -> Result<Span, Refusal> {
    let (rules, schedule) = clinic();
    let taken = Load::from_spans([span("2027-01-04T10:00-03:00", "2027-01-04T11:00-03:00")]);
    let calendar = Calendar::new(&rules, &schedule);
    place(&calendar, &taken, instant(start), instant(end), instant(NOW))
}

#[test]
fn messages_and_codes() {
    for (refusal, code, message) in [
        (
            Refusal::EndBeforeStart,
            "end_before_start",
            "Horário final deve ser maior que o inicial.",
        ),
        (
            Refusal::NotInFuture,
            "not_in_future",
            "Agendamentos devem ser criados para horários futuros.",
        ),
        (
            Refusal::TooFarAhead { days: 30 },
            "too_far_ahead",
            "Agendamentos só podem ser feitos com até 30 dias de antecedência.",
        ),
        (
            Refusal::NotAMultiple { minutes: 45 },
            "duration_not_multiple",
            "Duração deve ser múltiplo de 45 minutos.",
        ),
        (Refusal::OutsideHours, "outside_working_hours", "Horário fora do expediente configurado."),
        (Refusal::ClosedWeekday, "closed_weekday", "Recurso indisponível neste dia da semana."),
        (
            Refusal::OutsideSchedule,
            "outside_schedule",
            "Horário não permitido na disponibilidade do recurso.",
        ),
        (Refusal::Taken, "conflict", "Recurso já possui reserva neste intervalo"),
        (
            Refusal::OffGrid { minutes: 30 },
            "off_grid",
            "Horário inicial deve respeitar intervalos de 30 minutos.",
        ),
    ] {
        assert_eq!((refusal.code(), refusal.message().as_str()), (code, message));
    }
}

/// Each request breaks the rule it is named for and every later one that it can break too.
#[test]
fn the_first_broken_rule_in_the_order_of_the_contract_is_told() {
    let cases = [
        // a: the end before the start, in the past, off the grid.
        ("2026-12-31T20:10-03:00", "2026-12-31T20:05-03:00", Refusal::EndBeforeStart),
        // b: in the past, odd length, after closing.
        ("2026-12-31T20:10-03:00", "2026-12-31T20:15-03:00", Refusal::NotInFuture),
        // c: too far, odd length, after closing.
        ("2027-03-01T20:10-03:00", "2027-03-01T20:15-03:00", Refusal::TooFarAhead { days: 30 }),
        // d: odd length, after closing.
        ("2027-01-05T20:10-03:00", "2027-01-05T20:15-03:00", Refusal::NotAMultiple { minutes: 30 }),
        // e: after closing on a closed weekday, off the grid.
        ("2027-01-05T20:10-03:00", "2027-01-05T20:40-03:00", Refusal::OutsideHours),
        // Closed weekday, off the grid.
        ("2027-01-05T10:10-03:00", "2027-01-05T10:40-03:00", Refusal::ClosedWeekday),
        // Outside the schedule, over a booking, off the grid.
        ("2027-01-04T10:40-03:00", "2027-01-04T12:10-03:00", Refusal::OutsideSchedule),
        // Over a booking, off the grid.
        ("2027-01-04T10:40-03:00", "2027-01-04T11:40-03:00", Refusal::Taken),
        // f: off the grid only.
        ("2027-01-04T11:10-03:00", "2027-01-04T11:40-03:00", Refusal::OffGrid { minutes: 30 }),
    ];
    for (start, end, refusal) in cases {
        assert_eq!(decide(start, end), Err(refusal), "{start}");
    }
    let (start, end) = ("2027-01-04T11:00-03:00", "2027-01-04T12:00-03:00");
    assert_eq!(decide(start, end), Ok(span(start, end)));
}

#[test]
fn the_parts_leave_conflicts_to_the_caller() {
    let (rules, schedule) = clinic();
    let calendar = Calendar::new(&rules, &schedule);
    let odd = span("2027-01-04T10:40-03:00", "2027-01-04T11:40-03:00");
    assert_eq!(check_window(&calendar, odd.start(), odd.end(), instant(NOW)), Ok(odd));
    assert_eq!(check_grid(&calendar, &odd), Err(Refusal::OffGrid { minutes: 30 }));
    let even = span("2027-01-04T10:30-03:00", "2027-01-04T11:30-03:00");
    assert_eq!(check_grid(&calendar, &even), Ok(()));
}

fn window(start: DateTime<Utc>, end: DateTime<Utc>, now: DateTime<Utc>) -> Result<Span, Refusal> {
    let (rules, _) = clinic();
    check_window(&Calendar::new(&rules, &Weekly::always()), start, end, now)
}

#[test]
fn boundaries_of_the_clock() {
    let slot = span("2027-01-04T08:00-03:00", "2027-01-04T08:30-03:00");
    let (start, end, second) = (slot.start(), slot.end(), TimeDelta::seconds(1));
    assert_eq!(window(start, start, start - second), Err(Refusal::EndBeforeStart));
    assert_eq!(window(start, end, start), Err(Refusal::NotInFuture));
    assert_eq!(window(start, end, start - TimeDelta::nanoseconds(1)), Ok(slot));
    let horizon = TimeDelta::days(30);
    assert_eq!(window(start, end, start - horizon), Ok(slot));
    assert_eq!(
        window(start, end, start - horizon - TimeDelta::nanoseconds(1)),
        Err(Refusal::TooFarAhead { days: 30 })
    );
}

#[test]
fn boundaries_of_the_length() {
    let start = instant("2027-01-04T08:00-03:00");
    for (seconds, fits) in
        [(1, false), (1_799, false), (1_800, true), (1_801, false), (3_600, true)]
    {
        let decided = window(start, start + TimeDelta::seconds(seconds), instant(NOW));
        let refused = decided == Err(Refusal::NotAMultiple { minutes: 30 });
        assert_eq!((decided.is_ok(), refused), (fits, !fits), "{seconds}");
    }
    let half = start + TimeDelta::milliseconds(1_800_500);
    assert_eq!(window(start, half, instant(NOW)), Err(Refusal::NotAMultiple { minutes: 30 }));
}

#[test]
fn boundaries_of_the_hours_count_seconds() {
    for (start, end, inside) in [
        ("2027-01-04T08:00-03:00", "2027-01-04T08:30-03:00", true),
        ("2027-01-04T07:59:59-03:00", "2027-01-04T08:29:59-03:00", false),
        ("2027-01-04T17:30-03:00", "2027-01-04T18:00-03:00", true),
        ("2027-01-04T17:30:01-03:00", "2027-01-04T18:00:01-03:00", false),
        ("2027-01-04T08:00-03:00", "2027-01-04T18:00-03:00", true),
        ("2027-01-04T17:30-03:00", "2027-01-05T08:30-03:00", false),
        ("2027-01-04T08:00-03:00", "2027-01-05T18:00-03:00", false),
    ] {
        let decided = window(instant(start), instant(end), instant(NOW));
        assert_eq!(decided.is_ok(), inside, "{start} {decided:?}");
        assert!(inside || decided == Err(Refusal::OutsideHours), "{start} {decided:?}");
    }
}

#[test]
fn a_booking_stays_inside_one_local_day() {
    let rules = rules("America/Sao_Paulo", "00:00", "24:00", 60);
    let always = Weekly::always();
    let calendar = Calendar::new(&rules, &always);
    let ask = |start, end| check_window(&calendar, instant(start), instant(end), instant(NOW));
    assert!(ask("2027-01-04T23:00-03:00", "2027-01-05T00:00-03:00").is_ok());
    assert_eq!(ask("2027-01-04T23:00-03:00", "2027-01-05T01:00-03:00"), Err(Refusal::OutsideHours));
}

#[test]
fn the_weekday_is_that_of_the_tenant() {
    let rules = rules("Pacific/Auckland", "00:00", "24:00", 60);
    let schedule = weekly(&json!({"monday": ["00:00-24:00"]}));
    let calendar = Calendar::new(&rules, &schedule);
    let ask = |start| check_window(&calendar, start, start + minutes(60), instant(NOW));
    // Sunday 12:00 in UTC is Monday 01:00 in Auckland.
    assert!(ask(instant("2027-01-03T12:00Z")).is_ok());
    assert_eq!(ask(instant("2027-01-04T12:00Z")), Err(Refusal::ClosedWeekday));
}

#[test]
fn touching_a_booking_is_no_conflict() {
    for (start, end, free) in [
        ("2027-01-04T09:30-03:00", "2027-01-04T10:00-03:00", true),
        ("2027-01-04T11:00-03:00", "2027-01-04T11:30-03:00", true),
        ("2027-01-04T09:30-03:00", "2027-01-04T10:30-03:00", false),
        ("2027-01-04T10:30-03:00", "2027-01-04T11:30-03:00", false),
        ("2027-01-04T09:00-03:00", "2027-01-04T12:00-03:00", false),
    ] {
        let wanted = if free { Ok(span(start, end)) } else { Err(Refusal::Taken) };
        assert_eq!(decide(start, end), wanted, "{start}");
    }
}

/// An interval that does not divide the time before a range: starts stay on the grid of the
/// working hours.
#[test]
fn the_grid_belongs_to_the_working_hours() {
    let rules = rules("UTC", "08:00", "18:00", 45);
    let schedule = weekly(&json!({"monday": ["09:00-12:00"]}));
    let calendar = Calendar::new(&rules, &schedule);
    let slots = calendar.slots(date("2027-01-04"), &Load::free(), instant(NOW));
    let starts: Vec<_> =
        slots.iter().map(|slot| slot.start().format("%H:%M").to_string()).collect();
    assert_eq!(starts, ["09:30", "10:15", "11:00"]);
}

#[test]
fn zero_advance_days_lists_and_accepts_nothing() {
    let rules = Rules { advance_days: 0, ..rules("UTC", "08:00", "18:00", 60) };
    let always = Weekly::always();
    let calendar = Calendar::new(&rules, &always);
    let answer =
        calendar.slots_with_expiry(date("2027-01-04"), &Load::free(), instant("2027-01-04T07:00Z"));
    assert_eq!((answer.slots, answer.valid_until), (Vec::new(), None));
}

#[test]
fn settings_out_of_range_do_not_panic() {
    let rules =
        Rules { interval_minutes: 0, advance_days: u32::MAX, ..rules("UTC", "08:00", "08:02", 60) };
    let always = Weekly::always();
    let calendar = Calendar::new(&rules, &always);
    let slots = |now| calendar.slots(date("2027-01-04"), &Load::free(), now);
    assert_eq!(slots(instant(NOW)).len(), 2);
    assert_eq!(slots(DateTime::<Utc>::MIN_UTC).len(), 2);
    assert!(slots(DateTime::<Utc>::MAX_UTC).is_empty());
}
