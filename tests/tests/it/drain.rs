//! SIGTERM: what is under way is finished, nothing new is begun, and nobody can hold the door open.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, tell};
use crate::world::{Slot, World};
use serde_json::Value;
use std::time::Duration;
use testkit::servers::{Exit, ServiceProcess};
use testkit::wait::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

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

/// A booking whose request is half sent: under way for as long as the client likes.
struct HalfSent {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl HalfSent {
    async fn begin(port: u16, body: &Value) -> Self {
        let body = body.to_string();
        let head = format!(
            "POST /bookings/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let (first, rest) = body.as_bytes().split_at(body.len() / 2);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(first).await.unwrap();
        Self { stream, rest: rest.to_vec() }
    }

    /// Sends the rest; the id of the booking made.
    async fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        let mut answer = Vec::new();
        // The server closes the connection once it has answered.
        let reading = self.stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(15), reading).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        body["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_ends_well_with_work_under_way() {
    let _beside = beside_others().await;
    let mut cluster = Cluster::start(Options { bookings: 2, ..Options::default() }).await;
    let world = World::dense(&cluster.api()).await;
    let booking = cluster.bookings.pop().unwrap();
    let port = booking.port();
    let direct = Api::new(booking.url());
    world.book(&direct, Slot::of(3, 0)).await.expect(201);
    let held = hold_open(port).await;
    let mut under_way = Vec::new();
    for index in 1..5 {
        under_way.push(HalfSent::begin(port, &world.booking(Slot::of(3, index))).await);
    }
    let ending = terminate(booking);
    until(Duration::from_secs(2), "/ready says so", async || {
        let ready = direct.get("/ready").await;
        ready.status == 503 && ready.body["checks"]["lifecycle"] == "down"
    })
    .await;
    // Whoever has not noticed yet is still served.
    let mut made = vec![world.book(&direct, Slot::of(3, 10)).await.expect(201).id()];
    let last = under_way.pop().unwrap();
    for request in under_way {
        made.push(request.finish().await);
    }
    until(Duration::from_secs(15), "the port is closed", async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_err()
    })
    .await;
    made.push(last.finish().await);
    let (process, exit) = ending.await.unwrap();
    assert!(!exit.forced && exit.status.code() == Some(0), "{exit:?}");
    tell(&format!("SIGTERM: booking ended after {:.1} s", exit.took.as_secs_f64()));
    assert!(!process.log_text().contains("were still open"), "cut instead of drained");
    drop(held);
    let other = Api::new(cluster.bookings[0].url());
    for id in made {
        other.get(&format!("/bookings/{id}")).await.expect(200);
    }
    cluster.settled(Duration::from_secs(20)).await;
    cluster.assert_no_errors();
    others(&mut cluster).await;
}

/// The other services, with nothing to do but two connections that will not go away.
async fn others(cluster: &mut Cluster) {
    let Cluster { tenant, user, resource, .. } = cluster;
    let mut held = Vec::new();
    for process in [&*tenant, &*user, &*resource] {
        held.push(hold_open(process.port()).await);
    }
    let exits = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let threads = [tenant, user, resource]
                .map(|process| scope.spawn(move || process.terminate(END).expect("it ends")));
            threads.map(|thread| thread.join().unwrap())
        })
    });
    for exit in exits {
        assert!(!exit.forced && exit.status.code() == Some(0), "{exit:?}");
        tell(&format!("SIGTERM: ended after {:.1} s", exit.took.as_secs_f64()));
    }
    drop(held);
}
