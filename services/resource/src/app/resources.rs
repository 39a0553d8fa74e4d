//! Use cases of resources.

use std::collections::BTreeMap;

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::version::{Precondition, Versioned};
use contracts::exception::ExceptionFacts;
use contracts::facts::{CapacityLowering, CategoryFacts, ResourceFacts};
use contracts::resource::{CreateResource, ResourceStatus, ResourceView};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use uuid::Uuid;

use super::Directory;
use super::capacity::{ATTEMPTS, Edited, of_resource};
use super::edit::{Wish, merged};
use crate::error::Error;
use crate::events;
use crate::store::resources::{self, Filter};
use crate::store::{Category, Exception, Resource, SortKey, categories, exceptions};

/// The most resources of a category that neighbours are told of.
const MOST_OF_CATEGORY: u64 = 500;

/// One more than the page has, and how many there are if that was asked.
type Rows = (Vec<(Resource, Category)>, Option<u64>);

impl Directory {
    /// Makes a resource in a category of its tenant, once.
    pub(crate) async fn create_resource(
        &self,
        caller: &Caller,
        once: &Once,
        trace_id: &str,
        wish: CreateResource,
    ) -> Result<Answer, Error> {
        if !caller.scope().covers(wish.tenant_id) {
            return Err(Error::OtherTenant);
        }
        let own = Scope::Tenant(wish.tenant_id);
        let rest = async {
            self.tenant_exists(wish.tenant_id).await?;
            let new = &Resource::new(self.0.ids.next(), self.now(), wish);
            let insert = |tx: Tx| async move {
                let category = category_for(&*tx, new).await?;
                resources::insert(&*tx, new).await?;
                self.0.outbox.append(&*tx, trace_id, &[events::resource_created(new)]).await?;
                Ok::<_, Error>((Answer::made(&new.clone().versioned(category))?, ()))
            };
            let (answer, _) = once.run(&self.0.database, own, insert).await?;
            self.0.relay.wake();
            self.0.search.directory_changed(new.tenant_id);
            Ok(answer)
        };
        once.unless_done(&self.0.database, own, rest).await
    }

    /// A resource of the scope.
    pub(crate) async fn resource(
        &self,
        scope: Scope,
        id: Uuid,
    ) -> Result<Versioned<ResourceView>, Error> {
        let found = resources::find_whole(&self.0.database.read(scope), scope, id).await?;
        let (resource, category) = found.ok_or(Error::NoResource)?;
        Ok(resource.versioned(category))
    }

    /// A resource as neighbours need it.
    pub(crate) async fn resource_facts(&self, id: Uuid) -> Result<ResourceFacts, Error> {
        // They know the id only; what they do with the facts is judged there.
        let conn = &self.0.database.read(Scope::All);
        let found = resources::find_whole(conn, Scope::All, id).await?;
        let (resource, category) = found.ok_or(Error::NoResource)?;
        let exceptions = exceptions::of_resource(conn, &resource, self.yesterday()).await?;
        Ok(resource.facts(&category, exceptions))
    }

