//! The use cases, one file each.

mod create;
mod delete;
mod read;
mod update;

use std::sync::Arc;

use common::auth::Caller;
use common::db::Database;
use common::streams::{Outbox, Relay};
use common::{Clock, IdSource};
use uuid::Uuid;

use crate::error::Error;

/// The tenants and what can be done with them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tenants {
    /// Where they are stored.
    pub(crate) database: Database,
    /// Where their changes are told.
    pub(crate) outbox: Outbox,
    /// Carries them away; woken after every commit.
    pub(crate) relay: Relay,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub(crate) ids: Arc<dyn IdSource>,
}

/// Refuses anyone but an admin of the tenant. That a tenant exists is public, so the refusal of
/// another one's admin is a plain 403.
fn admin_of(caller: &Caller, tenant: Uuid) -> Result<(), Error> {
    member_of(caller, tenant)?;
    if caller.is_admin() { Ok(()) } else { Err(Error::NotAllowed) }
}

/// Refuses the people of other tenants.
fn member_of(caller: &Caller, tenant: Uuid) -> Result<(), Error> {
    if caller.scope().covers(tenant) { Ok(()) } else { Err(Error::OtherTenant) }
}
