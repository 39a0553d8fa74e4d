//! Calendars where every service is a process of its own: their address is all it takes to read one, so it
//! is in no log, and what is revoked shows nothing.

use crate::cluster::Cluster;
use crate::figures::beside_others;
use crate::world::{Slot, World};
use serde_json::json;

#[tokio::test]
async fn the_address_of_a_calendar_is_in_no_log() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    world.book(&api, Slot::of(2, 0)).await.expect(201);
    let body = json!({ "tenant_id": world.tenant, "resource_id": world.resource });
    let made = api.post("/calendars/", body).await.expect(201);
    let url = made.text("url");
    let (base, feed) = url.split_at(url.find("/calendars/").unwrap());
    assert_eq!(base, api.base(), "as the client came");
    let secret = feed.rsplit('/').next().unwrap().trim_end_matches(".ics");
    let seen = api.get(feed).await.expect(200);
    assert!(seen.header("content-type").starts_with("text/calendar"));
    assert!(!seen.header("etag").starts_with("W/"), "as strong as it was made");
    api.delete(&format!("/calendars/{}", made.id())).await.expect(204);
    api.get(feed).await.expect(404);
    let logs = cluster.logs();
    assert!(logs.contains("/calendars/feeds/{secret}"), "the pattern is told");
    assert!(!logs.contains(secret), "the secret is not");
}
