//! Use cases of categories.

use common::auth::{Caller, Scope};
use common::db::{Answer, Fault, Once, Tx, classify};
use common::version::{Precondition, Versioned};
use contracts::resource::{CategoryView, CreateCategory};
use serde_json::Value;
use uuid::Uuid;

use super::Directory;
use super::edit::merged;
use crate::error::Error;
use crate::events;
use crate::store::{Category, SortKey, categories};

impl Directory {
    /// Makes a category, once.
    pub(crate) async fn create_category(
        &self,
        caller: &Caller,
        once: &Once,
        wish: CreateCategory,
    ) -> Result<Answer, Error> {
        if !caller.scope().covers(wish.tenant_id) {
            return Err(Error::OtherTenant);
        }
        let own = Scope::Tenant(wish.tenant_id);
        let rest = async {
            self.tenant_exists(wish.tenant_id).await?;
            let new = &Category::new(self.0.ids.next(), self.now(), wish);
            let insert = |tx: Tx| async move {
                categories::insert(&*tx, new).await?;
                Ok::<_, Error>((Answer::made(&new.clone().versioned())?, ()))
            };
            let (answer, _) = once.run(&self.0.database, own, insert).await?;
            Ok(answer)
        };
        once.unless_done(&self.0.database, own, rest).await
    }

    /// A category of the scope.
    pub(crate) async fn category(
        &self,
        scope: Scope,
        id: Uuid,
    ) -> Result<Versioned<CategoryView>, Error> {
        let found = categories::find(&self.0.database.read(scope), scope, id).await?;
        found.map(Category::versioned).ok_or(Error::NoCategory)
    }

    /// Categories by name, one more than the page has, and how many there are if that is asked.
    pub(crate) async fn list_categories(
        &self,
        scope: Scope,
        place: Option<&SortKey>,
        limit: u64,
        count: bool,
    ) -> Result<(Vec<Category>, Option<u64>), Error> {
        let conn = &self.0.database.read(scope);
        let rows = categories::list(conn, scope, place, limit.saturating_add(1)).await?;
        let total = if count { Some(categories::count(conn, scope).await?) } else { None };
        Ok((rows, total))
    }

    /// Edits a category. Its resources stay as they are; their next write is judged by it.
    pub(crate) async fn edit_category(
        &self,
        caller: &Caller,
        trace_id: &str,
        id: Uuid,
        wanted: &Precondition,
        patch: &Value,
    ) -> Result<Versioned<CategoryView>, Error> {
        let scope = caller.scope();
        let work = |tx: Tx| async move {
            let tx = &*tx;
            let current = categories::lock(tx, scope, id).await?.ok_or(Error::NoCategory)?;
            wanted.check(current.version())?;
            let wish: CreateCategory = merged(&current.form(), patch)?;
            if wish.tenant_id != current.tenant_id {
                return Err(Error::OtherTenant);
            }
            let mut next = current.with(wish);
            if next == current {
                return Ok(current);
            }
            next.version += 1;
            next.updated_at = self.now();
            categories::update(tx, &next).await?;
            self.0.outbox.append(tx, trace_id, &[events::category_updated(&next)]).await?;
            Ok::<_, Error>(next)
        };
        let category = self.0.database.transact(scope, work).await?;
        self.0.relay.wake();
        Ok(category.versioned())
    }

    /// Deletes a category that no resource uses.
    pub(crate) async fn delete_category(
        &self,
        caller: &Caller,
        id: Uuid,
        wanted: &Precondition,
    ) -> Result<(), Error> {
        let scope = caller.scope();
        let work = |tx: Tx| async move {
            let current = categories::lock(&*tx, scope, id).await?.ok_or(Error::NoCategory)?;
            wanted.check(current.version())?;
            match categories::delete(&*tx, scope, id).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(Error::NoCategory),
                Err(error) if classify(&error) == Fault::ForeignKey => Err(Error::CategoryInUse),
                Err(error) => Err(Error::from(error)),
            }
        };
        self.0.database.transact(scope, work).await
    }
}
