//! Databases of a test's own.

use async_trait::async_trait;
use common::db::{Database, Engine, Options, RowSecurity, Scope};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tempfile::TempDir;
use testkit::servers::{Postgres, postgres};

pub(crate) const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// The kit's tables and one that effects are written to.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = common::streams::migrations();
        all.push(Box::new(RowSecurity { name: "m0001_row_security", tables: &["outbox"] }));
        all.extend(common::db::idempotency_migrations());
        all.push(Box::new(Effects));
        all
    }
}

struct Effects;

impl MigrationName for Effects {
    fn name(&self) -> &'static str {
        "m0002_effects"
    }
}

#[async_trait]
impl MigrationTrait for Effects {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let id = if manager.get_database_backend() == DbBackend::Postgres {
            "BIGSERIAL PRIMARY KEY"
        } else {
            "INTEGER PRIMARY KEY AUTOINCREMENT"
        };
        let sql =
            format!("CREATE TABLE effect (id {id}, pos BIGINT NOT NULL, event TEXT NOT NULL)");
        manager.get_connection().execute_unprepared(&sql).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP TABLE effect").await.map(drop)
    }
}

/// An empty, migrated database.
pub(crate) struct TestDb {
    pub(crate) db: Database,
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

impl TestDb {
    /// One whose connections may do what its owner may.
    pub(crate) async fn empty(engine: Engine) -> Self {
        let (url, folder) = match engine {
            Engine::Postgres => {
                (postgres::as_owner(&postgres::fresh_database("common").await), None)
            }
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                (format!("sqlite://{}", folder.path().join("test.db").display()), Some(folder))
            }
        };
        let db = Database::connect(&url, &Options::default()).await.expect("connect");
        Self { db, url, _folder: folder }
    }

    pub(crate) async fn new(engine: Engine) -> Self {
        let mut made = Self::empty(engine).await;
        made.db.migrate::<Migrator>().await.expect("migrate");
        if engine == Engine::Postgres {
            made.db = as_a_service(&made.url).await;
        }
        made
    }

    /// One on a Postgres of the test's own.
    pub(crate) async fn on_server(server: &Postgres) -> Self {
        let url = postgres::fresh_database_on(&server.admin_url(), "common").await;
        let url = postgres::as_owner(&url);
        let db = Database::connect(&url, &Options::default()).await.expect("connect");
        // The fast server acknowledges before it writes; a kill -9 would lose what it said it has.
        let careful = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = on', \
                       current_database()); END $$";
        db.unscoped().execute_unprepared(careful).await.expect("a setting");
        db.close().await;
        let db = as_a_service(&url).await;
        db.migrate::<Migrator>().await.expect("migrate");
        Self { db, url, _folder: None }
    }
}

/// The owner's database as services enter it: they own nothing, and the policies hold for them.
async fn as_a_service(owner: &str) -> Database {
    let options = Options { owner_url: Some(owner.to_owned()), ..Options::default() };
    Database::connect(&postgres::as_service(owner), &options).await.expect("connect")
}

/// The first column of every row.
pub(crate) async fn numbers(db: &Database, sql: &str) -> Vec<i64> {
    let connection = db.read(Scope::All);
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.expect(sql);
    rows.iter().map(|row| row.try_get_by_index(0).expect("a number")).collect()
}
