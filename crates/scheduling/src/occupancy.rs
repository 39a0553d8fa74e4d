//! Sets of instants.

use crate::span::Span;

/// A set of instants, busy or open: sorted, disjoint spans, by construction.
///
/// Overlapping and touching spans are merged, so the value depends only on which instants are
/// busy, never on the order of the bookings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    busy: Vec<Span>,
}

impl Occupancy {
    /// Nothing is busy.
    pub const fn free() -> Self {
        Self { busy: Vec::new() }
    }

    /// The union of the spans, in any order.
    pub fn from_spans(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut sorted: Vec<Span> = spans.into_iter().collect();
        sorted.sort_unstable();
        let mut busy: Vec<Span> = Vec::with_capacity(sorted.len());
        for span in sorted {
            match busy.last_mut() {
                Some(last) => match last.join(&span) {
                    Some(joined) => *last = joined,
                    None => busy.push(span),
                },
                None => busy.push(span),
            }
        }
        Self { busy }
    }

    /// Makes every instant of `span` busy.
    pub fn insert(&mut self, span: Span) {
        let from = self.busy.partition_point(|busy| busy.end() < span.start());
        let to = self.busy.partition_point(|busy| busy.start() <= span.end());
        let joined = self.busy[from..to]
            .iter()
            .fold(span, |joined, busy| joined.join(busy).unwrap_or(joined));
        self.busy.splice(from..to, [joined]);
    }

    /// Whether any instant of `span` is busy. Touching is not overlapping.
    pub fn overlaps(&self, span: &Span) -> bool {
        let next = self.busy.partition_point(|busy| busy.end() <= span.start());
        self.busy.get(next).is_some_and(|busy| busy.overlaps(span))
    }

    /// The same without the instants of `others`.
    #[must_use]
    pub fn without(&self, others: impl IntoIterator<Item = Span>) -> Self {
        let others = Self::from_spans(others);
        let mut busy = Vec::with_capacity(self.busy.len());
        for span in &self.busy {
            let mut from = span.start();
            let next = others.busy.partition_point(|other| other.end() <= span.start());
            for other in others.busy[next..].iter().take_while(|other| other.overlaps(span)) {
                busy.extend(Span::new(from, other.start()));
                from = other.end();
            }
            busy.extend(Span::new(from, span.end()));
        }
        Self { busy }
    }

    /// The busy spans, ascending, with a free instant between any two.
    pub fn spans(&self) -> &[Span] {
        &self.busy
    }

    /// Whether no instant is busy.
    pub fn is_free(&self) -> bool {
        self.busy.is_empty()
    }
}

impl FromIterator<Span> for Occupancy {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        Self::from_spans(spans)
    }
}
