//! Use cases of exceptions: date overrides and closures of tenant, category and resource.

mod calendar;
mod import;

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::version::{Precondition, Versioned};
use contracts::exception::{CreateException, ExceptionView};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use uuid::Uuid;

use super::Directory;
use super::edit::merged;
use crate::error::Error;
use crate::events;
use crate::store::exceptions::{self, DateKey, Filter};
use crate::store::{Exception, Target, categories, resources};

pub(crate) use import::ImportWish;

/// The most exceptions of one target: a tenant, a category or a resource.
pub(crate) const MOST: u32 = 500;

impl Directory {
    /// Makes an exception, once.
    pub(crate) async fn create_exception(
        &self,
        caller: &Caller,
        once: &Once,
        trace_id: &str,
        wish: CreateException,
    ) -> Result<Answer, Error> {
        if !caller.scope().covers(wish.tenant_id) {
            return Err(Error::OtherTenant);
        }
        let own = Scope::Tenant(wish.tenant_id);
        let rest = async {
            self.tenant_exists(wish.tenant_id).await?;
            let new = &Exception::new(self.0.ids.next(), self.now(), wish);
            let insert = |tx: Tx| async move {
                let tx = &*tx;
                claim(tx, &new.target(), 1).await?;
                exceptions::insert(tx, std::slice::from_ref(new)).await?;
                self.0.outbox.append(tx, trace_id, &[events::exception_changed(new)]).await?;
                Ok::<_, Error>((Answer::made(&new.clone().versioned())?, ()))
            };
            let (answer, _) = once.run(&self.0.database, own, insert).await?;
            self.exceptions_changed(&[new.target()]);
            Ok(answer)
        };
        once.unless_done(&self.0.database, own, rest).await
    }

    /// An exception of the scope.
    pub(crate) async fn exception(
        &self,
        scope: Scope,
        id: Uuid,
    ) -> Result<Versioned<ExceptionView>, Error> {
        let found = exceptions::find(&self.0.database.read(scope), scope, id).await?;
        found.map(Exception::versioned).ok_or(Error::NoException)
    }

    /// Exceptions by start, one more than the page has, and how many there are if that is asked.
    pub(crate) async fn list_exceptions(
        &self,
        scope: Scope,
        filter: &Filter,
        place: Option<&DateKey>,
        limit: u64,
        count: bool,
    ) -> Result<(Vec<Exception>, Option<u64>), Error> {
        let conn = &self.0.database.read(scope);
        let rows = exceptions::list(conn, scope, filter, place, limit.saturating_add(1)).await?;
        let total = if count { Some(exceptions::count(conn, scope, filter).await?) } else { None };
        Ok((rows, total))
    }

    /// Edits an exception; it may become another target's.
    pub(crate) async fn edit_exception(
        &self,
        caller: &Caller,
        trace_id: &str,
        id: Uuid,
        wanted: &Precondition,
        patch: &Value,
    ) -> Result<Versioned<ExceptionView>, Error> {
        let scope = caller.scope();
        let work = |tx: Tx| async move {
            let tx = &*tx;
            let current = exceptions::lock(tx, scope, id).await?.ok_or(Error::NoException)?;
            wanted.check(current.version())?;
            let wish: CreateException = merged(&current.form(), patch)?;
            if wish.tenant_id != current.tenant_id {
                return Err(Error::OtherTenant);
            }
            let mut next = current.with(wish);
            if next == current {
                return Ok((current.target(), current));
            }
            if next.target() != current.target() {
                claim(tx, &next.target(), 1).await?;
            }
            next.version += 1;
            next.updated_at = self.now();
            exceptions::update(tx, &next).await?;
            self.0.outbox.append(tx, trace_id, &[events::exception_changed(&next)]).await?;
            Ok::<_, Error>((current.target(), next))
        };
        let (before, exception) = self.0.database.transact(scope, work).await?;
        self.exceptions_changed(&[before, exception.target()]);
        Ok(exception.versioned())
    }

    /// Deletes an exception.
    pub(crate) async fn delete_exception(
        &self,
        caller: &Caller,
        trace_id: &str,
        id: Uuid,
        wanted: &Precondition,
    ) -> Result<(), Error> {
        let scope = caller.scope();
        let work = |tx: Tx| async move {
            let tx = &*tx;
            let current = exceptions::lock(tx, scope, id).await?.ok_or(Error::NoException)?;
            wanted.check(current.version())?;
            exceptions::delete(tx, current.tenant_id, std::slice::from_ref(&current)).await?;
            self.0.outbox.append(tx, trace_id, &[events::exception_deleted(&current)]).await?;
            Ok::<_, Error>(current)
        };
        let gone = self.0.database.transact(scope, work).await?;
        self.exceptions_changed(&[gone.target()]);
        Ok(())
    }

    /// Tells the world, and drops what this process knows of those concerned.
    fn exceptions_changed(&self, targets: &[Target]) {
        self.0.relay.wake();
        for target in targets {
            if let Some(resource) = target.resource {
                self.resource_changed(target.tenant, resource);
            } else {
                self.0.availability.tenant_changed(target.tenant);
                self.0.search.directory_changed(target.tenant);
            }
        }
    }
}

/// Holds a target against its deletion and its other writers, if it takes `more` exceptions.
async fn claim(tx: &impl ConnectionTrait, target: &Target, more: u64) -> Result<(), Error> {
    if let Some(category) = target.category {
        categories::hold(tx, target.tenant, category).await?.ok_or(Error::NoCategory)?;
    }
    if let Some(resource) = target.resource {
        resources::hold(tx, target.tenant, resource).await?.ok_or(Error::NoResource)?;
    }
    exceptions::lock_target(tx, target).await?;
    let there = exceptions::count_of(tx, target).await?;
    if there + more > u64::from(MOST) { Err(Error::TooManyExceptions) } else { Ok(()) }
}
