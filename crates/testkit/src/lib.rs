//! What the tests of every crate share: real servers on free ports and waiting for conditions.
//!
//! [`app`] runs the services in the test's own process; [`servers`] starts throw-away Postgres, Redis, nginx and service processes; [`gateway`] renders
//! the one nginx configuration that tests and production use; [`matrix`] and [`sweep`] judge who may do
//! what, in one process or through nginx; [`dice`] generates cases that a seed repeats; [`wait`] is the only place in which
//! a test may let time pass.

pub mod app;
pub mod dice;
pub mod gateway;
pub mod mail;
pub mod matrix;
pub mod servers;
pub mod sweep;
pub mod wait;
