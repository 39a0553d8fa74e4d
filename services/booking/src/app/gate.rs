//! A queue in front of each resource's lock. Whoever waits for a lock of the database holds a connection;
//! without a queue the writers of one hot resource would hold them all, and everybody else would wait.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::error::Error;

/// Ids share this many queues.
const STRIPES: usize = 1_024;
/// One at work, and one that is ready for the lock.
const AT_ONCE: usize = 2;
/// Nobody waits longer. Nothing has happened by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The queues.
pub(crate) struct Gate(Box<[Semaphore]>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self((0..STRIPES).map(|_| Semaphore::new(AT_ONCE)).collect())
    }

    /// Waits for a turn at a resource, which lasts as long as the permit.
    pub(super) async fn turn(&self, resource: Uuid) -> Result<SemaphorePermit<'_>, Error> {
        self.turn_within(resource, PATIENCE).await
    }

    /// A turn at each of several resources. Whoever wants several asks in one order, so that nobody waits
    /// in a circle.
    pub(super) async fn turns(
        &self,
        resources: &[Uuid],
    ) -> Result<Vec<SemaphorePermit<'_>>, Error> {
        let queues: BTreeSet<usize> = resources.iter().map(queue_of).collect();
        // No longer for all of them than for one: meanwhile the first are kept from others.
        let all = async {
            let mut turns = Vec::with_capacity(queues.len());
            for queue in queues {
                turns.push(self.0[queue].acquire().await.map_err(|_| Error::Contended)?);
            }
            Ok(turns)
        };
        tokio::time::timeout(PATIENCE, all).await.map_err(|_| Error::Contended)?
    }

    async fn turn_within(
        &self,
        resource: Uuid,
        patience: Duration,
    ) -> Result<SemaphorePermit<'_>, Error> {
        let turn = tokio::time::timeout(patience, self.0[queue_of(&resource)].acquire()).await;
        turn.map_err(|_| Error::Contended)?.map_err(|_| Error::Contended)
    }
}

/// The low bits of an id are random, in every version we make.
fn queue_of(resource: &Uuid) -> usize {
    let low = u16::from_be_bytes([resource.as_bytes()[14], resource.as_bytes()[15]]);
    usize::from(low) % STRIPES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_few_and_waiting_ends() {
        let gate = Gate::new();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = gate.turn(one).await.unwrap();
        let second = gate.turn(one).await.unwrap();
        let late = gate.turn_within(one, Duration::from_millis(5)).await;
        assert!(matches!(late, Err(Error::Contended)));
        drop(gate.turn(other).await.unwrap());
        drop(first);
        drop(gate.turn(one).await.unwrap());
        drop(second);
    }

    #[tokio::test]
    async fn several_turns_are_one_at_each_queue() {
        let gate = Gate::new();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        // Named twice it is waited for once, else nobody else would come.
        let first = gate.turns(&[other, one, one]).await.unwrap();
        let second = gate.turns(&[one, other]).await.unwrap();
        assert_eq!((first.len(), second.len()), (2, 2));
        let late = gate.turn_within(other, Duration::from_millis(5)).await;
        assert!(matches!(late, Err(Error::Contended)));
        drop(first);
        drop(gate.turn(other).await.unwrap());
    }
}
