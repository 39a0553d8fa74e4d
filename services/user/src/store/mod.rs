//! The users in the database. Rows stay in here; outside there is only [`User`].

pub(crate) mod api_key;
mod entity;
mod migration;
mod queries;
pub(crate) mod session;
mod user;

pub(crate) use migration::Migrator;
pub(crate) use queries::{
    Filter, Key, Window, count, delete, delete_of_tenant, find, find_any, hold_tenant, insert,
    is_empty, list, lock, lock_operator, sign_in, update,
};
pub(crate) use sea_orm::DbErr;
pub(crate) use user::User;

/// A transaction under way.
pub(crate) type Tx = sea_orm::DatabaseTransaction;
