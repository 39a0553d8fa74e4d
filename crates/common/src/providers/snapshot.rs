//! The last known settings of every tenant a service has served, in its own database: a replica that
//! starts while the tenant service is away still knows them.

use contracts::facts::TenantFacts;
use sea_orm::{ConnectionTrait as _, DbErr, Statement, Value};
use sea_orm_migration::prelude::*;
use uuid::Uuid;

use crate::db::{Database, Scope, Tx};

/// Reads and writes the snapshots.
#[derive(Clone)]
pub struct Snapshots(Database);

impl Snapshots {
    /// The snapshots in `database`.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// The last known facts of a tenant.
    pub async fn load(&self, tenant: Uuid) -> Result<Option<TenantFacts>, DbErr> {
        let sql = "SELECT body FROM settings_snapshot WHERE tenant_id = $1";
        let reader = self.0.read(Scope::Tenant(tenant));
        let backend = reader.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [tenant.into()]);
        let Some(row) = reader.query_one_raw(statement).await? else { return Ok(None) };
        let body: String = row.try_get("", "body")?;
        Ok(serde_json::from_str(&body).ok())
    }

    /// Keeps `facts`, unless newer ones are kept already.
    pub async fn store(&self, facts: &TenantFacts) -> Result<(), DbErr> {
        let sql = "INSERT INTO settings_snapshot (tenant_id, version, body) VALUES ($1, $2, $3) \
                   ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, body = excluded.body \
                   WHERE settings_snapshot.version < excluded.version";
        let body =
            serde_json::to_string(facts).map_err(|error| DbErr::Custom(error.to_string()))?;
        let values = [facts.id.into(), facts.version.into(), body.into()];
        self.change(facts.id, sql, values.into()).await
    }

    /// Forgets a tenant that is gone.
    pub async fn forget(&self, tenant: Uuid) -> Result<(), DbErr> {
        let sql = "DELETE FROM settings_snapshot WHERE tenant_id = $1";
        self.change(tenant, sql, vec![tenant.into()]).await
    }

    async fn change(&self, tenant: Uuid, sql: &str, values: Vec<Value>) -> Result<(), DbErr> {
        let values = &values;
        let change = |tx: Tx| async move {
            let backend = tx.get_database_backend();
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, values.clone())).await
        };
        self.0.transact(Scope::Tenant(tenant), change).await.map(drop)
    }
}

/// The table of the snapshots, for the migrator of a service that keeps them.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(SnapshotTable)]
}

struct SnapshotTable;

impl MigrationName for SnapshotTable {
    fn name(&self) -> &'static str {
        "m0002_settings_snapshot"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SnapshotTable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("settings_snapshot")
            .col(ColumnDef::new("tenant_id").uuid().not_null().primary_key())
            .col(ColumnDef::new("version").big_integer().not_null())
            .col(ColumnDef::new("body").text().not_null())
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("settings_snapshot").to_owned()).await
    }
}
