//! Date overrides and closures.

use chrono::NaiveDate;
use contracts::exception::{ExceptionFacts, ExceptionKind, ExceptionLevel};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Condition;
use sea_orm::{ConnectionTrait, QueryOrder as _, QuerySelect as _};

use super::Resource;

/// The most exceptions that count for one resource. Writing refuses more of one level.
const MOST: u64 = 2_000;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_exception")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub category_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    pub level: String,
    pub kind: String,
    pub start_date: Date,
    pub end_date: Date,
    pub yearly: bool,
    /// Texts, as they were written.
    pub ranges: Json,
    pub reason: String,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The exception as neighbours need it.
    pub(crate) fn facts(self) -> ExceptionFacts {
        ExceptionFacts {
            level: ExceptionLevel::parse(&self.level).unwrap_or(ExceptionLevel::Resource),
            kind: ExceptionKind::parse(&self.kind).unwrap_or(ExceptionKind::Closure),
            start_date: self.start_date,
            end_date: self.end_date,
            yearly: self.yearly,
            ranges: serde_json::from_value(self.ranges).unwrap_or_default(),
            reason: self.reason,
        }
    }
}

/// Deletes the exceptions of a tenant that is gone.
pub(crate) async fn purge(tx: &impl ConnectionTrait, tenant: Uuid) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant)).exec(tx).await.map(drop)
}

/// The exceptions of a resource, its category and its tenant that are not over on a date.
pub(crate) async fn of_resource(
    conn: &impl ConnectionTrait,
    resource: &Resource,
    today: NaiveDate,
) -> Result<Vec<ExceptionFacts>, DbErr> {
    let level = |level: ExceptionLevel| Column::Level.eq(level.as_str());
    let target = Condition::any()
        .add(level(ExceptionLevel::Tenant))
        .add(Column::CategoryId.eq(resource.category_id))
        .add(Column::ResourceId.eq(resource.id));
    let found = Entity::find()
        .filter(Column::TenantId.eq(resource.tenant_id))
        .filter(target)
        .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(today)))
        .order_by_asc(Column::Id)
        .limit(MOST)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(Model::facts).collect())
}

/// The exceptions of a tenant and its category, and of some of its resources, that are not over on a
/// date.
pub(crate) async fn of_category(
    conn: &impl ConnectionTrait,
    (tenant, category): (Uuid, Uuid),
    resources: &[Uuid],
    today: NaiveDate,
) -> Result<Vec<Model>, DbErr> {
    let target = Condition::any()
        .add(Column::Level.eq(ExceptionLevel::Tenant.as_str()))
        .add(Column::CategoryId.eq(category))
        .add(Column::ResourceId.is_in(resources.iter().copied()));
    Entity::find()
        .filter(Column::TenantId.eq(tenant))
        .filter(target)
        .filter(Condition::any().add(Column::Yearly.eq(true)).add(Column::EndDate.gte(today)))
        .order_by_asc(Column::Id)
        .all(conn)
        .await
}
