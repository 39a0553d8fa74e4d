//! Clients that hang up in the middle: what was acknowledged to others stays, and what they sent
//! themselves is done whole or not at all.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{alone, seed, tell};
use crate::sql::Sql;
use crate::world::{Slot, World};
use contracts::Service;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use testkit::wait::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const RUDE: usize = 400;
const AT_ONCE: usize = 16;
const POLITE: usize = 8;
/// Writes of each polite client, at least.
const LEAST: usize = 20;

/// When a client cuts its connection.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// After so many bytes of the request.
    After(usize),
    /// With the whole request sent, so many microseconds later.
    Later(u64),
    /// With the first byte of the answer.
    Answered,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_lose_nobody_anything() {
    let _alone = alone().await;
    let cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let mut random = StdRng::seed_from_u64(seed("hang-ups"));
    let running = Arc::new(AtomicBool::new(true));
    let mut polite = JoinSet::new();
    for writer in 0..POLITE {
        let (api, running) = (api.clone(), Arc::clone(&running));
        let world = world.of_resource(&world.another_resource(&api).await);
        polite.spawn(async move { write(&api, &world, writer, &running).await });
    }
    // Half of them straight to the service, whose connection is then the one that is cut.
    let ports = [cluster.nginx.port(), cluster.process(Service::Booking).port()];
    let mut rude: JoinSet<()> = JoinSet::new();
    for client in 0..RUDE {
        if rude.len() >= AT_ONCE {
            rude.join_next().await;
        }
        let mut body = world.booking(Slot::of(2 + client as u64 / 80, client % 80));
        body["notes"] = tag(client).into();
        let (port, body) = (ports[client % 2], body.to_string());
        let length = body.len();
        let cut = match random.random_range(0..10) {
            0 => Cut::After(random.random_range(1..200)),
            1 => Cut::After(200 + random.random_range(0..length)),
            2 | 3 => Cut::Answered,
            _ => Cut::Later(random.random_range(0..30_000)),
        };
        rude.spawn(async move { hang_up(port, &body, cut).await });
    }
    rude.join_all().await;
    running.store(false, Ordering::SeqCst);
    let acknowledged: Vec<Value> = polite.join_all().await.into_iter().flatten().collect();
    let sql = cluster.sql(Service::Booking).await;
    until(Duration::from_secs(10), "the last writes to end", async || {
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND state <> 'idle' AND pid <> pg_backend_pid()";
        sql.number(busy).await == 0
    })
    .await;
    let stored = judge(&api, &sql, &world, &acknowledged).await;
    tell(&format!(
        "hang-ups: {RUDE} clients cut off ({stored} of their bookings stored whole, the rest not at \
         all); {} acknowledged to others, 0 lost",
        acknowledged.len()
    ));
    assert!(acknowledged.len() >= 100, "the others hardly wrote");
    assert!((40..RUDE).contains(&stored), "the cuts did not fall into the middle: {stored}");
    cluster.settled(Duration::from_secs(20)).await;
    world.assert_availability(&api, &sql, &[2, 3, 4, 5, 6]).await;
    cluster.assert_no_errors();
}

fn tag(client: usize) -> String {
    format!("cut-{client}")
}

/// Books one slot after the other; every answer counts.
async fn write(api: &Api, world: &World, writer: usize, running: &AtomicBool) -> Vec<Value> {
    let mut made = Vec::new();
    while made.len() < LEAST || running.load(Ordering::SeqCst) {
        assert!(made.len() < 2_000, "the others never end");
        let mut body = world.booking(Slot::of(2 + made.len() as u64 / 90, made.len() % 90));
        body["notes"] = format!("writer-{writer}-{}", made.len()).into();
        made.push(api.post("/bookings/", body).await.expect(201).body);
    }
    made
}

/// Sends a booking and resets the connection.
async fn hang_up(port: u16, body: &str, cut: Cut) {
    let request = format!(
        "POST /bookings/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let bytes = request.as_bytes();
    match cut {
        Cut::After(count) => {
            stream.write_all(&bytes[..count.min(bytes.len() - 1)]).await.unwrap();
        }
        Cut::Later(micros) => {
            stream.write_all(bytes).await.unwrap();
            let answer = stream.read_u8();
            let _ = tokio::time::timeout(Duration::from_micros(micros), answer).await;
        }
        Cut::Answered => {
            stream.write_all(bytes).await.unwrap();
            let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await;
        }
    }
    stream.set_zero_linger().unwrap();
}

/// Every acknowledged booking is readable as it was answered; of the cut ones each is there with
/// its event or not at all. Returns how many are there.
async fn judge(api: &Api, sql: &Sql, world: &World, acknowledged: &[Value]) -> usize {
    for booking in acknowledged {
        let read = api.get(&format!("/bookings/{}", booking["id"].as_str().unwrap())).await;
        let read = read.expect(200).body;
        for field in ["id", "resource_id", "start_time", "end_time", "notes", "confirmation_code"] {
            assert_eq!(read[field], booking[field], "{field}");
        }
    }
    sql.assert_bookings_match_outbox().await;
    let mut stored = 0;
    for client in 0..RUDE {
        let count = format!(
            "SELECT count(*) FROM booking WHERE tenant_id = '{}' AND notes = '{}'",
            world.tenant,
            tag(client)
        );
        let count = sql.number(&count).await;
        assert!(count <= 1, "client {client} was served {count} times");
        stored += usize::try_from(count).unwrap();
    }
    stored
}
