//! How many previews are made at once.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::Error;

/// Leave to read much and to compute long. A preview is bounded, and so is how many are under way.
pub(super) struct Turns {
    free: Semaphore,
    /// How long one waits for its turn.
    wait: Duration,
}

impl Turns {
    pub(super) fn new(at_once: usize, wait: Duration) -> Self {
        Self { free: Semaphore::new(at_once), wait }
    }

    /// The next turn, in the order in which they were asked for. It ends when it is dropped.
    pub(super) async fn next(&self) -> Result<SemaphorePermit<'_>, Error> {
        match tokio::time::timeout(self.wait, self.free.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Error::TooManyPreviews),
        }
    }
}

#[cfg(test)]
mod tests {
    use common::http::Problem;

    use super::*;

    #[tokio::test]
    async fn who_waits_in_vain_is_told_to_come_again() {
        let turns = Turns::new(2, Duration::ZERO);
        let first = turns.next().await.unwrap();
        let _second = turns.next().await.unwrap();
        let refused = turns.next().await.map(drop).unwrap_err();
        assert_eq!(Problem::from(refused).status(), 429);
        drop(first);
        assert!(turns.next().await.is_ok());
    }
}
