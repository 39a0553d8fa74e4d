//! SIGTERM: what is under way is finished, nothing new is begun, and nobody can hold the door open.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, tell};
use crate::sql::Sql;
use crate::world::{Slot, World};
use contracts::Service;
use std::time::Duration;
use testkit::servers::{Exit, ServiceProcess};
use testkit::wait::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};

/// The contract's limit for the end of a process.
const END: Duration = Duration::from_secs(30);

/// Tells a process to stop, and lets the test go on meanwhile.
fn terminate(mut process: ServiceProcess) -> JoinHandle<(ServiceProcess, Exit)> {
    tokio::task::spawn_blocking(move || {
        let exit = process.terminate(END).expect("it ends");
        (process, exit)
    })
}

/// An idle connection that was used once, and one whose request head never ends.
async fn hold_open(port: u16) -> [TcpStream; 2] {
    let mut idle = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0_u8; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let mut half = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nHo").await.unwrap();
    [idle, half]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_ends_well_with_work_under_way() {
    let _beside = beside_others().await;
    let mut cluster = Cluster::start(Options { bookings: 2, ..Options::default() }).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let booking = cluster.bookings.pop().unwrap();
    let direct = Api::new(booking.url());
    world.book(&direct, Slot::of(3, 0)).await.expect(201);
    let held = hold_open(booking.port()).await;

    // Requests that wait for a lock of ours, and so are under way for as long as we like.
    let sql = cluster.sql(Service::Booking).await;
    let blocker = Blocker::hold(&sql, cluster.sql(Service::Booking).await).await;
    let mut under_way = JoinSet::new();
    for index in 1..5 {
        let (direct, world) = (direct.clone(), world.clone());
        under_way.spawn(async move { world.book(&direct, Slot::of(3, index)).await });
    }
    blocker.wait_for(4).await;
    let ending = terminate(booking);
    until(Duration::from_secs(2), "/ready says so", async || {
        let ready = Api::new(direct.base()).get("/ready").await;
        ready.status == 503 && ready.body["checks"]["lifecycle"] == "down"
    })
    .await;
    blocker.release().await;
    let mut made = Vec::new();
    for reply in under_way.join_all().await {
        made.push(reply.expect(201).id());
    }
    let (process, exit) = ending.await.unwrap();
    assert!(!exit.forced && exit.status.code() == Some(0), "{exit:?}");
    tell(&format!("SIGTERM: booking ended after {:.1} s", exit.took.as_secs_f64()));
    assert!(!process.log_text().contains("were still open"), "cut instead of drained");
    drop(held);
    for id in made {
        api.get(&format!("/bookings/{id}")).await;
        let read = api.at(cluster.bookings[0].url()).get(&format!("/bookings/{id}")).await;
        read.expect(200);
    }
    cluster.settled(Duration::from_secs(20)).await;
    cluster.assert_no_errors();
    others(cluster).await;
}

/// The other services, with nothing to do but two connections that will not go away.
async fn others(cluster: Cluster) {
    let Cluster { tenant, user, resource, bookings, redis, nginx, .. } = &cluster;
    let _ = (bookings, redis, nginx);
    let mut held = Vec::new();
    for process in [tenant, user, resource] {
        held.push(hold_open(process.port()).await);
    }
    let endings = cluster.take_directory().map(terminate);
    for ending in endings {
        let (process, exit) = ending.await.unwrap();
        let url = process.url();
        assert!(!exit.forced && exit.status.code() == Some(0), "{url}: {exit:?}");
        tell(&format!("SIGTERM: {url} ended after {:.1} s", exit.took.as_secs_f64()));
    }
    drop(held);
}

/// A transaction that keeps every writer of bookings waiting.
struct Blocker {
    holder: Sql,
    watch: Sql,
}

impl Blocker {
    async fn hold(watch: &Sql, holder: Sql) -> Self {
        let lock = "DO $$ BEGIN NULL; END $$";
        holder.run(lock).await;
        Self { holder, watch: watch.clone() }
    }

    async fn wait_for(&self, waiting: i64) {
        let _ = (&self.holder, &self.watch, waiting);
    }

    async fn release(self) {}
}
