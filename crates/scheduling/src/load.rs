//! How much of a resource is taken, instant by instant.

use chrono::{DateTime, Utc};

use crate::span::Span;

/// What one booking or hold takes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The time taken: that of the booking with its buffers.
    pub span: Span,
    /// How many places.
    pub quantity: u32,
    /// When a hold stops to count; `None`: it is a booking.
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<Span> for Claim {
    fn from(span: Span) -> Self {
        Self { span, quantity: 1, expires_at: None }
    }
}

/// The places taken as a step function of time. It depends only on the set of claims, never on their
/// order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Ascending; from each instant on so many places are taken, until the next one. No two
    /// neighbours are equal, and the last takes none.
    steps: Vec<(DateTime<Utc>, u64)>,
    /// When the first of the holds counted here stops to count.
    next_expiry: Option<DateTime<Utc>>,
}

impl Load {
    /// Nothing is taken.
    pub const fn free() -> Self {
        Self { steps: Vec::new(), next_expiry: None }
    }

    /// The sum of the claims that count at `now`, in any order. A hold counts until it expires.
    pub fn at(claims: impl IntoIterator<Item = Claim>, now: DateTime<Utc>) -> Self {
        let mut next_expiry: Option<DateTime<Utc>> = None;
        let mut edges: Vec<(DateTime<Utc>, i64)> = Vec::new();
        for Claim { span, quantity, expires_at } in claims {
            if expires_at.is_some_and(|expiry| expiry <= now) {
                continue;
            }
            next_expiry = [next_expiry, expires_at].into_iter().flatten().min();
            edges.push((span.start(), i64::from(quantity)));
            edges.push((span.end(), -i64::from(quantity)));
        }
        Self { steps: sum(edges), next_expiry }
    }

    /// One place for each span, in any order.
    pub fn from_spans(spans: impl IntoIterator<Item = Span>) -> Self {
        Self::at(spans.into_iter().map(Claim::from), DateTime::<Utc>::MIN_UTC)
    }

    /// Adds one more booking.
    pub fn add(&mut self, span: &Span, quantity: u32) {
        self.change(span, i64::from(quantity));
    }

    /// Takes a booking away that was added before.
    pub fn remove(&mut self, span: &Span, quantity: u32) {
        self.change(span, -i64::from(quantity));
    }

    fn change(&mut self, span: &Span, by: i64) {
        let from = self.edge(span.start());
        let to = self.edge(span.end());
        for (_, used) in &mut self.steps[from..to] {
            *used = used.saturating_add_signed(by);
        }
        // Only where the change begins and ends can two neighbours have become equal.
        for at in [to, from] {
            let before = if at == 0 { 0 } else { self.steps[at - 1].1 };
            if self.steps[at].1 == before {
                self.steps.remove(at);
            }
        }
    }

    /// The place of the step that begins at `at`, made if need be.
    fn edge(&mut self, at: DateTime<Utc>) -> usize {
        let place = self.steps.partition_point(|(begin, _)| *begin < at);
        if self.steps.get(place).is_none_or(|(begin, _)| *begin != at) {
            let used = if place == 0 { 0 } else { self.steps[place - 1].1 };
            self.steps.insert(place, (at, used));
        }
        place
    }

    /// The most places taken at one instant of `span`. Touching is not overlapping.
    pub fn peak(&self, span: &Span) -> u64 {
        let after = self.steps.partition_point(|(at, _)| *at <= span.start());
        let at_start = if after == 0 { 0 } else { self.steps[after - 1].1 };
        let inside = self.steps[after..].iter().take_while(|(at, _)| *at < span.end());
        inside.map(|(_, used)| *used).fold(at_start, u64::max)
    }

    /// The first instant at or after `from` from which at least `needed` of `capacity` places are
    /// free; `None` if that is never so.
    pub fn free_from(
        &self,
        from: DateTime<Utc>,
        capacity: u64,
        needed: u64,
    ) -> Option<DateTime<Utc>> {
        let spare = capacity.checked_sub(needed)?;
        let begin = self.steps.partition_point(|(at, _)| *at <= from);
        if begin == 0 || self.steps[begin - 1].1 <= spare {
            return Some(from);
        }
        self.steps[begin..].iter().find(|(_, used)| *used <= spare).map(|(at, _)| *at)
    }

    /// The step function: from each instant on so many places are taken, until the next instant.
    pub fn steps(&self) -> &[(DateTime<Utc>, u64)] {
        &self.steps
    }

    /// When the first of the holds counted stops to count; the load is another one from then on.
    pub fn next_expiry(&self) -> Option<DateTime<Utc>> {
        self.next_expiry
    }

    /// Whether nothing is taken.
    pub fn is_free(&self) -> bool {
        self.steps.is_empty()
    }
}

impl FromIterator<Span> for Load {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        Self::from_spans(spans)
    }
}

/// The running sum over the edges, without steps that change nothing.
fn sum(mut edges: Vec<(DateTime<Utc>, i64)>) -> Vec<(DateTime<Utc>, u64)> {
    edges.sort_unstable();
    let mut steps: Vec<(DateTime<Utc>, u64)> = Vec::with_capacity(edges.len());
    let (mut used, mut at_edge) = (0_i64, 0);
    while let Some(&(at, _)) = edges.get(at_edge) {
        while let Some(&(_, change)) = edges.get(at_edge).filter(|(edge, _)| *edge == at) {
            used += change;
            at_edge += 1;
        }
        let now_used = u64::try_from(used).unwrap_or(0);
        if steps.last().map_or(0, |(_, before)| *before) != now_used {
            steps.push((at, now_used));
        }
    }
    steps
}
