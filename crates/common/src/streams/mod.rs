//! Events from one service to the others, at least once on the wire and once in effect.
//!
//! A change and its event are one transaction ([`Outbox::append`]). The [`Relay`] numbers what is
//! committed and puts it on the [`EventBus`] in order; any replica may do so at any time, because
//! the numbering holds a row lock and the bus refuses duplicates and gaps. A [`Consumer`] applies
//! events together with its checkpoint in one transaction of its own database, and fetches from the
//! producer's outbox whatever the bus did not bring, so the bus may lose everything.

mod bus;
mod consumer;
mod memory;
mod migration;
mod number;
mod outbox;
mod redis;
mod relay;
mod sql;

pub use bus::{BusError, Delivery, EventBus, GroupReader, Streams, Watch, WatchNews};
pub use consumer::{
    ConsumeError, Consumer, DeadLetter, Handler, HandlerError, ReplayError, SourceLag, Subscription,
};
pub use memory::MemoryBus;
pub use migration::migrations;
pub use outbox::{Draft, Outbox};
pub use redis::RedisBus;
pub(crate) use redis::{Link, LinkError};
pub use relay::{Relay, RelayError};
