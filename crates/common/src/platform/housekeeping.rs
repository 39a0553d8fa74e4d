//! What every service does beside its own business: keeps its event log and stream short, and tells
//! the metrics how far its consumers are.

use std::sync::Arc;
use std::time::Duration;

use contracts::Service as Name;

use super::{Job, Platform};
use crate::db::{Database, prune_answers};
use crate::streams::{Consumer, Outbox};

/// Removes events from the outbox once they are past their time.
pub(super) fn prune(platform: &Platform, database: &Database, outbox: &Outbox) -> Job {
    let (database, outbox) = (database.clone(), outbox.clone());
    let kept = platform.settings.event_retention;
    Job {
        name: "prune the outbox",
        every: Duration::from_hours(1),
        wake: None,
        run: Arc::new(move || {
            let (database, outbox) = (database.clone(), outbox.clone());
            Box::pin(async move {
                outbox.prune(&database, kept).await.map(drop).map_err(|error| error.to_string())
            })
        }),
    }
}

/// Forgets answers that nobody may ask for again.
pub(super) fn forget_answers(platform: &Platform, database: &Database) -> Job {
    let (database, clock) = (database.clone(), Arc::clone(&platform.clock));
    Job {
        name: "forget old answers",
        every: Duration::from_mins(10),
        wake: None,
        run: Arc::new(move || {
            let (database, now) = (database.clone(), clock.now());
            Box::pin(async move {
                prune_answers(&database, now).await.map(drop).map_err(|error| error.to_string())
            })
        }),
    }
}

/// Forgets clients that have not been heard of for a while.
pub(super) fn forget_clients(platform: &Platform) -> Job {
    let limits = platform.limits.clone();
    Job {
        name: "forget quiet clients",
        every: Duration::from_mins(1),
        wake: None,
        run: Arc::new(move || {
            limits.tidy();
            Box::pin(async { Ok(()) })
        }),
    }
}

/// Keeps a service's stream in Redis short; nothing to do without Redis.
pub(super) fn trim(platform: &Platform, name: Name) -> Option<Job> {
    let redis = platform.redis.clone()?;
    let (stream, kept) = (platform.stream_of(name), platform.settings.event_retention);
    Some(Job {
        name: "trim the stream",
        every: Duration::from_mins(5),
        wake: None,
        run: Arc::new(move || {
            let (redis, stream) = (redis.clone(), stream.clone());
            Box::pin(async move {
                redis.trim(&stream, kept).await.map(drop).map_err(|error| error.to_string())
            })
        }),
    })
}

/// Tells the metrics how far each consumer is behind each source.
pub(super) fn measure(platform: &Platform, consumers: &[Consumer]) -> Job {
    let (metrics, consumers) = (platform.metrics.clone(), consumers.to_vec());
    Job {
        name: "measure consumers",
        every: Duration::from_secs(5),
        wake: None,
        run: Arc::new(move || {
            let (metrics, consumers) = (metrics.clone(), consumers.clone());
            Box::pin(async move {
                for consumer in &consumers {
                    for lag in consumer.lag().await.map_err(|error| error.to_string())? {
                        metrics.lag(consumer.name(), lag.source.name(), lag.behind());
                    }
                    let dead = consumer.dead_letters(1_000).await;
                    metrics.dead_letters(
                        consumer.name(),
                        dead.map_err(|error| error.to_string())?.len(),
                    );
                }
                Ok(())
            })
        }),
    }
}
