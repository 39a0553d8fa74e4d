//! Spans and occupancy.

use scheduling::{Occupancy, Span};

use crate::support::{instant, span};

fn at(minute: u32) -> String {
    format!("2027-01-04T10:{minute:02}Z")
}

fn part(from: u32, to: u32) -> Span {
    span(&at(from), &at(to))
}

#[test]
fn the_end_is_after_the_start() {
    let noon = instant("2027-01-04T12:00Z");
    assert_eq!(Span::new(noon, noon), None);
    assert_eq!(Span::new(instant(&at(30)), instant(&at(10))), None);
    assert_eq!(part(0, 30).minutes(), 30);
    assert_eq!(span("2027-01-04T10:00Z", "2027-01-04T10:00:59Z").minutes(), 0);
}

#[test]
fn spans_are_half_open() {
    let middle = part(10, 20);
    for (other, overlap, intersection) in [
        (part(0, 10), false, None),
        (part(20, 30), false, None),
        (part(0, 11), true, Some(part(10, 11))),
        (part(19, 30), true, Some(part(19, 20))),
        (part(0, 30), true, Some(middle)),
        (part(12, 15), true, Some(part(12, 15))),
    ] {
        assert_eq!(middle.overlaps(&other), overlap);
        assert_eq!(other.overlaps(&middle), overlap);
        assert_eq!(middle.intersect(&other), intersection);
        assert_eq!(middle.contains(&other), intersection == Some(other));
    }
}

#[test]
fn busy_spans_merge() {
    let mut taken: Occupancy =
        [part(30, 40), part(0, 10), part(10, 15), part(5, 12)].into_iter().collect();
    assert_eq!(taken.spans(), [part(0, 15), part(30, 40)]);
    taken.insert(part(20, 25));
    assert_eq!(taken.spans(), [part(0, 15), part(20, 25), part(30, 40)]);
    taken.insert(part(15, 20));
    assert_eq!(taken.spans(), [part(0, 25), part(30, 40)]);
    taken.insert(part(1, 59));
    assert_eq!(taken.spans(), [part(0, 59)]);
    assert!(!taken.is_free());
}

#[test]
fn free_time_overlaps_nothing() {
    assert!(Occupancy::free().is_free());
    assert!(!Occupancy::free().overlaps(&part(0, 10)));
    let taken = Occupancy::from_spans([part(0, 10), part(20, 30)]);
    assert!(!taken.overlaps(&part(10, 20)));
    assert!(taken.overlaps(&part(9, 20)));
    assert!(taken.overlaps(&part(10, 21)));
}
