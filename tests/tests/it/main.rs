//! End to end over real processes. Tests that stop nothing share one platform; those that kill
//! something start their own. `--nocapture` shows the figures they measure.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall say where")]

mod api;
mod cluster;
mod figures;
mod sql;
mod world;
mod load;

mod walkthrough;
mod gateway;
mod race;
mod freshness;
mod hangups;
mod caches;
mod redis_outage;
mod kills;
mod postgres_outage;
mod neighbours;
mod drain;
mod commands;
mod all_in_one;
