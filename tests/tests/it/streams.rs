//! Streams of changed days and the search, with everything in between: nginx passes events on as they
//! come, and a process that is told to stop lets its readers go.

use crate::cluster::{Cluster, Options};
use crate::figures::{alone, tell};
use crate::world::{Slot, World, date};
use contracts::Service;
use std::time::{Duration, Instant};

/// A stream through the gateway.
struct Stream {
    answer: reqwest::Response,
    seen: String,
}

impl Stream {
    async fn open(base: &str, world: &World) -> Self {
        let url = format!("{base}/resources/{}/availability/stream", world.resource);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let mut this = Self { answer, seen: String::new() };
        assert!(this.until("event: open").await);
        this
    }

    /// Reads until a word comes; false if the stream ends before.
    async fn until(&mut self, word: &str) -> bool {
        let reading = async {
            while !self.seen.contains(word) {
                match self.answer.chunk().await {
                    Ok(Some(chunk)) => self.seen.push_str(&String::from_utf8_lossy(&chunk)),
                    Ok(None) | Err(_) => return false,
                }
            }
            true
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("in time")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_booked_is_streamed_and_found_no_more() {
    let _alone = alone().await;
    let mut cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let (from, to) = (date(3), date(4));
    let search = format!(
        "/availability/?tenant_id={}&from={from}&to={to}&starts_per_resource=1",
        world.tenant
    );
    let first = async || {
        let reply = api.get(&search).await.expect(200);
        reply.body["resources"][0]["starts"][0]["start_time"].as_str().unwrap().to_owned()
    };
    let before = first().await;
    let mut stream = Stream::open(&cluster.nginx.url(), &world).await;
    let mut waited = Vec::new();
    for index in 0..5 {
        let began = Instant::now();
        let slot = Slot::of(3 + index, 0);
        world.book(&api, slot).await.expect(201);
        assert!(stream.until(&date(3 + index).to_string()).await);
        waited.push(began.elapsed());
    }
    let slowest = waited.iter().max().unwrap();
    tell(&format!("stream: five bookings through nginx, told after at most {slowest:?}"));
    assert!(*slowest < Duration::from_secs(5), "it was held back: {waited:?}");
    assert_ne!(first().await, before);
    let resource = cluster.process_mut(Service::Resource);
    let exit = tokio::task::block_in_place(|| resource.terminate(Duration::from_secs(30)).unwrap());
    assert!(!exit.forced && exit.status.code() == Some(0), "{exit:?}");
    assert!(!stream.until("never").await, "it ended");
    let log = cluster.process(Service::Resource).log_text();
    assert!(!log.contains("were still open"), "cut instead of drained");
}
