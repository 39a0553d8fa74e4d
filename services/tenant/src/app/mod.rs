//! The use cases, one file each.

mod create;
mod delete;
mod read;
mod update;

use std::sync::Arc;

use common::auth::Principal;
use common::db::Database;
use common::streams::{Outbox, Relay};
use common::{Clock, IdSource};
use contracts::user::UserType;
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

/// Refuses anyone but those who run the platform and an admin of the tenant. That a tenant exists is
/// public, so the refusal of another one's admin is a plain 403.
fn admin_of(principal: &Principal, tenant: Uuid) -> Result<(), Error> {
    member_of(principal, tenant)?;
    match principal {
        Principal::Developer | Principal::Operator(_) => Ok(()),
        Principal::User(identity) if identity.user_type == UserType::Admin => Ok(()),
        Principal::User(_) => Err(Error::NotAllowed),
    }
}

/// Refuses the people of other tenants.
fn member_of(principal: &Principal, tenant: Uuid) -> Result<(), Error> {
    if principal.covers(tenant) { Ok(()) } else { Err(Error::OtherTenant) }
}
