//! Lowering how many bookings may share a resource: never below what future ones use.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};
use tokio::task::JoinSet;

use crate::ask::{column, keys, refused, well_refused};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    a_lowering_below_use_is_refused_with_the_list,
    what_was_not_shared_any_more_cannot_come_back,
    no_longer_shared_is_a_lowering_to_one,
    another_category_is_a_lowering_too,
    without_the_booking_service_nothing_is_lowered,
    who_has_not_heard_of_a_lowering_obeys_it,
    a_lowering_that_failed_is_obeyed_no_longer_than_it_can_take,
    a_lowering_beside_bookings_never_ends_above_the_capacity,
    only_so_many_resources_are_lowered_at_once,
);

const IN_USE: &str = "Reservas futuras usam mais do que a nova capacidade.";
const SLOT: (&str, &str) = ("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");

/// Lets bookings share the resources of the world's category, or not.
pub(crate) async fn share(app: &TestApp, w: &World, shared: bool) -> Answer {
    let edit = json!({ "category_metadata": { "allows_multiple_bookings": shared } });
    let answer = w.admin(app).put(&format!("/categories/{}", w.category), edit).await;
    app.settle().await;
    answer
}

pub(crate) async fn resize(app: &TestApp, w: &World, capacity: u32) -> Answer {
    let edit = json!({ "capacity": capacity });
    w.admin(app).put(&format!("/resources/{}", w.resource), edit).await
}

/// Books `quantity` places as the plain user.
pub(crate) async fn take(app: &TestApp, w: &World, slot: (&str, &str), quantity: u32) -> Answer {
    let mut body = w.booking(slot.0, slot.1);
    body["quantity"] = json!(quantity);
    w.user(app).post("/bookings/", body).await
}

async fn capacity(app: &TestApp, w: &World) -> u64 {
    let path = format!("/resources/{}", w.resource);
    w.admin(app).get(&path).await.expect(200).body["capacity"].as_u64().unwrap()
}

#[track_caller]
fn in_use(answer: Answer, bookings: &[&str]) {
    let answer = refused(answer, 409, "capacity_in_use", IN_USE);
    let conflicts = answer.body["conflicts"].as_array().unwrap();
    let ids: Vec<&str> =
        conflicts.iter().map(|conflict| conflict["booking_id"].as_str().unwrap()).collect();
    assert_eq!(ids, bookings, "{}", answer.text);
    for conflict in conflicts {
        assert_eq!(keys(conflict), ["booking_id", "end_time", "start_time"]);
    }
}

async fn a_lowering_below_use_is_refused_with_the_list(app: TestApp) {
    let mut w = World::new(&app, "menor.example").await;
    share(&app, &w, true).await.expect(200);
    let early = take(&app, &w, ("2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z"), 20).await;
    early.expect(201);
    let long = take(&app, &w, ("2027-03-02T12:00:00Z", "2027-03-02T15:00:00Z"), 4).await;
    let long = long.expect(201).id();
    let short = take(&app, &w, SLOT, 3).await.expect(201).id();
    let later = take(&app, &w, ("2027-03-02T14:00:00Z", "2027-03-02T15:00:00Z"), 2).await;
    let later = later.expect(201).id();
    let full = take(&app, &w, SLOT, 14).await;
    let full = well_refused(full, 409, "capacity_exceeded");
    assert_eq!(full.body["remaining"], 13);
    // Today's is still to come; tomorrow it is over, and in nobody's way.
    assert_eq!(resize(&app, &w, 19).await.code(), "capacity_in_use");
    w.wait(&app, chrono::TimeDelta::hours(20)).await;
    in_use(resize(&app, &w, 5).await, &[&long, &short, &later]);
    in_use(resize(&app, &w, 6).await, &[&long, &short]);
    assert_eq!(capacity(&app, &w).await, 20);
    resize(&app, &w, 7).await.expect(200);
    app.settle().await;
    well_refused(take(&app, &w, SLOT, 1).await, 409, "capacity_exceeded");
    let day = w.day(&app, "2027-03-02").await.expect(200);
    let slots = day.body["slots"].as_array().unwrap();
    let remaining: Vec<u64> =
        slots[3..5].iter().map(|slot| slot["remaining"].as_u64().unwrap()).collect();
    assert_eq!(remaining, [3, 1], "12:00 and 14:00 UTC; 13:00 is full and not listed");
    let path = format!("/bookings/{short}/status?status_param=sem_dados");
    w.admin(&app).patch(&path, Value::Null).await.expect(200);
    resize(&app, &w, 6).await.expect(200);
    resize(&app, &w, 30).await.expect(200);
    app.settle().await;
    take(&app, &w, SLOT, 26).await.expect(201);
    app.stop().await;
}

