//! The hook that keeps sqlx 0.9.0 from losing acknowledged writes.

use std::time::Duration;

use common::db::{Database, Options};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, Statement, TransactionTrait as _,
};
use testkit::servers::postgres;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::numbers;

const ROUNDS: u64 = 400;

/// Begins transactions that are cut short at every possible moment, and writes in between. Returns
/// how many of the writes that were answered with success are not there.
async fn lost_writes(pool: &DatabaseConnection, judge: &Database) -> usize {
    let create = "DROP TABLE IF EXISTS w; CREATE TABLE w (id BIGINT)";
    judge.unscoped().execute_unprepared(create).await.expect("a table");
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut clients = JoinSet::new();
        for client in 0..4 {
            let pool = pool.clone();
            let patience = Duration::from_micros((round * 7 + client * 61) % 900);
            clients.spawn(async move {
                if let Ok(Ok(transaction)) = timeout(patience, pool.begin()).await {
                    let _ = transaction.rollback().await;
                }
            });
        }
        while clients.join_next().await.is_some() {}
        let id = round.cast_signed();
        let insert = "INSERT INTO w VALUES ($1)";
        let insert =
            Statement::from_sql_and_values(pool.get_database_backend(), insert, [id.into()]);
        if pool.execute_raw(insert).await.is_ok() {
            acknowledged.push(id);
        }
    }
    // Ends sessions that still have a transaction open.
    pool.close_by_ref().await.expect("close");
    let there = numbers(judge, "SELECT id FROM w").await;
    assert!(acknowledged.len() > 300, "too few writes came through to judge");
    acknowledged.iter().filter(|id| !there.contains(id)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_clients_hang_up() {
    let url = postgres::as_owner(&postgres::fresh_database("hook").await);
    let options = Options { max_connections: 2, ..Options::default() };
    let judge = Database::connect(&url, &options).await.expect("connect");

    let mut bare = ConnectOptions::new(&url);
    bare.max_connections(2).sqlx_logging(false);
    let bare = sea_orm::Database::connect(bare).await.expect("connect");
    let lost = lost_writes(&bare, &judge).await;
    eprintln!("lost without the hook: {lost} of {ROUNDS}");
    assert!(lost > 0, "sqlx no longer loses writes: the hook and this test can go");

    let db = Database::connect(&url, &options).await.expect("connect");
    assert_eq!(lost_writes(db.unscoped(), &judge).await, 0, "without the hook it was {lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_keeps_healthy_connections() {
    let url = postgres::as_owner(&postgres::fresh_database("hook").await);
    let options = Options { max_connections: 1, ..Options::default() };
    let db = Database::connect(&url, &options).await.expect("connect");
    let pid = "SELECT pg_backend_pid()::bigint";
    let first = numbers(&db, pid).await;
    for _ in 0..50 {
        assert_eq!(numbers(&db, pid).await, first);
    }
}
