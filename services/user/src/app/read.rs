//! Looks users up.

use common::auth::{Caller, Scope};
use uuid::Uuid;

use super::{Users, rules};
use crate::error::Error;
use crate::store::{self, Filter, User, Window};

impl Users {
    /// A user of the caller's tenant whom the caller may see.
    pub(crate) async fn find(&self, caller: &Caller, id: Uuid) -> Result<User, Error> {
        let found = store::find(&self.database.read(caller.scope()), caller.scope(), id).await?;
        let found = found.ok_or(Error::Unknown)?;
        rules::reach(caller, id)?;
        Ok(found)
    }

    /// The caller's own record. The developer of an open system has none.
    pub(crate) async fn find_self(&self, caller: &Caller) -> Result<User, Error> {
        let id = caller.user_id().ok_or(Error::Unknown)?;
        self.find(caller, id).await
    }

    /// A user for the neighbours, whoever it is.
    pub(crate) async fn find_any(&self, id: Uuid) -> Result<User, Error> {
        // They know the id only; whose it is, is in the answer.
        store::find_any(&self.database.read(Scope::All), id).await?.ok_or(Error::Unknown)
    }

    /// A part of the list by name and, when wanted, the number of users in the whole of it.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        window: &Window,
        counted: bool,
    ) -> Result<(Vec<User>, Option<u64>), Error> {
        let db = &self.database.read(filter.scope);
        let rows = store::list(db, filter, window).await?;
        let total = if counted { Some(store::count(db, filter).await?) } else { None };
        Ok((rows, total))
    }
}
