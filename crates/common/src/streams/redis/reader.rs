//! A member of a consumer group.

use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamReadReply};
use redis::{Cmd, FromRedisValue, cmd};
use tokio::time::Instant;

use super::entry;
use super::link::{LinkError, bounded};
use crate::streams::bus::{BusError, Delivery, GroupReader};

/// How often entries of members that died are looked for.
const CLAIM_EVERY: Duration = Duration::from_secs(30);
/// How long an answer may take beyond the time it may block.
const GRACE: Duration = Duration::from_secs(1);
const START: &str = "0-0";

/// A member of a group, on a connection of its own: a blocking read stops everything behind it.
pub(super) struct Reader {
    connection: MultiplexedConnection,
    stream: String,
    group: String,
    consumer: String,
    claim_after: Duration,
    claimed: Option<Instant>,
    cursor: String,
}

impl Reader {
    /// Joins the group, and makes it if there is none.
    pub(super) async fn join(
        connection: MultiplexedConnection,
        stream: &str,
        group: &str,
        consumer: &str,
        claim_after: Duration,
    ) -> Result<Self, BusError> {
        let mut reader = Self {
            connection,
            stream: stream.to_owned(),
            group: group.to_owned(),
            consumer: consumer.to_owned(),
            claim_after,
            claimed: None,
            cursor: START.to_owned(),
        };
        reader.make_group().await?;
        Ok(reader)
    }

    /// From the first entry on, never from `$`: what came while there was no group counts as well.
    async fn make_group(&mut self) -> Result<(), LinkError> {
        let mut command = cmd("XGROUP");
        command.arg("CREATE").arg(&self.stream).arg(&self.group).arg("0").arg("MKSTREAM");
        match self.ask::<()>(&command, Duration::ZERO).await {
            Err(LinkError::Answer(error)) if error.code() == Some("BUSYGROUP") => Ok(()),
            made => made,
        }
    }

    async fn ask<T: FromRedisValue>(
        &mut self,
        command: &Cmd,
        blocks: Duration,
    ) -> Result<T, LinkError> {
        bounded(blocks + GRACE, command.query_async(&mut self.connection)).await
    }

    /// Entries that were handed to a member and never acknowledged.
    async fn claim(&mut self, max: usize) -> Result<Vec<StreamId>, LinkError> {
        let every = CLAIM_EVERY.min(self.claim_after);
        if self.cursor == START && self.claimed.is_some_and(|at| at.elapsed() < every) {
            return Ok(Vec::new());
        }
        let mut command = cmd("XAUTOCLAIM");
        command.arg(&self.stream).arg(&self.group).arg(&self.consumer);
        command.arg(millis(self.claim_after)).arg(&self.cursor).arg("COUNT").arg(max);
        let reply: StreamAutoClaimReply = self.ask(&command, Duration::ZERO).await?;
        self.cursor = reply.next_stream_id;
        self.claimed = Some(Instant::now());
        Ok(reply.claimed)
    }

    async fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<StreamId>, LinkError> {
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.group).arg(&self.consumer).arg("COUNT").arg(max);
        command.arg("BLOCK").arg(millis(wait)).arg("STREAMS").arg(&self.stream).arg(">");
        let reply: Option<StreamReadReply> = self.ask(&command, wait).await?;
        let keys = reply.map(|reply| reply.keys).unwrap_or_default();
        Ok(keys.into_iter().flat_map(|key| key.ids).collect())
    }

    async fn fetch(
        &mut self,
        max: usize,
        wait: Duration,
    ) -> Result<(Vec<StreamId>, bool), LinkError> {
        let claimed = self.claim(max).await?;
        if claimed.is_empty() {
            return Ok((self.read(max, wait).await?, false));
        }
        Ok((claimed, true))
    }
}

#[async_trait]
impl GroupReader for Reader {
    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BusError> {
        let max = max.max(1);
        let fetched = match self.fetch(max, wait).await {
            Err(LinkError::Answer(error)) if error.code() == Some("NOGROUP") => {
                // Redis lost its memory, or somebody deleted the stream.
                self.make_group().await?;
                self.fetch(max, wait).await
            }
            fetched => fetched,
        };
        let (entries, again) = fetched?;
        let mut taken = Vec::with_capacity(entries.len());
        let mut malformed = Vec::new();
        for found in entries {
            match entry::decode(&found) {
                Ok(event) => taken.push(Delivery { id: found.id, event, again }),
                Err(reason) => {
                    tracing::warn!(stream = self.stream, id = found.id, reason, "not an event");
                    malformed.push(found.id);
                }
            }
        }
        if !malformed.is_empty() {
            self.ack(&malformed).await?;
        }
        Ok(taken)
    }

    async fn ack(&mut self, ids: &[String]) -> Result<(), BusError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut command = cmd("XACK");
        command.arg(&self.stream).arg(&self.group).arg(ids);
        Ok(self.ask(&command, Duration::ZERO).await?)
    }
}

/// Whole milliseconds, at least one: zero would block for ever.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
