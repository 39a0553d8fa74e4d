//! `GET /resources/{id}/availability/stream`: what changes is told, and what was missed is told again.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_booking_is_told_and_what_was_missed_too,
    what_may_change_every_day_is_a_reset,
    a_tenant_has_a_hundred_streams,
    a_stream_ends_with_the_right_to_read_it_and_with_the_process,
);

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    event: String,
    id: String,
    data: String,
}

fn told(text: &str) -> Vec<Told> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).unwrap_or_default()
    };
    let blocks = text.split("\n\n").filter(|block| block.contains("event:"));
    blocks
        .map(|block| Told {
            event: field(block, "event:"),
            id: field(block, "id:"),
            data: field(block, "data:"),
        })
        .collect()
}

/// What was missed since `last`, all at once.
async fn missed(app: &TestApp, w: &World, last: &str) -> Vec<Told> {
    let path = format!("/resources/{}/availability/stream?max_seconds=0", w.resource);
    let headers = [("last-event-id", last)];
    let headers = if last.is_empty() { &headers[..0] } else { &headers[..] };
    let answer: Answer = w.user(app).raw("GET", &path, headers, "").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    told(&answer.text)
}

fn days(told: &[Told]) -> Vec<String> {
    told.iter().filter(|it| it.event == "changed").map(|it| it.data.clone()).collect()
}

fn events(told: &[Told]) -> Vec<&str> {
    told.iter().map(|it| it.event.as_str()).collect()
}

/// A stream over a real connection.
struct Open {
    answer: reqwest::Response,
    seen: String,
}

impl Open {
    async fn new(url: &str, w: &World) -> Self {
        let path = format!("{url}/resources/{}/availability/stream", w.resource);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(path).bearer_auth(&w.user_token).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        Self { answer, seen: String::new() }
    }

    /// Reads until `word` was seen; false if the stream ends before.
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
        tokio::time::timeout(Duration::from_secs(20), reading).await.expect("in time")
    }
}

async fn a_booking_is_told_and_what_was_missed_too(app: TestApp) {
    let w = World::new(&app, "fluxo.example").await;
    let url = app.listen().await;
    let mut open = Open::new(&url, &w).await;
    assert!(open.until("event: open").await);
    let made = w.book(&app, "2027-03-03T10:00:00", "2027-03-03T11:00:00").await.expect(201);
    app.settle().await;
    assert!(open.until("2027-03-03").await);
    let last = told(&open.seen).pop().unwrap();
    assert_eq!((last.event.as_str(), last.data.as_str()), ("changed", "{\"date\":\"2027-03-03\"}"));
    // Whoever was told reads what is new.
    assert_eq!(w.starts(&app, "2027-03-03").await.len(), 15);
    drop(open);
    let path = format!("/bookings/{}", made.id());
    let moved = json!({ "start_time": "2027-03-04T10:00:00", "end_time": "2027-03-04T11:00:00" });
    w.user(&app).put(&path, moved).await.expect(200);
    w.user(&app).put(&path, json!({ "notes": "nada muda" })).await.expect(200);
    w.user(&app).patch(&format!("{path}/cancel"), json!({})).await.expect(200);
    app.settle().await;
    let again = missed(&app, &w, &last.id).await;
    assert_eq!(events(&again), ["open", "changed", "changed"]);
    assert_eq!(days(&again), ["{\"date\":\"2027-03-03\"}", "{\"date\":\"2027-03-04\"}"]);
    // The last one has the id; whoever comes with it has missed nothing.
    assert_eq!(events(&missed(&app, &w, &again[2].id).await), ["open"]);
    assert_eq!(events(&missed(&app, &w, "").await), ["open"]);
    // An id that means nothing here.
    assert_eq!(events(&missed(&app, &w, "x-7").await), ["open", "reset"]);
    let bad = format!("/resources/{}/availability/stream?max_seconds=3601", w.resource);
    invalid(w.user(&app).get(&bad).await, &["max_seconds"]);
    app.platform.draining.cancel();
    app.platform.stop.cancel();
    app.stop().await;
}

async fn what_may_change_every_day_is_a_reset(app: TestApp) {
    let w = World::new(&app, "tudo.example").await;
    let first = missed(&app, &w, "").await.remove(0).id;
    let settings = format!("/tenants/{}/settings", w.tenant);
    w.admin(&app).put(&settings, json!({ "booking_interval": 30 })).await.expect(200);
    app.settle().await;
    let again = missed(&app, &w, &first).await;
    assert_eq!(events(&again), ["open", "reset"]);
    let resource = format!("/resources/{}", w.resource);
    w.admin(&app).put(&resource, json!({ "name": "Outra" })).await.expect(200);
    app.settle().await;
    let last = missed(&app, &w, &again[1].id).await;
    assert_eq!(events(&last), ["open", "reset"]);
    // Another resource is none of its business.
    let other = w.room(&app, "Sala 2").await;
    let body = json!({
        "tenant_id": w.tenant, "resource_id": other, "user_id": w.user,
        "start_time": "2027-03-03T10:00:00", "end_time": "2027-03-03T11:00:00",
    });
    w.user(&app).post("/bookings/", body).await.expect(201);
    app.settle().await;
    assert_eq!(events(&missed(&app, &w, &last[1].id).await), ["open"]);
    app.stop().await;
}

async fn a_tenant_has_a_hundred_streams(app: TestApp) {
    let w = World::new(&app, "cem.example").await;
    let other = World::new(&app, "outros.example").await;
    let path = format!("/resources/{}/availability/stream", w.resource);
    let ask = || {
        let bearer = format!("Bearer {}", w.user_token);
        Request::get(&path).header("authorization", bearer).body(Body::empty()).unwrap()
    };
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(app.begin(ask()).await);
    }
    assert!(held.iter().all(|answer| answer.status().as_u16() == 200));
    let refused = w.user(&app).get(&path).await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(events(&missed(&app, &other, "").await), ["open"], "others have their own");
    held.pop();
    assert_eq!(events(&missed(&app, &w, "").await), ["open"]);
    drop(held);
    app.stop().await;
}

async fn a_stream_ends_with_the_right_to_read_it_and_with_the_process(app: TestApp) {
    let w = World::new(&app, "acaba.example").await;
    let url = app.listen().await;
    let mut open = Open::new(&url, &w).await;
    assert!(open.until("event: open").await);
    by(&app, &w.user_token).post("/auth/logout-all", Value::Null).await.expect(204);
    app.settle().await;
    assert!(!open.until("never").await, "it ended: {}", open.seen);
    let mut admin = w;
    admin.user_token = admin.admin_token.clone();
    let mut open = Open::new(&url, &admin).await;
    assert!(open.until("event: open").await);
    app.platform.draining.cancel();
    assert!(!open.until("never").await, "it ended: {}", open.seen);
    app.platform.stop.cancel();
    app.stop().await;
}
