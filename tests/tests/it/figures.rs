//! Figures that the documentation quotes, and the rule about who may run beside whom.

use std::time::Duration;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Durations, to be told by their percentiles.
#[derive(Debug, Default, Clone)]
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which `percent` of a hundred lie.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().unwrap_or_default()
    }

    pub(crate) fn max(&self) -> Duration {
        self.percentile(100)
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
        write!(
            f,
            "n={} p50={:.1} ms p99={:.1} ms max={:.1} ms",
            self.count(),
            ms(self.percentile(50)),
            ms(self.percentile(99)),
            ms(self.max())
        )
    }
}

/// Prints a figure; shown by `cargo test -- --nocapture` and in CI.
#[expect(clippy::print_stdout, reason = "figures are what these tests are read for")]
pub(crate) fn tell(what: &str) {
    println!("[figure] {what}");
}

static MACHINE: RwLock<()> = RwLock::const_new(());

/// For tests that measure: nothing else runs meanwhile.
pub(crate) async fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().await
}

/// For tests that may run beside others.
pub(crate) async fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().await
}

/// The seed of a run: `E2E_SEED`, or one that is new each time; printed, so that a run can be had
/// again.
pub(crate) fn seed(test: &str) -> u64 {
    let seed = number("E2E_SEED").unwrap_or_else(rand::random);
    tell(&format!("{test}: E2E_SEED={seed}"));
    seed
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "knobs of the test run itself")]
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
