//! What the tests of every crate share: real servers on free ports and waiting for conditions.
//!
//! [`app`] runs the services in the test's own process; [`servers`] starts throw-away Postgres, Redis, nginx and service processes; [`gateway`] renders
//! the one nginx configuration that tests and production use; [`wait`] is the only place in which
//! a test may let time pass.

pub mod app;
pub mod gateway;
pub mod mail;
pub mod servers;
pub mod wait;
