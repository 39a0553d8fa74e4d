//! Waiting for a condition, bounded and polled: the one place where test code sleeps.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds.
///
/// # Panics
/// When `timeout` has passed and the condition still does not hold; `what` is in the message.
pub async fn until(timeout: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    until_some(timeout, what, async || condition().await.then_some(())).await;
}

/// Waits until `probe` returns a value, and returns it.
///
/// # Panics
/// When `timeout` has passed without a value; `what` is in the message.
pub async fn until_some<T>(
    timeout: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let poll = async {
        loop {
            if let Some(value) = probe().await {
                return value;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let Ok(value) = tokio::time::timeout(timeout, poll).await else {
        panic!("waited {timeout:?} in vain: {what}")
    };
    value
}

/// What a blocking probe saw.
pub(crate) enum Seen<T, E> {
    /// The condition holds.
    Ready(T),
    /// Not yet; look again.
    NotYet,
    /// It never will.
    Hopeless(E),
}

/// The same without a runtime, for processes that are started before there is one.
///
/// Returns `None` when the time ran out.
pub(crate) fn blocking<T, E>(
    timeout: Duration,
    mut probe: impl FnMut() -> Seen<T, E>,
) -> Option<Result<T, E>> {
    let deadline = Instant::now() + timeout;
    loop {
        match probe() {
            Seen::Ready(value) => return Some(Ok(value)),
            Seen::Hopeless(error) => return Some(Err(error)),
            Seen::NotYet if Instant::now() >= deadline => return None,
            Seen::NotYet => std::thread::sleep(POLL),
        }
    }
}
