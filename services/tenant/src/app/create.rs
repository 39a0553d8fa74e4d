//! Registers a business.

use common::auth::Scope;
use common::db::{Answer, Once, Tx};
use contracts::tenant::CreateTenant;

use super::Tenants;
use crate::error::Error;
use crate::store::{self, Tenant};

impl Tenants {
    /// Stores a new tenant, once. No event: nobody can hold facts of an id that was not known before.
    pub(crate) async fn create(&self, once: &Once, profile: CreateTenant) -> Result<Answer, Error> {
        let tenant = Tenant::new(self.ids.next(), profile, self.clock.now());
        let tenant = &tenant;
        // Whose the answer is, nobody can know who asks for it again: it is nobody's.
        let insert = |tx: Tx| async move {
            store::insert(&tx, tenant).await?;
            Ok::<_, Error>((Answer::made(&tenant.clone().versioned())?, ()))
        };
        let (answer, _) = once.run(&self.database, Scope::All, insert).await?;
        Ok(answer)
    }
}
