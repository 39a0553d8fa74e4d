//! The users in the database. Rows stay in here; outside there is only [`User`].

pub(crate) mod api_key;
mod entity;
pub(crate) mod exports;
pub(crate) mod leftovers;
mod migration;
mod queries;
pub(crate) mod recoveries;
pub(crate) mod refresh;
pub(crate) mod session;
pub(crate) mod throttle;
mod user;

pub(crate) use migration::Migrator;
pub(crate) use queries::{
    Filter, Key, Window, count, delete, delete_of_tenant, find, find_any, hold_tenant, insert,
    is_empty, list, lock, lock_operator, rehash, sign_in, update,
};
pub(crate) use sea_orm::DbErr;
pub(crate) use user::User;

/// A transaction under way.
pub(crate) type Tx = sea_orm::DatabaseTransaction;
