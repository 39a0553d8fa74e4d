//! Categories and resources in the database. Every query is scoped by the tenant.

mod category;
mod exception;
mod list;
mod migration;
mod resource;

pub(crate) mod categories;
pub(crate) mod chosen;
pub(crate) mod exceptions;
pub(crate) mod resources;

pub(crate) use category::Model as Category;
pub(crate) use exception::{Model as Exception, Target};
pub(crate) use list::SortKey;
pub(crate) use migration::Migrator;
pub(crate) use resource::Model as Resource;
