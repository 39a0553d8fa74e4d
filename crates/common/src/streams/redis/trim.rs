//! Keeping streams short.

use std::time::Duration;

use redis::cmd;
use redis::streams::{StreamInfoConsumersReply, StreamInfoGroupsReply, StreamPendingReply};

use super::link::{Link, LinkError};
use super::reader::millis;
use crate::streams::bus::BusError;

/// A member idle for so long, with nothing pending, is a replica that is gone.
const GONE: Duration = Duration::from_hours(1);

/// See [`super::RedisBus::trim`].
pub(super) async fn trim(link: &Link, stream: &str, max_age: Duration) -> Result<u64, BusError> {
    let (seconds, _): (u64, u64) = link.query(&cmd("TIME")).await?;
    let now = seconds.saturating_mul(1_000);
    let age = millis(max_age);
    let mut keep = Id(now.saturating_sub(age), 0);
    let groups: StreamInfoGroupsReply =
        match link.query(cmd("XINFO").arg("GROUPS").arg(stream)).await {
            // No such stream.
            Err(LinkError::Answer(_)) => return Ok(0),
            groups => groups?,
        };
    for group in groups.groups {
        sweep(link, stream, &group.name).await?;
        // The last one delivered stays: it is the group's place in the stream.
        keep = keep.min(Id::parse(&group.last_delivered_id));
        if group.pending > 0 {
            let pending: StreamPendingReply =
                link.query(cmd("XPENDING").arg(stream).arg(&group.name)).await?;
            if let StreamPendingReply::Data(pending) = pending {
                keep = keep.min(Id::parse(&pending.start_id));
            }
        }
    }
    let keep = keep.max(Id(now.saturating_sub(age.saturating_mul(2)), 0));
    let mut command = cmd("XTRIM");
    command.arg(stream).arg("MINID").arg(format!("{}-{}", keep.0, keep.1));
    Ok(link.query(&command).await?)
}

async fn sweep(link: &Link, stream: &str, group: &str) -> Result<(), BusError> {
    let reply: StreamInfoConsumersReply =
        link.query(cmd("XINFO").arg("CONSUMERS").arg(stream).arg(group)).await?;
    for member in reply.consumers {
        let idle = Duration::from_millis(u64::try_from(member.idle).unwrap_or(u64::MAX));
        if member.pending == 0 && idle > GONE {
            let mut command = cmd("XGROUP");
            command.arg("DELCONSUMER").arg(stream).arg(group).arg(&member.name);
            let _: u64 = link.query(&command).await?;
        }
    }
    Ok(())
}

/// The id of an entry: milliseconds and a sequence number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id(u64, u64);

impl Id {
    fn parse(text: &str) -> Self {
        let (time, sequence) = text.split_once('-').unwrap_or((text, "0"));
        Self(time.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
    }
}
