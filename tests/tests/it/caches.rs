//! Changes at one service reach what the others keep of it.

use crate::api::Api;
use crate::cluster::Cluster;
use crate::figures::{beside_others, tell};
use crate::world::{PASSWORD, Slot, World, person};
use contracts::Service;
use contracts::event::BOOKING_STREAM;
use redis::streams::StreamRangeReply;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::wait::until;

/// The contract's limit for tokens; used for every change here.
const LIMIT: Duration = Duration::from_secs(5);

/// Waits for `condition`, and tells how long it took.
async fn soon(what: &str, condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    until(LIMIT, what, condition).await;
    tell(&format!("caches: {what}: {:.1} ms", began.elapsed().as_secs_f64() * 1_000.0));
}

#[tokio::test]
async fn new_settings_reach_bookings_and_availability() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    let world = World::dense(&api).await;
    world.book(&api, Slot::of(20, 0)).await.expect(201);
    world.availability(&api, 20).await.expect(200);
    let path = format!("/tenants/{}/settings", world.tenant);
    api.put(&path, json!({ "advance_booking_days": 5 })).await.expect(200);
    let mut index = 1;
    soon("a shorter advance window at the booking service", async || {
        index += 1;
        let reply = world.book(&api, Slot::of(20, index)).await;
        let text = "Agendamentos só podem ser feitos com até 5 dias de antecedência.";
        reply.status == 400 && reply.body["message"] == text
    })
    .await;
    soon("a shorter advance window at the resource service", async || {
        let reply = world.availability(&api, 20).await;
        reply.status == 400 && reply.error() == "too_far_ahead"
    })
    .await;
    // What has been seen does not go back.
    for index in 50..60 {
        world.book(&api, Slot::of(20, index)).await.expect(400);
    }
    let slots = async |day| {
        let reply = world.availability(&api, day).await.expect(200);
        reply.body["slots"].as_array().unwrap().len()
    };
    assert_eq!(slots(3).await, 92);
    api.put(&path, json!({ "working_hours_start": "08:00", "booking_interval": 60 }))
        .await
        .expect(200);
    soon("new hours in availability", async || slots(3).await == 15).await;
}

#[tokio::test]
async fn the_state_of_a_resource_reaches_bookings() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    let world = World::dense(&api).await;
    world.book(&api, Slot::of(3, 0)).await.expect(201);
    let path = format!("/resources/{}", world.resource);
    api.put(&path, json!({ "status": "manutencao" })).await.expect(200);
    let mut index = 0;
    soon("maintenance at the booking service", async || {
        index += 1;
        let reply = world.book(&api, Slot::of(3, index)).await;
        reply.status == 400 && reply.body["message"] == "Recurso indisponível para reservas."
    })
    .await;
    world.availability(&api, 3).await.expect(400);
    api.put(&path, json!({ "status": "disponivel" })).await.expect(200);
    soon("availability again at the booking service", async || {
        world.book(&api, Slot::of(3, 80)).await.status == 201
    })
    .await;
    let monday_only = json!({ "availability_schedule": { "monday": ["08:00-09:00"] } });
    api.put(&path, monday_only).await.expect(200);
    soon("a schedule at the booking service", async || {
        let replies =
            [world.book(&api, Slot::of(4, 0)).await, world.book(&api, Slot::of(5, 0)).await];
        index += 1;
        replies.iter().all(|reply| matches!(reply.status, 400 | 409))
            && replies.iter().any(|reply| reply.status == 400)
    })
    .await;
}

/// The same cascade for both: active bookings are cancelled, finished ones stay, one event each.
#[tokio::test]
async fn deletions_cancel_bookings_once() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    for (kind, reason) in [("resources", "Recurso deletado"), ("users", "Usuário deletado")] {
        let world = World::dense(&api).await;
        let mut active = Vec::new();
        for index in 0..4 {
            active.push(world.book(&api, Slot::of(3, index)).await.expect(201).id());
        }
        let finished = active.pop().unwrap();
        let path = format!("/bookings/{finished}/status?status_param=concluido");
        api.patch(&path, Value::Null).await.expect(200);
        let id = if kind == "users" { &world.user } else { &world.resource };
        api.delete(&format!("/{kind}/{id}")).await.expect(204);
        soon(&format!("the bookings of what was deleted from {kind}"), async || {
            let mut cancelled = 0;
            for booking in &active {
                let read = api.get(&format!("/bookings/{booking}")).await.expect(200).body;
                cancelled += u32::from(read["status"] == "cancelado");
            }
            cancelled == 3
        })
        .await;
        for booking in &active {
            let read = api.get(&format!("/bookings/{booking}")).await.expect(200).body;
            assert_eq!(read["cancellation_reason"], reason);
            assert_ne!(read["cancelled_at"], Value::Null);
            until(LIMIT, "the event", async || {
                types_of(cluster, booking).await.contains(&"booking.cancelled".to_owned())
            })
            .await;
            assert_eq!(types_of(cluster, booking).await, ["booking.created", "booking.cancelled"]);
        }
        let kept = api.get(&format!("/bookings/{finished}")).await.expect(200).body;
        assert_eq!(kept["status"], "concluido");
        soon(&format!("no booking with what was deleted from {kind}"), async || {
            world.book(&api, Slot::of(3, 20)).await.status == 404
        })
        .await;
    }
    cluster.assert_no_errors();
}

