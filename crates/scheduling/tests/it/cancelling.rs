//! Until when a booking may be cancelled.

use chrono::TimeDelta;
use scheduling::can_cancel;

use crate::support::instant;

#[test]
fn the_boundary_is_included() {
    let start = instant("2027-03-14T12:00-04:00");
    let limit = start - TimeDelta::hours(24);
    assert!(can_cancel(start, 24, limit));
    assert!(can_cancel(start, 24, limit - TimeDelta::seconds(1)));
    assert!(!can_cancel(start, 24, limit + TimeDelta::nanoseconds(1)));
    assert!(!can_cancel(start, 24, start + TimeDelta::hours(1)));
}

#[test]
fn zero_hours_means_always() {
    let start = instant("2027-01-04T12:00Z");
    assert!(can_cancel(start, 0, start + TimeDelta::days(9)));
    assert!(can_cancel(start, 0, start));
}

#[test]
fn hours_are_elapsed_time() {
    // 24 hours before noon on the day the clock jumps is 11:00 the day before.
    let noon = instant("2027-03-14T12:00-04:00");
    assert!(can_cancel(noon, 24, instant("2027-03-13T11:00-05:00")));
    assert!(!can_cancel(noon, 24, instant("2027-03-13T11:00:01-05:00")));
}
