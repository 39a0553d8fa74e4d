//! Connecting, transactions, faults, migrations.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::db::{Database, Engine, Fault, Options, Scope, Tx, classify};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr, Statement};
use testkit::servers::Postgres;
use testkit::servers::postgres::Durability;
use tokio::task::JoinSet;

use crate::support::{ENGINES, Migrator, TestDb, numbers};

async fn run(tx: &DatabaseTransaction, sql: &str) -> Result<(), DbErr> {
    tx.execute_unprepared(sql).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_all_or_nothing() {
    for engine in ENGINES {
        let TestDb { db, .. } = &TestDb::new(engine).await;
        let insert = "INSERT INTO effect (pos, event) VALUES (1, 'x')";
        let refused: Result<(), DbErr> = db
            .transact(Scope::All, |tx| async move {
                run(&tx, insert).await?;
                Err(DbErr::Custom("no".to_owned()))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(numbers(db, "SELECT count(*) FROM effect").await, [0]);
        db.transact(Scope::All, |tx| async move { run(&tx, insert).await }).await.expect("commit");
        assert_eq!(numbers(db, "SELECT count(*) FROM effect").await, [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_then_write_transactions_race_without_errors() {
    for engine in ENGINES {
        let made = TestDb::new(engine).await;
        let insert = "INSERT INTO effect (pos, event) VALUES (0, 'x')";
        made.db.unscoped().execute_unprepared(insert).await.expect("insert");
        let mut tasks = JoinSet::new();
        for _ in 0..40 {
            let db = made.db.clone();
            tasks.spawn(async move {
                let lock = match db.engine() {
                    Engine::Postgres => "SELECT pos FROM effect FOR UPDATE",
                    Engine::Sqlite => "SELECT pos FROM effect",
                };
                db.transact(Scope::All, |tx| async move {
                    run(&tx, lock).await?;
                    run(&tx, "UPDATE effect SET pos = pos + 1").await
                })
                .await
            });
        }
        for done in tasks.join_all().await {
            done.expect("no writer fails");
        }
        assert_eq!(numbers(&made.db, "SELECT pos FROM effect").await, [40]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_run_again() {
    let made = TestDb::new(Engine::Postgres).await;
    let attempts = AtomicUsize::new(0);
    let (db, counter) = (&made.db, &attempts);
    let both = async |first: i64, second: i64| {
        let work = |tx: Tx| async move {
            counter.fetch_add(1, Ordering::SeqCst);
            run(&tx, &format!("SELECT pg_advisory_xact_lock({first})")).await?;
            run(&tx, "SELECT pg_sleep(0.2)").await?;
            run(&tx, &format!("SELECT pg_advisory_xact_lock({second})")).await
        };
        db.transact(Scope::All, work).await
    };
    let (one, two): (Result<(), DbErr>, Result<(), DbErr>) = tokio::join!(both(1, 2), both(2, 1));
    one.expect("the first");
    two.expect("the second");
    assert!(attempts.load(Ordering::SeqCst) > 2, "nothing was run again");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_apart() {
    let setup = [
        (
            Engine::Postgres,
            "CREATE EXTENSION btree_gist; CREATE TABLE p (id INT PRIMARY KEY, \
            CONSTRAINT p_gap EXCLUDE USING gist (int4range(id, id + 2) WITH &&)); \
            CREATE TABLE c (id INT, CONSTRAINT c_key UNIQUE (id), p INT REFERENCES p(id))",
        ),
        (
            Engine::Sqlite,
            "CREATE TABLE p (id INT PRIMARY KEY); \
            CREATE TRIGGER gap BEFORE INSERT ON p WHEN EXISTS (SELECT 1 FROM p WHERE id = NEW.id - 1) \
            BEGIN SELECT RAISE(ABORT, 'booking_no_overlap'); END; \
            CREATE TABLE c (id INT UNIQUE, p INT REFERENCES p(id))",
        ),
    ];
    for (engine, schema) in setup {
        let made = TestDb::empty(engine).await;
        let fault = async |sql: &str| match made.db.unscoped().execute_unprepared(sql).await {
            Ok(_) => None,
            Err(error) => Some(classify(&error)),
        };
        assert_eq!(fault(schema).await, None);
        assert_eq!(fault("INSERT INTO p VALUES (1); INSERT INTO c VALUES (7, 1)").await, None);
        assert_eq!(fault("INSERT INTO p VALUES (2)").await, Some(Fault::Overlap));
        let unique = fault("INSERT INTO c VALUES (7, 1)").await;
        let named = if engine == Engine::Postgres { "c_key" } else { "c.id" };
        assert_eq!(unique, Some(Fault::Unique(Some(named.to_owned()))));
        assert_eq!(fault("INSERT INTO c VALUES (8, 99)").await, Some(Fault::ForeignKey));
        assert_eq!(fault("SELECT nonsense").await, Some(Fault::Other));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_limits_are_set_and_cut_statements_short() {
    let made = TestDb::empty(Engine::Postgres).await;
    let settings = "SELECT setting::bigint FROM pg_settings WHERE name IN ('statement_timeout', \
                    'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name";
    assert_eq!(numbers(&made.db, settings).await, [10_000, 2_000, 5_000]);
    let slow =
        made.db.unscoped().execute_unprepared("SET statement_timeout = 50; SELECT pg_sleep(1)");
    assert_eq!(classify(&slow.await.expect_err("cut")), Fault::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_may_be_down_at_the_start_and_later() {
    let mut server = Postgres::start(Durability::Fast).expect("Postgres");
    server.stop().expect("stop");
    let options = Options { acquire_timeout: Duration::from_millis(700), ..Options::default() };
    let db = Database::connect(&server.admin_url(), &options).await.expect("connect does not ask");
    for _ in 0..2 {
        let asked = Instant::now();
        let error = db.ping().await.expect_err("nobody there");
        assert_eq!(classify(&error), Fault::Unavailable);
        assert!(asked.elapsed() < Duration::from_secs(2));
        server.restart().expect("restart");
        db.ping().await.expect("there again");
        server.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_sqlite_cannot_write() {
    let made = TestDb::new(Engine::Sqlite).await;
    let write = "INSERT INTO effect (pos, event) VALUES (1, 'x')";
    let reader = made.db.read(Scope::All);
    let statement = Statement::from_string(reader.get_database_backend(), write);
    assert!(reader.execute_raw(statement).await.is_err());
    assert!(reader.execute_unprepared(write).await.is_err());
    assert_eq!(numbers(&made.db, "PRAGMA synchronous").await, [2]);
    assert_eq!(numbers(&made.db, "PRAGMA foreign_keys").await, [1]);
    let another = Database::connect(&made.url, &Options::default()).await.expect("opens again");
    assert_eq!(numbers(&another, "SELECT count(*) FROM effect").await, [0]);
    another.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrators_that_race_take_turns_and_down_undoes_up() {
    for engine in ENGINES {
        let made = TestDb::empty(engine).await;
        assert_eq!(made.db.pending::<Migrator>().await.expect("pending").len(), 4);
        match engine {
            Engine::Sqlite => made.db.migrate::<Migrator>().await.expect("up"),
            Engine::Postgres => {
                let mut tasks = JoinSet::new();
                for _ in 0..4 {
                    let db = made.db.clone();
                    tasks.spawn(async move { db.migrate::<Migrator>().await });
                }
                for done in tasks.join_all().await {
                    done.expect("every migrator succeeds");
                }
            }
        }
        assert!(made.db.pending::<Migrator>().await.expect("pending").is_empty());
        made.db.migrate_down::<Migrator>(Some(1)).await.expect("one down");
        assert_eq!(made.db.pending::<Migrator>().await.expect("pending"), ["m0002_effects"]);
        made.db.migrate_down::<Migrator>(None).await.expect("all down");
        made.db.migrate::<Migrator>().await.expect("up again");
    }
}