/// A booking that gave its places up takes them again by the capacity of now.
async fn what_was_not_shared_any_more_cannot_come_back(app: TestApp) {
    let w = World::new(&app, "volta.example").await;
    share(&app, &w, true).await.expect(200);
    let first = take(&app, &w, SLOT, 4).await.expect(201).id();
    let status = |word: &str| format!("/bookings/{first}/status?status_param={word}");
    w.admin(&app).patch(&status("cancelado"), Value::Null).await.expect(200);
    resize(&app, &w, 5).await.expect(200);
    app.settle().await;
    take(&app, &w, SLOT, 3).await.expect(201);
    let back = w.admin(&app).patch(&status("pendente"), Value::Null).await;
    let back = well_refused(back, 409, "capacity_exceeded");
    assert_eq!(back.body["remaining"], 2);
    let smaller = json!({ "status": "pendente", "quantity": 2 });
    let path = format!("/bookings/{first}");
    w.admin(&app).put(&path, smaller).await.expect(200);
    let more = w.admin(&app).put(&path, json!({ "quantity": 3 })).await;
    well_refused(more, 409, "capacity_exceeded");
    app.stop().await;
}

async fn no_longer_shared_is_a_lowering_to_one(app: TestApp) {
    let w = World::new(&app, "so.example").await;
    share(&app, &w, true).await.expect(200);
    let one = take(&app, &w, SLOT, 1).await.expect(201).id();
    let two = take(&app, &w, SLOT, 1).await.expect(201).id();
    let mut listed = [one.as_str(), two.as_str()];
    listed.sort_unstable();
    in_use(share(&app, &w, false).await, &listed);
    let path = format!("/categories/{}", w.category);
    let kept = w.admin(&app).get(&path).await.expect(200).body;
    assert_eq!(kept["category_metadata"]["allows_multiple_bookings"], true);
    let off = format!("/bookings/{two}/status?status_param=sem_dados");
    w.admin(&app).patch(&off, Value::Null).await.expect(200);
    share(&app, &w, false).await.expect(200);
    refused(
        w.book(&app, SLOT.0, SLOT.1).await,
        409,
        "conflict",
        "Recurso já possui reserva neste intervalo",
    );
    let next = ("2027-03-02T14:00:00Z", "2027-03-02T15:00:00Z");
    take(&app, &w, next, 1).await.expect(201);
    assert_eq!(take(&app, &w, next, 1).await.code(), "conflict");
    // And shared once more: nothing may be where it is not shared.
    share(&app, &w, true).await.expect(200);
    assert_eq!(take(&app, &w, next, 1).await.status.as_u16(), 409);
    take(&app, &w, SLOT, 19).await.expect(201);
    app.stop().await;
}

async fn another_category_is_a_lowering_too(app: TestApp) {
    let w = World::new(&app, "muda.example").await;
    share(&app, &w, true).await.expect(200);
    let alone = json!({ "tenant_id": w.tenant, "name": "Só", "type": "fisico" });
    let alone = w.admin(&app).post("/categories/", alone).await.expect(201).id();
    let booked = take(&app, &w, SLOT, 2).await.expect(201).id();
    let path = format!("/resources/{}", w.resource);
    let edit = json!({ "category_id": alone });
    in_use(w.admin(&app).put(&path, edit.clone()).await, &[&booked]);
    let smaller = json!({ "quantity": 1 });
    w.admin(&app).put(&format!("/bookings/{booked}"), smaller).await.expect(200);
    w.admin(&app).put(&path, edit).await.expect(200);
    app.stop().await;
}

async fn without_the_booking_service_nothing_is_lowered(app: TestApp) {
    let w = World::new(&app, "fora.example").await;
    share(&app, &w, true).await.expect(200);
    let found = app.running.services().iter().find(|found| found.name == Service::Booking);
    found.unwrap().database.clone().close().await;
    let away = "Serviço temporariamente indisponível. Tente novamente.";
    refused(resize(&app, &w, 19).await, 503, "unavailable", away);
    let edit = json!({ "category_metadata": { "allows_multiple_bookings": false } });
    let edit = w.admin(&app).put(&format!("/categories/{}", w.category), edit).await;
    refused(edit, 503, "unavailable", away);
    assert_eq!(capacity(&app, &w).await, 20);
    // More room needs nobody's word, and neither does what has nothing to do with it.
    resize(&app, &w, 21).await.expect(200);
    let name = json!({ "name": "x" });
    w.admin(&app).put(&format!("/resources/{}", w.resource), name).await.expect(200);
    app.stop().await;
}

async fn who_has_not_heard_of_a_lowering_obeys_it(app: TestApp) {
    let w = World::new(&app, "ouve.example").await;
    share(&app, &w, true).await.expect(200);
    // Another Marca on the same data, which hears no events of this one.
    let deaf = twin(&app, &[]).await;
    take(&deaf, &w, SLOT, 3).await.expect(201);
    resize(&app, &w, 5).await.expect(200);
    let more = take(&deaf, &w, SLOT, 3).await;
    let more = well_refused(more, 409, "capacity_exceeded");
    assert_eq!(more.body["remaining"], 2);
    take(&deaf, &w, SLOT, 2).await.expect(201);
    // Raised again, it has still not heard: too little rather than too much.
    resize(&app, &w, 20).await.expect(200);
    assert_eq!(take(&deaf, &w, SLOT, 1).await.status.as_u16(), 409);
    app.settle().await;
    take(&app, &w, SLOT, 15).await.expect(201);
    deaf.stop().await;
    app.stop().await;
}

