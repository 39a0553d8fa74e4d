//! Databases, streams and caches against real servers.

mod bus;
mod cache;
mod consumer;
mod databases;
mod db;
mod hook;
mod once;
mod outage;
mod redis;
mod relay;
mod server;
mod support;
