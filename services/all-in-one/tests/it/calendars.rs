//! Calendars to subscribe to: who makes them, who reads them, and when they end. What their files say is in
//! `calendars_read.rs`.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, column, invalid, keys, refused, well_refused};
use crate::idempotency::{keyed, same};
use crate::world::{World, operator};

testkit::on_both_engines!(crate::world::guarded =>
    a_user_subscribes_and_revokes,
    the_address_is_shown_once,
    who_may_make_a_calendar_and_of_what,
    a_calendar_lives_by_what_its_owner_may_see,
    calendars_are_bounded_and_listed_in_pages,
    calendars_go_with_what_they_are_of,
    calendars_are_in_the_export,
    a_calendar_that_is_asked_for_again_is_the_same,
);

pub(crate) const LIST: &str = "/calendars/";
const START: &str = "2027-03-04T13:00:00Z";
const END: &str = "2027-03-04T14:00:00Z";

/// The body of a calendar of a user's bookings, or of a resource's.
pub(crate) fn of(w: &World, what: &str, id: &str) -> Value {
    json!({ "tenant_id": w.tenant, what: id })
}

/// The path of the address that a calendar was answered with.
pub(crate) fn path(made: &Answer) -> String {
    let url = made.body["url"].as_str().unwrap();
    url.strip_prefix("http://marca.test:8000").unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// The refusal of every address that shows nothing.
#[track_caller]
fn nothing(answer: Answer) {
    refused(answer, 404, "not_found", "Calendário não encontrado");
}

async fn a_user_subscribes_and_revokes(app: TestApp) {
    let w = World::new(&app, "assina.example").await;
    w.book(&app, START, END).await.expect(201);
    let made = w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201);
    let fields =
        ["created_at", "detail", "id", "owner_id", "resource_id", "tenant_id", "url", "user_id"];
    assert_eq!(keys(&made.body), fields);
    assert_eq!((&made.body["detail"], &made.body["owner_id"]), (&json!("full"), &json!(w.user)));
    let feed = path(&made);
    let seen = app.get(&feed).await.expect(200);
    assert_eq!(seen.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(seen.header("cache-control"), "private, no-cache");
    assert_eq!(seen.header("content-disposition"), "inline; filename=\"calendario.ics\"");
    assert!(seen.text.contains("SUMMARY:Aula: Sala 1 - Spinning\r\n"), "{}", seen.text);
    let tag = seen.header("etag").to_owned();
    let again = by(&app, "").raw("GET", &feed, &[("if-none-match", &tag)], "").await.expect(304);
    assert_eq!((again.header("etag"), again.text.as_str()), (tag.as_str(), ""));
    let more = w.book(&app, "2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z").await.expect(201);
    let other = by(&app, "").raw("GET", &feed, &[("if-none-match", &tag)], "").await.expect(200);
    assert!(other.text.contains(&format!("UID:{}@marca\r\n", more.id())), "{}", other.text);
    // Whatever token comes along: nobody looks at it.
    app.call(http::Method::GET, &feed, "x", Value::Null).await.expect(200);
    let own = format!("{LIST}{}", made.id());
    let (_, stranger) =
        w.join(&app, "alheia", "user", json!({ "can_view_all_bookings": true })).await;
    well_refused(by(&app, &stranger).delete(&own).await, 403, "forbidden");
    let elsewhere = World::new(&app, "vizinha.example").await;
    nothing(elsewhere.admin(&app).delete(&own).await);
    w.user(&app).delete(&own).await.expect(204);
    nothing(app.get(&feed).await);
    nothing(w.user(&app).delete(&own).await);
    let long = format!("/calendars/feeds/mc_{}.ics", "a".repeat(43));
    let wrong =
        [feed.trim_end_matches(".ics"), "/calendars/feeds/x.ics", "/calendars/feeds/%ff", &long];
    for path in wrong {
        nothing(app.get(path).await);
    }
    app.stop().await;
}

async fn the_address_is_shown_once(app: TestApp) {
    let w = World::new(&app, "segredo.example").await;
    let body = of(&w, "resource_id", &w.resource);
    let made = w.admin(&app).post(LIST, body).await.expect(201);
    let feed = path(&made);
    let secret = feed.rsplit('/').next().unwrap().trim_end_matches(".ics");
    assert!(secret.starts_with("mc_") && secret.len() == 46, "{secret}");
    let list = w.admin(&app).get(LIST).await.expect(200);
    assert_eq!(column(&list, "id"), [made.id()]);
    assert!(!list.text.contains(secret) && list.body[0].get("url").is_none(), "{}", list.text);
    // In the database there is only what it is known again by.
    let found = format!("UPDATE calendar_feed SET detail = detail WHERE secret_hash = '{secret}'");
    assert_eq!(app.execute(Service::Booking, &found).await, 0);
    let events = app.events(Service::Booking).await;
    assert!(!format!("{events:?}").contains(secret));
    let seen = app.get(&feed).await.expect(200);
    assert!(!seen.text.contains(secret), "nor in the calendar: {}", seen.text);
    app.stop().await;
}

async fn who_may_make_a_calendar_and_of_what(app: TestApp) {
    let w = World::new(&app, "quem.example").await;
    let (mine, room) = (of(&w, "user_id", &w.user), of(&w, "resource_id", &w.resource));
    let make = async |token: &str, body: &Value| by(&app, token).post(LIST, body.clone()).await;
    let admins = make(&w.admin_token, &mine).await.expect(201);
    assert_eq!(
        (&admins.body["detail"], &admins.body["owner_id"]),
        (&json!("busy"), &json!(w.admin))
    );
    well_refused(make(&w.user_token, &room).await, 403, "forbidden");
    well_refused(make(&w.user_token, &of(&w, "user_id", &w.admin)).await, 403, "forbidden");
    let (_, viewer) = w.join(&app, "ve", "user", json!({ "can_view_all_bookings": true })).await;
    make(&viewer, &room).await.expect(201);
    well_refused(make(&viewer, &mine).await, 403, "forbidden");
    let all = json!({ "can_view_all_bookings": true, "can_book": true });
    let (_, key) = w.key(&app, all).await;
    well_refused(make(&key, &room).await, 403, "forbidden");
    assert_eq!(by(&app, &key).get(LIST).await.expect(200).body, json!([]));
    let (_, olga) = operator(&app, "olga@marca.example").await;
    well_refused(make(&olga, &room).await, 403, "forbidden");
    let other = World::new(&app, "outra.example").await;
    well_refused(other.admin(&app).post(LIST, room.clone()).await, 403, "forbidden");
    for (what, id, message) in [
        ("user_id", &w.user, "Usuário não encontrado"),
        ("resource_id", &w.resource, "Recurso não encontrado"),
    ] {
        let foreign = other.admin(&app).post(LIST, of(&other, what, id)).await;
        refused(foreign, 404, "not_found", message);
    }
    let mut both = mine.clone();
    both["resource_id"] = json!(w.resource);
    invalid(make(&w.admin_token, &both).await, &["resource_id"]);
    invalid(make(&w.admin_token, &json!({ "tenant_id": w.tenant })).await, &["resource_id"]);
    let mut odd = mine;
    odd["detail"] = json!("some");
    invalid(make(&w.admin_token, &odd).await, &["detail"]);
    // A user sees what shows the own bookings, and may end it.
    let list = w.user(&app).get(LIST).await.expect(200);
    assert_eq!(column(&list, "id"), [admins.id()]);
    w.user(&app).delete(&format!("{LIST}{}", admins.id())).await.expect(204);
    nothing(app.get(&path(&admins)).await);
    app.stop().await;
}

async fn a_calendar_lives_by_what_its_owner_may_see(app: TestApp) {
    let w = World::new(&app, "autoridade.example").await;
    let view = json!({ "can_view_all_bookings": true });
    let (viewer, token) = w.join(&app, "ve", "user", view.clone()).await;
    let room = of(&w, "resource_id", &w.resource);
    let rooms = path(&by(&app, &token).post(LIST, room).await.expect(201));
    let own = path(&w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201));
    let admins = path(&w.admin(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201));
    let set = async |user: &str, change: Value| {
        w.admin(&app).put(&format!("/users/{user}"), change).await.expect(200);
        app.settle().await;
    };
    for feed in [&rooms, &own, &admins] {
        app.get(feed).await.expect(200);
    }
    set(&viewer, json!({ "permissions": { "can_view_all_bookings": false } })).await;
    nothing(app.get(&rooms).await);
    set(&viewer, json!({ "permissions": view })).await;
    app.get(&rooms).await.expect(200);
    set(&viewer, json!({ "is_active": false })).await;
    nothing(app.get(&rooms).await);
    set(&w.user, json!({ "is_active": false })).await;
    nothing(app.get(&own).await);
    nothing(app.get(&admins).await);
    set(&w.user, json!({ "is_active": true })).await;
    app.get(&admins).await.expect(200);
    // A tenant that takes no part any more shows nothing, an unknown resource neither.
    let second = w.room(&app, "Sala 2").await;
    let second_feed =
        path(&w.admin(&app).post(LIST, of(&w, "resource_id", &second)).await.expect(201));
    app.get(&second_feed).await.expect(200);
    w.admin(&app).delete(&format!("/resources/{second}")).await.expect(204);
    app.settle().await;
    nothing(app.get(&second_feed).await);
    let tenant = format!("/tenants/{}", w.tenant);
    w.admin(&app).put(&tenant, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    nothing(app.get(&own).await);
    app.stop().await;
}

async fn calendars_are_bounded_and_listed_in_pages(app: TestApp) {
    let w = World::new(&app, "limites.example").await;
    let body = of(&w, "user_id", &w.user);
    for _ in 0..20 {
        w.user(&app).post(LIST, body.clone()).await.expect(201);
    }
    let message = "Limite de 20 calendários por usuário atingido.";
    let answer = w.user(&app).post(LIST, body.clone()).await;
    let answer = refused(answer, 409, "too_many_calendars", message);
    assert_eq!(answer.body["limit"], 20);
    // Somebody else's are counted apart.
    let admins = w.admin(&app).post(LIST, body.clone()).await.expect(201).id();
    let mut next = format!("{LIST}?limit=8&count=true&tenant_id={}", w.tenant);
    let mut seen = Vec::new();
    loop {
        let page = w.user(&app).get(&next).await.expect(200);
        assert_eq!(page.header("x-total-count"), "21");
        seen.extend(column(&page, "id"));
        let Some((link, _)) = page.header("link").split_once(">; rel=\"next\"") else { break };
        link.split_once("marca.test:8000").unwrap().1.clone_into(&mut next);
    }
    assert_eq!((seen.len(), seen.last()), (21, Some(&admins)));
    w.user(&app).delete(&format!("{LIST}{}", seen[3])).await.expect(204);
    w.user(&app).post(LIST, body).await.expect(201);
    invalid(w.user(&app).get(&format!("{LIST}?cursor=x")).await, &["cursor"]);
    let other = World::new(&app, "alheio.example").await;
    let foreign = other.admin(&app).get(&format!("{LIST}?tenant_id={}", w.tenant)).await;
    well_refused(foreign, 403, "forbidden");
    app.stop().await;
}

async fn calendars_go_with_what_they_are_of(app: TestApp) {
    let w = World::new(&app, "some.example").await;
    let (gone, gone_token) = w.join(&app, "vai", "user", json!({ "can_book": true })).await;
    let (erased, erased_token) =
        w.join(&app, "apaga", "user", json!({ "can_view_all_bookings": true })).await;
    let make = async |token: &str, body: Value| by(&app, token).post(LIST, body).await.expect(201);
    let first = make(&gone_token, of(&w, "user_id", &gone)).await;
    make(&w.admin_token, of(&w, "user_id", &erased)).await;
    make(&erased_token, of(&w, "resource_id", &w.resource)).await;
    let rooms = make(&w.admin_token, of(&w, "resource_id", &w.resource)).await;
    make(&w.user_token, of(&w, "user_id", &w.user)).await;
    let left = async || column(&w.admin(&app).get(LIST).await.expect(200), "id").len();
    assert_eq!(left().await, 5);
    w.admin(&app).delete(&format!("/users/{gone}")).await.expect(204);
    app.settle().await;
    nothing(app.get(&path(&first)).await);
    assert_eq!(left().await, 4);
    w.admin(&app).post(&format!("/users/{erased}/erasure"), Value::Null).await.expect(204);
    app.settle().await;
    assert_eq!(left().await, 2, "what the erased user made, and what showed that user's bookings");
    w.admin(&app).delete(&format!("/resources/{}", w.resource)).await.expect(204);
    app.settle().await;
    nothing(app.get(&path(&rooms)).await);
    assert_eq!(left().await, 1);
    let other = World::new(&app, "fica.example").await;
    other.admin(&app).post(LIST, of(&other, "user_id", &other.user)).await.expect(201);
    w.admin(&app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    app.settle().await;
    assert_eq!(app.execute(Service::Booking, "DELETE FROM calendar_feed").await, 1, "the other's");
    app.stop().await;
}

async fn calendars_are_in_the_export(app: TestApp) {
    let w = World::new(&app, "exporta.example").await;
    let own = w.user(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201);
    let admins = w.admin(&app).post(LIST, of(&w, "user_id", &w.user)).await.expect(201).id();
    w.admin(&app).post(LIST, of(&w, "user_id", &w.admin)).await.expect(201);
    let document = crate::privacy::export(&app, w.user(&app), &w.user).await;
    let calendars = document.body["calendars"].as_array().unwrap();
    let ids: Vec<&str> = calendars.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, [own.id().as_str(), admins.as_str()]);
    let secret = path(&own);
    assert!(!document.text.contains(secret.rsplit('/').next().unwrap()), "no addresses");
    assert_eq!(document.body["elsewhere"]["booking"], Value::Null);
    app.stop().await;
}

async fn a_calendar_that_is_asked_for_again_is_the_same(app: TestApp) {
    let w = World::new(&app, "denovo.example").await;
    let body = of(&w, "user_id", &w.user);
    let key = "0f1c2d3e-7a6c-4f66-8d59-0a35c1f4c1aa";
    let first = keyed(w.user(&app), LIST, key, &body).await.expect(201);
    same(&first, &keyed(w.user(&app), LIST, key, &body).await);
    assert_eq!(column(&w.user(&app).get(LIST).await.expect(200), "id"), [first.id()]);
    app.get(&path(&first)).await.expect(200);
    app.stop().await;
}
