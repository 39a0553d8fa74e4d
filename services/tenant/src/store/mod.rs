//! The tenants in the database. Rows stay in here; outside there is only [`Tenant`].

mod entity;
mod migration;
mod queries;
mod tenant;

pub(crate) use migration::Migrator;
pub(crate) use queries::{
    Key, Window, count, delete, find, find_by_domain, insert, list, lock, update,
};
pub(crate) use sea_orm::DbErr;
pub(crate) use tenant::Tenant;

/// A transaction under way.
pub(crate) type Tx = sea_orm::DatabaseTransaction;
