//! Chance that a seed repeats: what generated tests choose by.

use std::time::{SystemTime, UNIX_EPOCH};

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The choices of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The choices of one of many who share a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        // Mixed, so that the streams of neighbours do not overlap.
        Self(Self(seed ^ number.rotate_left(32)).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// One of `all`, if there is any.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
        all.get(usize::try_from(self.roll(count)).ok()?)
    }

    /// One of `all`.
    ///
    /// # Panics
    /// When there is none.
    pub fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        self.pick(all).expect("something to choose from")
    }
}

/// The seed of a run: `SEED`, or one of the clock's; printed, so that a run can be repeated.
pub fn seed() -> u64 {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let seed = number("SEED").unwrap_or_else(clock);
    eprintln!("SEED={seed}");
    seed
}

/// A number of the environment.
#[expect(clippy::disallowed_methods, reason = "knobs of the test run itself")]
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
