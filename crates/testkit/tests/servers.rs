//! The servers start, survive what the fault tests do to them, and go away.

use sea_orm::{ConnectionTrait as _, Database, Statement};
use std::path::Path;
use std::time::Duration;
use testkit::servers::postgres::{self, Durability};
use testkit::servers::redis::Persistence;
use testkit::servers::service::ServiceCommand;
use testkit::servers::{Postgres, Redis, ServerError, ports, tools};
use testkit::wait;

async fn number(url: &str, query: &str) -> Option<i32> {
    let connection = Database::connect(url).await.ok()?;
    let statement = Statement::from_string(connection.get_database_backend(), query.to_owned());
    let row = connection.query_one_raw(statement).await.ok()??;
    connection.close().await.ok()?;
    row.try_get_by_index(0).ok()
}

async fn execute(url: &str, statement: &str) {
    let connection = Database::connect(url).await.expect("connect");
    connection.execute_unprepared(statement).await.expect("execute");
    connection.close().await.expect("close");
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn databases_are_fresh_and_templates_are_copied() {
    let template = postgres::fresh_database("Template").await;
    execute(&template, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)").await;
    let (one, two) = (postgres::clone_database(&template), postgres::clone_database(&template));
    let (one, two) = tokio::join!(one, two);
    assert_ne!(one, two);
    execute(&one, "DELETE FROM t").await;
    assert_eq!(number(&two, "SELECT n FROM t").await, Some(7));
    postgres::drop_database(&one).await;
    assert_eq!(number(&one, "SELECT 1").await, None);
}

#[tokio::test]
async fn postgres_keeps_commits_over_kill_and_stops_when_dropped() {
    let mut server = Postgres::start(Durability::Full).expect("start");
    let url = postgres::fresh_database_on(&server.admin_url(), "kept").await;
    assert_eq!(number(&url, "SELECT (current_setting('fsync') = 'on')::int").await, Some(1));
    execute(&url, "CREATE EXTENSION btree_gist; CREATE TABLE t (n int)").await;
    execute(&url, "INSERT INTO t VALUES (1)").await;
    server.kill();
    server.restart().expect("restart after kill -9");
    assert_eq!(number(&url, "SELECT count(*)::int FROM t").await, Some(1));
    assert!(!server.stop().expect("stop").forced);
    server.restart().expect("restart after a clean stop");
    let pid = server.process().pid();
    drop(server);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn redis_forgets_or_keeps_and_hangs_on_demand() {
    for (persistence, kept) in [(Persistence::None, ":0"), (Persistence::AppendOnly, ":1")] {
        let mut redis = Redis::start(persistence).expect("start");
        let (url, pid) = (redis.url(), redis.process().pid());
        assert_eq!(redis_answer(redis.port(), "SET k v\r\n").await.as_deref(), Some("+OK"));
        redis.stop().expect("stop");
        assert!(!is_alive(pid));
        redis.restart().expect("restart");
        assert_eq!(redis.url(), url);
        assert_eq!(redis_answer(redis.port(), "EXISTS k\r\n").await.as_deref(), Some(kept));
        redis.pause();
        assert_eq!(redis_answer(redis.port(), "PING\r\n").await, None);
        redis.resume();
        assert_eq!(redis_answer(redis.port(), "PING\r\n").await.as_deref(), Some("+PONG"));
        redis.kill();
        assert_eq!(redis_answer(redis.port(), "PING\r\n").await, None);
    }
}

async fn redis_answer(port: u16, command: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(command.as_bytes()).await.ok()?;
        let mut answer = vec![0; 64];
        let read = stream.read(&mut answer).await.ok()?;
        Some(String::from_utf8_lossy(&answer[..read]).trim_end().to_owned())
    };
    tokio::time::timeout(Duration::from_millis(500), exchange).await.ok()?
}

/// A server outlives the thread that asked for it: tests are threads, and shared servers serve all.
#[tokio::test]
async fn a_server_outlives_the_thread_that_started_it() {
    let starting = std::thread::spawn(|| Redis::start(Persistence::None).expect("start"));
    let redis = starting.join().expect("join");
    for _ in 0..20 {
        assert_eq!(redis_answer(redis.port(), "PING\r\n").await.as_deref(), Some("+PONG"));
    }
}

#[test]
fn ports_are_not_given_twice() {
    let ports: std::collections::HashSet<u16> = (0..50).map(|_| ports::free_port()).collect();
    assert_eq!(ports.len(), 50);
    assert!(ports.iter().all(|port| (15_000..32_000).contains(port)));
}

/// A stand-in for a service: a shell script cannot listen, but it can fail and ignore signals.
#[test]
fn a_service_that_dies_or_hangs_is_reported_with_its_log() {
    let shell = tools::find_program("sh").expect("sh");
    let dies =
        ServiceCommand::new("dies", &shell).arg("-c").arg("echo out of luck; exit 3").start();
    match dies {
        Err(ServerError::Died { log, .. }) => assert_eq!(log, "out of luck\n"),
        other => panic!("unexpected: {other:?}"),
    }
    let script = "echo secret is $WORD; trap '' TERM; while :; do read line; done < /dev/zero";
    let hangs = ServiceCommand::new("hangs", &shell).arg("-c").arg(script).env("WORD", "short");
    let mut hangs = hangs.start_unready().expect("spawn");
    let late = hangs.wait_ready(Duration::from_millis(300));
    assert!(matches!(late, Err(ServerError::NotReady { ref log, .. }) if log.contains("short")));
    let pid = hangs.process().pid();
    let exit = hangs.terminate(Duration::from_millis(200)).expect("terminate");
    assert!(exit.forced && !is_alive(pid));
}

#[tokio::test]
#[should_panic(expected = "waited 30ms in vain: pigs fly")]
async fn waiting_is_bounded() {
    wait::until(Duration::from_millis(30), "pigs fly", async || false).await;
}
