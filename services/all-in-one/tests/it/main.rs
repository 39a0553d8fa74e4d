//! The contract, route by route, through the gateway's own table, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ask;
mod audit;
mod availability;
mod booking_cancel;
mod booking_edit;
mod booking_list;
mod booking_order;
mod booking_rules;
mod booking_status;
mod categories;
mod conflicts;
mod cookies;
mod edge;
mod events;
mod forgeries;
mod fuzzed;
mod keys;
mod law;
mod login;
mod matrix;
mod openapi;
mod origins;
mod outage;
mod pages;
mod passwords;
mod recovery;
mod recurring;
mod refresh;
mod resources;
mod revocation;
mod row_security;
mod sessions;
mod shape;
mod tenants;
mod throttle;
mod tokens;
mod user_edit;
mod users;
mod walkthrough;
mod world;
