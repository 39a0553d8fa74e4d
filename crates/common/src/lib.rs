//! The shared service kit: everything a Marca service needs that is not its own business.
//!
//! - [`settings`] reads the environment once, whole, and names every offence.
//! - [`platform`] holds what a service is built from; two platforms can live in one process.
//! - [`db`] connects, migrates and transacts on Postgres and SQLite.
//! - [`streams`] carries events: outbox, relay, bus, consumer.
//! - [`cache`] and [`providers`] keep neighbours' facts near and never stale.
//! - [`http`] is the edge: problems, extractors, paging, documentation, the server itself.
//! - [`auth`] proves who calls.
//! - [`notify`] sends letters.
//! - [`version`] tells versions apart.
//! - [`lifecycle`] starts and stops it all.

pub mod auth;
pub mod cache;
pub mod clock;
pub mod db;
pub mod http;
pub mod lifecycle;
pub mod metrics;
pub mod notify;
pub mod platform;
pub mod providers;
pub mod secret;
pub mod settings;
pub mod streams;
pub mod telemetry;
pub mod version;

pub use clock::{Clock, IdSource};
pub use platform::{Platform, Service};
