//! The second wall between tenants: row-level security on Postgres.
//!
//! A policy lets a statement see and write the rows of the tenant that the transaction names, all
//! rows if it names `*`, and is an error if it names none. The setting is read in sub-selects: the
//! planner never looks at it, and a statement reads it once, not once a row.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};
use sea_orm_migration::prelude::*;

use super::{Database, Engine, SETTING};

/// The group of the roles that services run as. It may read and write rows, and own nothing.
pub const RUNTIME_ROLE: &str = "marca_runtime";

/// Puts a table's rows behind the tenant in `column`. Nothing to do on `SQLite`.
pub async fn row_security(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
) -> Result<(), DbErr> {
    // An empty or odd setting is no UUID, which is an error. Own rows are the common case: first.
    let own = format!(
        "{column} = (SELECT NULLIF(current_setting('{SETTING}'), '*')::uuid) \
         OR (SELECT current_setting('{SETTING}') = '*')"
    );
    let sql = format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
         ALTER TABLE {table} FORCE ROW LEVEL SECURITY; \
         CREATE POLICY tenant ON {table} USING ({own}) WITH CHECK ({own})"
    );
    on_postgres(manager, &sql).await
}

/// The same, but everybody may read. That nobody is named is still an error.
pub async fn row_security_public(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
) -> Result<(), DbErr> {
    row_security(manager, table, column).await?;
    let named = format!(
        "SELECT current_setting('{SETTING}') = '*' OR current_setting('{SETTING}')::uuid IS NOT NULL"
    );
    let sql = format!("CREATE POLICY everybody ON {table} FOR SELECT USING (({named}))");
    on_postgres(manager, &sql).await
}

/// Takes a table from behind its tenants again.
pub async fn no_row_security(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let sql = format!(
        "DROP POLICY tenant ON {table}; DROP POLICY IF EXISTS everybody ON {table}; \
         ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; \
         ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
    );
    on_postgres(manager, &sql).await
}

async fn on_postgres(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    manager.get_connection().execute_unprepared(sql).await.map(drop)
}

/// A migration that puts tables with a `tenant_id` behind it.
pub struct RowSecurity {
    /// The migration's name.
    pub name: &'static str,
    /// The tables.
    pub tables: &'static [&'static str],
}

impl MigrationName for RowSecurity {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for RowSecurity {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in self.tables {
            row_security(manager, table, "tenant_id").await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in self.tables {
            no_row_security(manager, table).await?;
        }
        Ok(())
    }
}

/// Lets the runtime group read and write every table, and only read the list of migrations. The group
/// is made if it is missing and the owner may make it; a developer's database does without. Who does
/// not own the tables has nothing to give.
pub(super) async fn grant(owner: &DatabaseConnection, migrations: &str) -> Result<(), DbErr> {
    let sql = format!(
        "DO $$ BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{RUNTIME_ROLE}') THEN
                CREATE ROLE {RUNTIME_ROLE} NOLOGIN;
            END IF;
        EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
        END $$;
        DO $$ DECLARE here text := quote_ident(current_schema()); BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{RUNTIME_ROLE}')
                OR NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = '{migrations}'::regclass
                    AND pg_has_role(current_user, relowner, 'MEMBER')) THEN
                RETURN;
            END IF;
            EXECUTE 'GRANT USAGE ON SCHEMA ' || here || ' TO {RUNTIME_ROLE}';
            EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ' || here
                || ' TO {RUNTIME_ROLE}';
            EXECUTE 'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ' || here
                || ' TO {RUNTIME_ROLE}';
            EXECUTE 'ALTER DEFAULT PRIVILEGES IN SCHEMA ' || here
                || ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {RUNTIME_ROLE}';
            EXECUTE 'ALTER DEFAULT PRIVILEGES IN SCHEMA ' || here
                || ' GRANT USAGE, SELECT ON SEQUENCES TO {RUNTIME_ROLE}';
            REVOKE INSERT, UPDATE, DELETE ON {migrations} FROM {RUNTIME_ROLE};
        END $$"
    );
    owner.execute_unprepared(&sql).await.map(drop)
}

const ROLE: &str = "SELECT rolsuper, rolbypassrls, EXISTS (
        SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace
        AND relkind IN ('r', 'p') AND pg_has_role(current_user, relowner, 'MEMBER')) AS owns
    FROM pg_roles WHERE rolname = current_user";
const BARE_TABLES: &str = "SELECT relname::text AS name FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
    AND NOT (relrowsecurity AND relforcerowsecurity)
    AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = pg_class.oid
        AND attname = 'tenant_id' AND NOT attisdropped)
    ORDER BY 1";

impl Database {
    /// What keeps row-level security from being a wall here, in words; empty when it is one, and on
    /// `SQLite`, which has none.
    pub async fn holes(&self) -> Result<Vec<String>, DbErr> {
        if self.engine() == Engine::Sqlite {
            return Ok(Vec::new());
        }
        let connection = self.unscoped();
        let statement = |sql: &str| Statement::from_string(DbBackend::Postgres, sql);
        let mut holes = Vec::new();
        if let Some(role) = connection.query_one_raw(statement(ROLE)).await? {
            if role.try_get("", "rolsuper")? {
                holes.push("the service's role is a superuser".to_owned());
            } else if role.try_get("", "owns")? {
                holes.push("the service's role owns the tables".to_owned());
            }
            if role.try_get("", "rolbypassrls")? {
                holes.push("the service's role has BYPASSRLS".to_owned());
            }
        }
        for table in connection.query_all_raw(statement(BARE_TABLES)).await? {
            let name: String = table.try_get("", "name")?;
            holes.push(format!("the table {name} has no forced row-level security"));
        }
        Ok(holes)
    }
}
