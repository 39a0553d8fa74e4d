//! The contract, route by route, through the gateway's own table, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod walkthrough;
mod world;
