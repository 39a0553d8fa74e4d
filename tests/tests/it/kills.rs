//! Processes are killed in the middle of the work and started again.

use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, seed, tell};
use crate::load::{DAYS, Load, Outcome};
use crate::world::World;
use contracts::Service;
use std::time::Duration;
use testkit::wait::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_services_come_back_and_nothing_is_lost() {
    let _beside = beside_others().await;
    let mut cluster = Cluster::start(Options { bookings: 2, ..Options::default() }).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let load = Load::start(&api, &world, 4, seed("kills")).await;
    load.more(60).await;
    // The replica that the others ask, then the other one, then the consumer, then both.
    for replica in [0, 1] {
        cluster.bookings[replica].kill();
        load.more(40).await;
        cluster.bookings[replica].restart().expect("the booking service");
        load.more(20).await;
    }
    cluster.resource.kill();
    load.more(60).await;
    cluster.resource.restart().expect("the resource service");
    load.more(40).await;
    cluster.bookings[0].kill();
    cluster.resource.kill();
    cluster.bookings[0].restart().expect("the booking service");
    cluster.resource.restart().expect("the resource service");
    load.more(60).await;
    let ledger = load.stop().await;
    cluster.settled(Duration::from_secs(30)).await;
    cluster.gateway_is_well().await;
    let doubtful = ledger.judge(&api).await;
    let sql = cluster.sql(Service::Booking).await;
    sql.assert_bookings_match_outbox().await;
    let days: Vec<u64> = DAYS.collect();
    for world in &ledger.worlds {
        world.assert_availability(&api, &sql, &days).await;
    }
    let unknown = ledger.count(|outcome| outcome == Outcome::Unknown);
    let refused = ledger.count(|outcome| matches!(outcome, Outcome::Refused(_)));
    assert!(unknown > 0, "no kill fell into a request");
    let internal = ledger.count(|outcome| outcome == Outcome::Refused(500));
    assert_eq!(internal, 0, "answers with 500");
    tell(&format!(
        "kills: 5 × kill -9 under {} operations: {unknown} without an answer ({doubtful} new \
         bookings of these stored), {refused} refused, 0 lost",
        ledger.operations.len()
    ));
    cluster.assert_no_errors();
}

/// A consumer that is killed in the middle of a long run of events goes on where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_killed_in_the_middle_of_a_run_goes_on() {
    let _beside = beside_others().await;
    let mut cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let load = Load::start(&api, &world, 4, seed("consumer")).await;
    load.more(100).await;
    // The resources are known by now: bookings go on, and their events wait.
    cluster.resource.kill();
    load.more(150).await;
    for _ in 0..3 {
        cluster.resource.restart().expect("the resource service");
        cluster.resource.kill();
    }
    cluster.resource.restart().expect("the resource service");
    let ledger = load.stop().await;
    cluster.settled(Duration::from_secs(30)).await;
    let sql = cluster.sql(Service::Booking).await;
    sql.assert_bookings_match_outbox().await;
    until(Duration::from_secs(5), "availability is served", async || {
        world.availability(&api, 2).await.status == 200
    })
    .await;
    for world in &ledger.worlds {
        world.assert_availability(&api, &sql, &[2, 3]).await;
    }
    cluster.assert_no_errors();
}