/// The booking service agreed, and then the resource service did not commit.
async fn a_lowering_that_failed_is_obeyed_no_longer_than_it_can_take(app: TestApp) {
    let mut w = World::new(&app, "falha.example").await;
    share(&app, &w, true).await.expect(200);
    let lowering = contracts::facts::CapacityLowering {
        tenant_id: w.tenant.parse().unwrap(),
        resources: vec![contracts::facts::LoweredResource {
            resource_id: w.resource.parse().unwrap(),
            places: 2,
            version: 2,
        }],
    };
    let agreed = app.platform.clients.lower_capacity(&lowering).await.unwrap();
    assert_eq!(agreed, contracts::client::Lowered::Obeyed);
    well_refused(take(&app, &w, SLOT, 3).await, 409, "capacity_exceeded");
    take(&app, &w, SLOT, 2).await.expect(201);
    // Facts that are asked for after that tell that it failed.
    w.wait(&app, chrono::TimeDelta::seconds(61)).await;
    let fresh = twin(&app, &[]).await;
    fresh.clock.advance(chrono::TimeDelta::seconds(61));
    take(&fresh, &w, SLOT, 3).await.expect(201);
    fresh.stop().await;
    app.stop().await;
}

/// 32 bookings of one place beside a lowering from 20 to 10, again and again on other slots.
async fn a_lowering_beside_bookings_never_ends_above_the_capacity(app: TestApp) {
    let w = World::new(&app, "corre.example").await;
    share(&app, &w, true).await.expect(200);
    let (app, w) = (std::sync::Arc::new(app), std::sync::Arc::new(w));
    let mut outcomes = [0, 0];
    for day in 2..8 {
        resize(&app, &w, 20).await.expect(200);
        app.settle().await;
        let slot = (format!("2027-03-0{day}T13:00:00Z"), format!("2027-03-0{day}T14:00:00Z"));
        let mut tasks = JoinSet::new();
        for writer in 0..33 {
            let (app, w, slot) = (app.clone(), w.clone(), slot.clone());
            tasks.spawn(async move {
                if writer == 2 * day {
                    return (true, resize(&app, &w, 10).await);
                }
                (false, take(&app, &w, (&slot.0, &slot.1), 1).await)
            });
        }
        let mut booked = 0;
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                (true, answer) if answer.status == 200 => outcomes[0] += 1,
                (true, answer) => {
                    well_refused(answer, 409, "capacity_in_use");
                    outcomes[1] += 1;
                }
                (false, answer) => match answer.status.as_u16() {
                    201 => booked += 1,
                    _ => drop(well_refused(answer, 409, "capacity_exceeded")),
                },
            }
        }
        let stands = capacity(&app, &w).await;
        assert_eq!(booked, stands, "full, and no fuller");
        // Whoever comes later meets the capacity that stands.
        app.settle().await;
        assert_eq!(take(&app, &w, (&slot.0, &slot.1), 1).await.status.as_u16(), 409);
        // Out of the way of the next lowering.
        let list = w.admin(&app).get("/bookings/?status=pendente&limit=200").await.expect(200);
        for id in column(&list, "id") {
            let path = format!("/bookings/{id}/status?status_param=sem_dados");
            w.admin(&app).patch(&path, Value::Null).await.expect(200);
        }
    }
    assert_eq!(outcomes[0] + outcomes[1], 6);
    std::sync::Arc::into_inner(app).unwrap().stop().await;
}

async fn only_so_many_resources_are_lowered_at_once(app: TestApp) {
    let w = World::new(&app, "muitas.example").await;
    share(&app, &w, true).await.expect(200);
    // Past the service, which would take its time.
    let postgres = app.platform.settings.database(Service::Resource).starts_with("postgres");
    let (id, numbers) = if postgres {
        ("gen_random_uuid()", "generate_series(1, 200)")
    } else {
        let count =
            "WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 200)";
        ("randomblob(16)", &*format!("({count} SELECT n FROM count)"))
    };
    let kept = "tenant_id, category_id, version, name, name_key, search_key, status, attributes, \
                attribute_texts, availability_schedule, created_at, updated_at";
    let sql = format!(
        "INSERT INTO resource (id, capacity, {kept}) SELECT {id}, 2, {kept} FROM resource, {numbers} AS n"
    );
    app.execute(Service::Resource, &sql).await;
    let all = w.admin(&app).get("/resources/?count=true").await.expect(200);
    assert_eq!(all.header("x-total-count"), "201");
    let many = share(&app, &w, false).await;
    let text = "A categoria tem mais de 200 recursos; mova alguns antes.";
    let many = refused(many, 409, "too_many_resources", text);
    assert_eq!(many.body["limit"], 200);
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    share(&app, &w, false).await.expect(200);
    app.stop().await;
}
