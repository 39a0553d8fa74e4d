//! Looks tenants up.

use common::auth::{Principal, Scope};
use common::db::Reader;
use uuid::Uuid;

use super::{Tenants, member_of};
use crate::error::Error;
use crate::store::{self, Tenant, Window};

impl Tenants {
    /// Who the tenants are is public.
    fn public(&self) -> Reader {
        self.database.read(Scope::All)
    }

    /// A tenant, whoever asks: what of it is shown is the reader's business.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Tenant, Error> {
        store::find(&self.public(), id).await?.ok_or(Error::Unknown)
    }

    /// A tenant for the sake of its settings, which are its own people's.
    pub(crate) async fn find_settings(
        &self,
        principal: &Principal,
        id: Uuid,
    ) -> Result<Tenant, Error> {
        let found = store::find(&self.public(), id).await?.ok_or(Error::UnknownSettings)?;
        member_of(principal, id)?;
        Ok(found)
    }

    /// The id of the tenant of a domain.
    pub(crate) async fn find_by_domain(&self, domain: &str) -> Result<Uuid, Error> {
        store::find_by_domain(&self.public(), domain).await?.ok_or(Error::Unknown)
    }

    /// A part of the list of all tenants by name and, when wanted, the number of the whole of it.
    /// `is_active`: of those only; whether a tenant is suspended is known to those who run the
    /// platform alone.
    pub(crate) async fn list(
        &self,
        is_active: Option<bool>,
        window: &Window,
        counted: bool,
    ) -> Result<(Vec<Tenant>, Option<u64>), Error> {
        let db = &self.public();
        let rows = store::list(db, is_active, window).await?;
        let total = if counted { Some(store::count(db, is_active).await?) } else { None };
        Ok((rows, total))
    }
}
