//! The rules against vectors and against the laws of semantics.md.
//!
//! Property tests run at least 512 cases, those of series 10,000; the environment variable
//! `PROPTEST_CASES` raises it.

mod cancelling;
mod clocks;
mod days;
mod decisions;
mod engine;
mod exceptions;
mod icalendar;
mod laws;
mod open_minutes;
mod recurrences;
mod scene;
mod schedules;
mod searches;
mod series;
mod spans;
mod support;
mod time_inputs;
mod what_if;
mod zones;
