//! A page of the resources that somebody chose, and the exceptions that count for them.

use chrono::NaiveDate;
use common::auth::Scope;
use contracts::exception::ExceptionLevel;
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::list::{SortKey, after, scoped};
use super::{Category, Exception, Resource, category, exception, resource};

/// Which resources of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) tenant: Uuid,
    pub(crate) category: Option<Uuid>,
    /// Only these.
    pub(crate) ids: Option<Vec<Uuid>>,
}

impl Chosen {
    /// At most `limit` of them by name, after a place in the list.
    pub(crate) async fn page(
        &self,
        conn: &impl ConnectionTrait,
        place: Option<&SortKey>,
        limit: u64,
    ) -> Result<Vec<(Resource, Category)>, DbErr> {
        use resource::Column;
        let ids = self.ids.as_ref().map(|ids| Column::Id.is_in(ids.iter().copied()));
        let condition = scoped(Column::TenantId, Scope::Tenant(self.tenant))
            .add_option(self.category.map(|id| Column::CategoryId.eq(id)))
            .add_option(ids)
            .add_option(place.map(|key| after(Column::NameKey, Column::Id, key)));
        let rows = resource::Entity::find()
            .find_also_related(category::Entity)
            .filter(condition)
            .order_by_asc(Column::NameKey)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(conn)
            .await?;
        // The foreign key sees to it that there always is a category.
        Ok(rows.into_iter().filter_map(|(row, category)| Some((row, category?))).collect())
    }

    /// Whether each of the ids is a resource of the tenant.
    pub(crate) async fn all_exist(&self, conn: &impl ConnectionTrait) -> Result<bool, DbErr> {
        use resource::Column;
        let Some(ids) = &self.ids else { return Ok(true) };
        let these = scoped(Column::TenantId, Scope::Tenant(self.tenant))
            .add(Column::Id.is_in(ids.iter().copied()));
        let found = resource::Entity::find().filter(these).count(conn).await?;
        Ok(usize::try_from(found).is_ok_and(|found| found == ids.len()))
    }

    /// The exceptions of the tenant, of `categories` and of `resources` that are not over on a date, by
    /// id, at most `limit`.
    pub(crate) async fn exceptions(
        &self,
        conn: &impl ConnectionTrait,
        (categories, resources): (&[Uuid], &[Uuid]),
        first: NaiveDate,
        limit: u64,
    ) -> Result<Vec<Exception>, DbErr> {
        use exception::Column;
        let target = Condition::any()
            .add(Column::Level.eq(ExceptionLevel::Tenant.as_str()))
            .add(Column::CategoryId.is_in(categories.iter().copied()))
            .add(Column::ResourceId.is_in(resources.iter().copied()));
        exception::Entity::find()
            .filter(scoped(Column::TenantId, Scope::Tenant(self.tenant)).add(target))
            .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(first)))
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(conn)
            .await
    }
}
