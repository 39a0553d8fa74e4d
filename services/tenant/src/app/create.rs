//! Registers a business.

use common::auth::Scope;
use common::db::Tx;
use contracts::tenant::CreateTenant;

use super::Tenants;
use crate::error::Error;
use crate::store::{self, Tenant};

impl Tenants {
    /// Stores a new tenant. No event: nobody can hold facts of an id that was not known before.
    pub(crate) async fn create(&self, profile: CreateTenant) -> Result<Tenant, Error> {
        let tenant = Tenant::new(self.ids.next(), profile, self.clock.now());
        let own = Scope::Tenant(tenant.id);
        let insert = async |tx: Tx| Ok::<_, Error>(store::insert(&tx, &tenant).await?);
        self.database.transact(own, insert).await?;
        Ok(tenant)
    }
}
