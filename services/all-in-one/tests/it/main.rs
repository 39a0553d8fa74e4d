//! The contract, route by route, through the gateway's own table, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod api_key_scopes;
mod api_keys;
mod ask;
mod authority;
mod availability;
mod booking_cancel;
mod booking_edit;
mod booking_list;
mod booking_order;
mod booking_rules;
mod booking_status;
mod categories;
mod conflicts;
mod events;
mod impersonation;
mod law;
mod login;
mod matrix;
mod openapi;
mod operators;
mod outage;
mod pages;
mod presets;
mod recurring;
mod resources;
mod shape;
mod tenants;
mod tokens;
mod user_edit;
mod users;
mod walkthrough;
mod world;
