//! Claims of repeated requests: who waits for whom, and what is left of a claim that came to nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use common::Clock as _;
use common::clock::SystemClock;
use common::db::{
    Answer, Asking, Claim, Classify, Database, Engine, Once, Refused, Scope, Tx, prune_answers,
};
use sea_orm::{ConnectionTrait as _, DbErr};
use testkit::wait::until;
use thiserror::Error;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{ENGINES, TestDb, numbers};

#[derive(Debug, Error)]
enum Failed {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Classify for Failed {
    fn db(&self) -> Option<&DbErr> {
        match self {
            Self::Refused(_) => None,
            Self::Database(error) => Some(error),
        }
    }
}

const SCOPE: Scope = Scope::Tenant(Uuid::from_u128(7));

fn at(key: &str, now: DateTime<Utc>) -> Once {
    let (author, route, path, query) = ("nobody", "POST /x/", "/x/", "");
    Once::keyed(&Asking { key, author, route, path, query, body: &[1; 32], now })
}

fn once(key: &str) -> Once {
    at(key, SystemClock.now())
}

async fn effect(tx: &Tx) -> Result<(), DbErr> {
    tx.execute_unprepared("INSERT INTO effect (pos, event) VALUES (1, 'x')").await.map(drop)
}

/// Does the work of a request and answers with how often it was done before.
async fn work(db: &Database, once: &Once, fails: bool) -> Result<(Answer, Option<()>), Failed> {
    once.run(db, SCOPE, |tx: Tx| async move {
        effect(&tx).await?;
        let answer = Answer::done(&"feito")?;
        if fails { Err(DbErr::Custom("no".to_owned()).into()) } else { Ok((answer, ())) }
    })
    .await
}

async fn counts(db: &Database) -> [i64; 2] {
    let rows = numbers(db, "SELECT count(*) FROM idempotency").await;
    [numbers(db, "SELECT count(*) FROM effect").await[0], rows[0]]
}

#[tokio::test(flavor = "multi_thread")]
async fn work_and_answer_are_one() {
    for engine in ENGINES {
        let TestDb { db, .. } = &TestDb::new(engine).await;
        assert!(work(db, &once("a"), true).await.is_err());
        assert_eq!(counts(db).await, [0, 0]);
        let (first, fresh) = work(db, &once("a"), false).await.expect("done");
        assert!(fresh.is_some() && !first.is_replayed());
        let (again, fresh) = work(db, &once("a"), true).await.expect("not done again");
        assert!(fresh.is_none() && again.is_replayed() && again.body() == first.body());
        assert_eq!(counts(db).await, [1, 1]);
        let unkeyed = Once::unkeyed();
        for _ in 0..2 {
            work(db, &unkeyed, false).await.expect("every time anew");
        }
        assert_eq!(counts(db).await, [3, 1]);
        // An answer without a claim, and a claim without an answer.
        let stray = async |tx: Tx| once("b").keep(&*tx, SCOPE, &Answer::no_content()).await;
        assert!(db.transact(SCOPE, stray).await.is_err());
        let silent = async |tx: Tx| {
            let claim = once("c").claim::<Failed>(&*tx, SCOPE).await?;
            assert!(matches!(claim, Claim::Fresh));
            Ok::<_, Failed>(())
        };
        db.transact(SCOPE, silent).await.expect("a mistake of ours");
        let twin = work(db, &once("c"), false).await;
        assert!(matches!(twin, Err(Failed::Refused(Refused::InProgress))), "{twin:?}");
    }
}

/// The first has claimed and not committed. `ends`: whether it then commits, fails, or is cut.
async fn race(db: &Database, ends: &str) -> (Answer, Option<()>) {
    let (claimed, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, may) = (Arc::clone(&claimed), Arc::clone(&go));
    let (first_db, fails) = (db.clone(), ends == "fails");
    let (mut first, mut twin) = (JoinSet::new(), JoinSet::new());
    first.spawn(async move {
        let once = once("k");
        let (told, may) = (&told, &may);
        let done = once.run(&first_db, SCOPE, |tx: Tx| async move {
            effect(&tx).await?;
            told.notify_one();
            may.notified().await;
            let failure = || Failed::from(DbErr::Custom("no".to_owned()));
            if fails { Err(failure()) } else { Ok((Answer::done(&"feito")?, ())) }
        });
        done.await.map(drop)
    });
    claimed.notified().await;
    let twin_db = db.clone();
    twin.spawn(async move { work(&twin_db, &once("k"), false).await });
    // One writer is all that SQLite has: there the twin has not even begun.
    if db.engine() == Engine::Postgres {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waits = async || numbers(db, waiting).await == [1];
        until(Duration::from_secs(5), "the twin waits for the claim", waits).await;
    }
    assert!(twin.try_join_next().is_none(), "{ends}: it did not wait");
    if ends == "cut" {
        first.abort_all();
    } else {
        go.notify_one();
    }
    let done = first.join_next().await.expect("a task");
    assert_eq!(done.is_ok_and(|done| done.is_ok()), ends == "commits");
    twin.join_next().await.expect("a task").expect("no panic").expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_waits_and_then_answers_or_works() {
    for engine in ENGINES {
        for ends in ["commits", "fails", "cut"] {
            let TestDb { db, .. } = &TestDb::new(engine).await;
            let (answer, fresh) = race(db, ends).await;
            assert_eq!(answer.is_replayed(), ends == "commits", "{engine:?} {ends}");
            assert_eq!(fresh.is_none(), ends == "commits", "{engine:?} {ends}");
            assert_eq!(counts(db).await, [1, 1], "{engine:?} {ends}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_is_refused_when_it_has_waited_for_too_long() {
    let TestDb { db, .. } = &TestDb::new(Engine::Postgres).await;
    let slow = |tx: Tx| async move {
        once("k").claim::<Failed>(&*tx, SCOPE).await?;
        let twin = work(db, &once("k"), false).await;
        assert!(matches!(twin, Err(Failed::Refused(Refused::InProgress))), "{twin:?}");
        // Other keys and other tenants wait for nobody.
        work(db, &once("l"), false).await?;
        let elsewhere =
            async |tx: Tx| once("k").claim::<Failed>(&*tx, Scope::Tenant(Uuid::from_u128(8))).await;
        assert!(matches!(
            db.transact(Scope::Tenant(Uuid::from_u128(8)), elsewhere).await?,
            Claim::Fresh
        ));
        Ok::<_, Failed>(())
    };
    db.transact(SCOPE, slow).await.expect("the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_taken_over_or_removed() {
    for engine in ENGINES {
        let TestDb { db, .. } = &TestDb::new(engine).await;
        let start = SystemClock.now();
        let later = start + TimeDelta::hours(24);
        for key in ["a", "b"] {
            work(db, &at(key, start), false).await.expect("done");
        }
        let before = later - TimeDelta::microseconds(1);
        assert!(work(db, &at("a", before), true).await.expect("kept").0.is_replayed());
        assert_eq!(prune_answers(db, before).await.expect("pruned"), 0);
        assert!(!work(db, &at("a", later), false).await.expect("anew").0.is_replayed());
        assert_eq!(prune_answers(db, later).await.expect("pruned"), 1);
        assert!(work(db, &at("a", later), true).await.expect("kept").0.is_replayed());
        assert_eq!(counts(db).await, [3, 1]);
    }
}