/// The events of a booking, in the order of the stream.
async fn types_of(cluster: &Cluster, booking: &str) -> Vec<String> {
    let client = redis::Client::open(cluster.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("XRANGE");
    command.arg(BOOKING_STREAM).arg("-").arg("+");
    let reply: StreamRangeReply = command.query_async(&mut connection).await.unwrap();
    let of_booking = reply.ids.iter().filter(|entry| {
        let payload: Option<String> = entry.get("payload");
        payload.is_some_and(|payload| payload.contains(booking))
    });
    of_booking.filter_map(|entry| entry.get("event_type")).collect()
}

#[tokio::test]
async fn a_deleted_tenant_takes_everything_with_it() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let booking = world.book(&api, Slot::of(3, 0)).await.expect(201).id();
    world.availability(&api, 3).await.expect(200);
    api.delete(&format!("/tenants/{}", world.tenant)).await.expect(204);
    let paths = [
        format!("/users/{}", world.user),
        format!("/categories/{}", world.category),
        format!("/resources/{}", world.resource),
        world.availability_path(3),
        format!("/bookings/{booking}"),
    ];
    for path in paths {
        let what = path.split('/').nth(1).unwrap_or_default().to_owned();
        soon(&format!("the deleted tenant's {what} are gone"), async || {
            api.get(&path).await.status == 404
        })
        .await;
    }
    world.book(&api, Slot::of(3, 1)).await.expect(404);
    cluster.assert_no_errors();
}

/// One route of each service that asks for a token of the tenant.
fn doors(world: &World, booking: &str) -> [(Service, String); 4] {
    [
        (Service::Tenant, format!("/tenants/{}/settings", world.tenant)),
        (Service::User, "/users/me".to_owned()),
        (Service::Resource, format!("/resources/{}", world.resource)),
        (Service::Booking, format!("/bookings/{booking}")),
    ]
}

#[tokio::test]
async fn the_token_of_a_user_who_is_gone_stops_working_everywhere() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    for deleted in [false, true] {
        let (id, user) = signed_in(&api, &world).await;
        let mut own = world.clone();
        own.user.clone_from(&id);
        let slot = Slot::of(3, usize::from(deleted));
        let booking = own.book(&user, slot).await.expect(201).id();
        for (_, path) in doors(&world, &booking) {
            user.get(&path).await.expect(200);
        }
        let path = format!("/users/{id}");
        if deleted {
            api.delete(&path).await.expect(204);
        } else {
            api.put(&path, json!({ "is_active": false })).await.expect(200);
        }
        let began = Instant::now();
        for (service, path) in doors(&world, &booking) {
            let left = LIMIT.saturating_sub(began.elapsed());
            until(left, &format!("{service:?} refuses the token"), async || {
                let reply = user.get(&path).await;
                reply.status == 401 && reply.header("www-authenticate").starts_with("Bearer")
            })
            .await;
        }
        let how = if deleted { "deleted" } else { "deactivated" };
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        tell(&format!("caches: a {how} user is refused by all four services after {took:.1} ms"));
    }
    // Less authority counts at once as well.
    let (id, user) = signed_in(&api, &world).await;
    let mut own = world.clone();
    own.user.clone_from(&id);
    own.book(&user, Slot::of(4, 0)).await.expect(201);
    api.put(&format!("/users/{id}"), json!({ "permissions": { "can_book": false } }))
        .await
        .expect(200);
    let mut index = 0;
    soon("a permission taken away at the booking service", async || {
        index += 1;
        own.book(&user, Slot::of(4, index)).await.status == 403
    })
    .await;
}

/// A new user of the tenant, and the platform as they see it.
async fn signed_in(api: &Api, world: &World) -> (String, Api) {
    let mut body = person(&world.tenant, "user");
    body["password"] = PASSWORD.into();
    let email = body["email"].as_str().unwrap().to_owned();
    let id = api.post("/users/", body).await.expect(201).id();
    (id, api.login(&world.tenant, &email).await)
}