    /// The resources of a category that can be booked, as neighbours need them.
    pub(crate) async fn category_facts(
        &self,
        tenant: Uuid,
        category: Uuid,
    ) -> Result<CategoryFacts, Error> {
        let scope = Scope::Tenant(tenant);
        let conn = &self.0.database.read(scope);
        categories::find(conn, scope, category).await?.ok_or(Error::NoCategory)?;
        let filter = Filter {
            category_id: Some(category),
            status: Some(ResourceStatus::Disponivel),
            ..Filter::default()
        };
        let rows = resources::list(conn, scope, &filter, None, MOST_OF_CATEGORY).await?;
        let ids: Vec<Uuid> = rows.iter().map(|(resource, _)| resource.id).collect();
        let found =
            exceptions::of_category(conn, (tenant, category), &ids, self.yesterday()).await?;
        let (own, shared): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|exception| exception.resource_id.is_some());
        let mut of: BTreeMap<Uuid, Vec<ExceptionFacts>> = BTreeMap::new();
        for exception in own {
            let resource = exception.resource_id.unwrap_or_default();
            of.entry(resource).or_default().push(exception.facts());
        }
        let facts = |(resource, category): (Resource, Category)| {
            let own = of.remove(&resource.id).unwrap_or_default();
            resource.facts(&category, own)
        };
        Ok(CategoryFacts {
            exceptions: shared.into_iter().map(Exception::facts).collect(),
            resources: rows.into_iter().map(facts).collect(),
        })
    }

    /// Resources by name.
    pub(crate) async fn list_resources(
        &self,
        scope: Scope,
        filter: &Filter,
        place: Option<&SortKey>,
        limit: u64,
        count: bool,
    ) -> Result<Rows, Error> {
        let conn = &self.0.database.read(scope);
        let rows = resources::list(conn, scope, filter, place, limit.saturating_add(1)).await?;
        let total = if count { Some(resources::count(conn, scope, filter).await?) } else { None };
        Ok((rows, total))
    }

    /// Edits a resource.
    pub(crate) async fn edit_resource(
        &self,
        caller: &Caller,
        trace_id: &str,
        id: Uuid,
        wanted: &Precondition,
        patch: &Value,
    ) -> Result<Versioned<ResourceView>, Error> {
        let scope = caller.scope();
        let wish = &Wish { wanted, patch };
        let mut agreed = None;
        for _ in 0..ATTEMPTS {
            let known = agreed.as_ref();
            let work = |tx: Tx| async move {
                self.write_resource(tx, scope, trace_id, id, wish, known).await
            };
            match self.0.database.transact(scope, work).await? {
                Edited::Done((resource, category)) => {
                    self.0.relay.wake();
                    self.resource_changed(resource.tenant_id, id);
                    return Ok(resource.versioned(category));
                }
                Edited::Lowers(lowering) => {
                    self.lower(&lowering).await?;
                    agreed = Some(lowering);
                }
            }
        }
        Err(Error::Contended)
    }

    /// Writes an edited resource, unless that lowers more than the booking service has agreed to.
    async fn write_resource(
        &self,
        tx: Tx,
        scope: Scope,
        trace_id: &str,
        id: Uuid,
        edit: &Wish<'_>,
        agreed: Option<&CapacityLowering>,
    ) -> Result<Edited<(Resource, Category)>, Error> {
        let tx = &*tx;
        let current = resources::lock(tx, scope, id).await?.ok_or(Error::NoResource)?;
        edit.wanted.check(current.version())?;
        let wish: CreateResource = merged(&current.form(), edit.patch)?;
        if wish.tenant_id != current.tenant_id {
            return Err(Error::OtherTenant);
        }
        let mut next = current.with(wish);
        let category = category_for(tx, &next).await?;
        if next == current {
            return Ok(Edited::Done((current, category)));
        }
        let old = if current.category_id == category.id {
            Some(category.clone())
        } else {
            categories::hold(tx, current.tenant_id, current.category_id).await?
        };
        let old = old.ok_or(Error::NoCategory)?;
        let lowers = of_resource((&current, &old), (&next, &category));
        if let Some(lowers) = lowers.filter(|lowers| Some(lowers) != agreed) {
            return Ok(Edited::Lowers(lowers));
        }
        next.version += 1;
        next.updated_at = self.now();
        resources::update(tx, &next).await?;
        self.0.outbox.append(tx, trace_id, &[events::resource_updated(&next)]).await?;
        Ok(Edited::Done((next, category)))
    }

    /// Deletes a resource; the booking service then cancels its active bookings.
    pub(crate) async fn delete_resource(
        &self,
        caller: &Caller,
        trace_id: &str,
        id: Uuid,
        wanted: &Precondition,
    ) -> Result<(), Error> {
        let scope = caller.scope();
        let work = |tx: Tx| async move {
            let tx = &*tx;
            let current = resources::lock(tx, scope, id).await?.ok_or(Error::NoResource)?;
            wanted.check(current.version())?;
            resources::delete(tx, &current).await?;
            self.0.outbox.append(tx, trace_id, &[events::resource_deleted(&current)]).await?;
            Ok::<_, Error>(current.tenant_id)
        };
        let tenant = self.0.database.transact(scope, work).await?;
        self.0.relay.wake();
        self.resource_changed(tenant, id);
        Ok(())
    }
}

/// The category of a resource about to be written, held until the commit, if its custom fields have
/// nothing against it.
async fn category_for(tx: &impl ConnectionTrait, resource: &Resource) -> Result<Category, Error> {
    let found = categories::hold(tx, resource.tenant_id, resource.category_id).await?;
    let category = found.ok_or(Error::NoCategory)?;
    let faults = category.judge(&resource.attributes);
    if faults.is_empty() { Ok(category) } else { Err(Error::Invalid(faults)) }
}
