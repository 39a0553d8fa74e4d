//! End to end over real processes. Tests that stop nothing share one platform; those that kill
//! something start their own. `--nocapture` shows the figures they measure.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall say where")]

mod api;
mod cluster;
mod figures;
mod load;
mod sql;
mod streams;
mod world;

mod all_in_one;
mod authority;
mod caches;
mod calendars;
mod commands;
mod crashes;
mod drain;
mod freshness;
mod gateway;
mod hangups;
mod inside;
mod keys;
mod kills;
mod matrix;
mod neighbours;
mod postgres_outage;
mod race;
mod redis_outage;
mod revocation;
mod walkthrough;
