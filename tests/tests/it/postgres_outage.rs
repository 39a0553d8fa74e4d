//! Postgres is killed in the middle of the work.

use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, seed, tell};
use crate::load::{Load, Outcome};
use crate::world::{Slot, World};
use contracts::Service;
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};
use testkit::servers::postgres::Durability;
use testkit::wait::until;

/// The longest a service may take to say that its database is away.
const ANSWER: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_there_is_a_503_and_then_everything_goes_on() {
    let _beside = beside_others().await;
    let options = Options { postgres: Some(Durability::Full), ..Options::default() };
    let mut cluster = Cluster::start(options).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let load = Load::start(&api, &world, 4, seed("postgres outage")).await;
    for _ in 0..3 {
        load.more(80).await;
        cluster.postgres.as_mut().unwrap().kill();
        load.failures(8).await;
        cluster.postgres.as_mut().unwrap().restart().expect("Postgres");
    }
    load.more(80).await;
    let ledger = load.stop().await;
    cluster.settled(Duration::from_secs(30)).await;
    // Before its commit was known to have failed or not, a write can only be answered with 503.
    let doubtful = ledger.judge(&api).await;
    let sql = cluster.sql(Service::Booking).await;
    sql.assert_bookings_match_outbox().await;
    let refused = ledger.count(|outcome| matches!(outcome, Outcome::Refused(_)));
    let other = ledger.count(|outcome| matches!(outcome, Outcome::Refused(s) if s != 503));
    assert_eq!(other, 0, "answers other than 503");
    assert!(refused > 0, "no kill fell into the work");
    let longest = ledger.operations.iter().map(|(_, took, _)| *took).max().unwrap_or_default();
    tell(&format!(
        "Postgres killed 3 ×: {} operations, {refused} × 503, {} × no answer, {doubtful} of those \
         stored whole, 0 lost; the slowest answer took {:.2} s",
        ledger.operations.len(),
        ledger.count(|outcome| outcome == Outcome::Unknown),
        longest.as_secs_f64()
    ));

    outage(&mut cluster, &world).await;
}

/// While it is away for longer: what every service says, and that it finds back by itself.
async fn outage(cluster: &mut Cluster, world: &World) {
    let api = cluster.api();
    cluster.postgres.as_mut().unwrap().kill();
    let requests = [
        (Method::GET, format!("/tenants/{}", world.tenant), Value::Null),
        (Method::GET, format!("/users/{}", world.user), Value::Null),
        (Method::GET, format!("/resources/{}", world.resource), Value::Null),
        (Method::GET, format!("/bookings/?tenant_id={}", world.tenant), Value::Null),
        (Method::POST, "/bookings/".to_owned(), world.booking(Slot::of(20, 0))),
    ];
    for (method, path, body) in &requests {
        let reply = api.call(method.clone(), path, body.clone()).await.expect(503);
        assert_eq!(reply.error(), "unavailable", "{method} {path}");
        assert!(reply.took < ANSWER, "{method} {path} took {:?}", reply.took);
        let secret = cluster.postgres.as_ref().unwrap().port().to_string();
        assert!(!reply.body["message"].as_str().unwrap().contains(&secret), "{}", reply.body);
    }
    for service in Service::ALL {
        let direct = api.at(cluster.process(service).url());
        let ready = direct.get("/ready").await.expect(503);
        assert_eq!(ready.body["checks"]["database"], "down", "{service:?}");
        assert_eq!(direct.get("/health").await.status, 200, "{service:?}");
    }
    cluster.postgres.as_mut().unwrap().restart().expect("Postgres");
    let began = Instant::now();
    for service in Service::ALL {
        let direct = api.at(cluster.process(service).url());
        until(Duration::from_secs(10), "it is ready again", async || {
            direct.get("/ready").await.status == 200
        })
        .await;
    }
    for (method, path, body) in requests {
        until(Duration::from_secs(10), "it answers again", async || {
            api.call(method.clone(), &path, body.clone()).await.status < 300
        })
        .await;
    }
    tell(&format!(
        "Postgres: all four services answer again {:.2} s after it, without a restart",
        began.elapsed().as_secs_f64()
    ));
    cluster.settled(Duration::from_secs(30)).await;
    cluster.assert_no_errors();
}
