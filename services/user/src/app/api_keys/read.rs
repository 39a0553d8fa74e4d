//! Looks API keys up, for the admins of their tenant.

use common::auth::{Caller, Scope};
use uuid::Uuid;

use crate::app::Users;
use crate::error::Error;
use crate::store::api_key::{self, ApiKey, Key};

impl Users {
    /// One key of the tenant.
    pub(crate) async fn find_api_key(
        &self,
        caller: &Caller,
        tenant: Uuid,
        id: Uuid,
    ) -> Result<ApiKey, Error> {
        self.admin_of(caller, tenant).await?;
        api_key::find(&self.database.read(Scope::Tenant(tenant)), tenant, id)
            .await?
            .ok_or(Error::UnknownKey)
    }

    /// A part of the tenant's keys, revoked and expired ones too, and their number when wanted.
    pub(crate) async fn list_api_keys(
        &self,
        caller: &Caller,
        tenant: Uuid,
        (after, limit): (Option<Key>, u64),
        counted: bool,
    ) -> Result<(Vec<ApiKey>, Option<u64>), Error> {
        self.admin_of(caller, tenant).await?;
        let db = &self.database.read(Scope::Tenant(tenant));
        let rows = api_key::list(db, tenant, after.as_ref(), limit).await?;
        let total = if counted { Some(api_key::count(db, tenant).await?) } else { None };
        Ok((rows, total))
    }
}
