//! `GET /availability/`: what is found, in which order, and how fresh it is.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid, keys, refused};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    the_earliest_comes_first_then_the_name,
    a_search_is_narrowed,
    a_shared_resource_has_places_left,
    bad_searches_are_refused,
    what_happens_is_seen_by_the_next_search,
    without_bookings_nothing_is_called_free,
);

pub(crate) async fn search(app: &TestApp, w: &World, query: &str) -> Answer {
    w.user(app).get(&format!("/availability/?{query}")).await
}

/// Name and first starts of what was found.
pub(crate) fn found(answer: &Answer) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let resources =
        answer.body["resources"].as_array().unwrap_or_else(|| panic!("{}", answer.text));
    let row = |row: &Value| {
        let starts = row["starts"].as_array().unwrap().iter();
        (text(&row["name"]), starts.map(|slot| text(&slot["start_time"])).collect())
    };
    resources.iter().map(row).collect()
}

fn names(answer: &Answer) -> Vec<String> {
    found(answer).into_iter().map(|(name, _)| name).collect()
}

const TUESDAY: &str = "from=2027-03-02&to=2027-03-03";

async fn book(app: &TestApp, w: &World, resource: &str, start: &str, end: &str) -> String {
    let mut body = w.booking(start, end);
    body["resource_id"] = json!(resource);
    w.user(app).post("/bookings/", body).await.expect(201).id()
}

async fn the_earliest_comes_first_then_the_name(app: TestApp) {
    let w = World::new(&app, "ordem.example").await;
    let late = w.room(&app, "Antes").await;
    w.room(&app, "Zebra").await;
    w.room(&app, "árvore").await;
    book(&app, &w, &late, "2027-03-02T06:00:00", "2027-03-02T09:00:00").await;
    app.settle().await;
    let answer = search(&app, &w, TUESDAY).await.expect(200);
    let expected = ["as_of", "duration", "from", "resources", "tenant_id", "timezone", "to"];
    assert_eq!(keys(&answer.body), expected);
    assert_eq!(names(&answer), ["Sala 1 - Spinning", "Zebra", "árvore", "Antes"]);
    assert_eq!(answer.body["from"], "2027-03-02T00:00:00-03:00");
    assert_eq!(answer.body["duration"], 60);
    let hours = |hours: [u32; 3]| hours.map(|hour| format!("2027-03-02T{hour:02}:00:00-03:00"));
    assert_eq!(found(&answer)[0].1, hours([6, 7, 8]));
    assert_eq!(found(&answer)[3].1, hours([9, 10, 11]));
    let row = &answer.body["resources"][0];
    let fields = ["capacity", "category_id", "name", "resource_id", "starts"];
    assert_eq!((keys(row), &row["resource_id"]), (fields.to_vec(), &json!(w.resource)));
    // The earliest gap of three hours, and only one of each.
    let long = format!("{TUESDAY}&duration=180&starts_per_resource=1&limit=2");
    assert_eq!(names(&search(&app, &w, &long).await), ["Sala 1 - Spinning", "Zebra"]);
    let between = "from=2027-03-02T08:30:00&to=2027-03-02T11:00:00&duration=120";
    let answer = search(&app, &w, between).await.expect(200);
    assert_eq!(names(&answer).len(), 4);
    assert!(found(&answer).iter().all(|(_, starts)| *starts == hours([9, 9, 9])[..1]));
    // It is Monday, nine o'clock: what was before is not found, and of the past nothing.
    let today = search(&app, &w, "from=2027-03-01&to=2027-03-02&limit=1").await;
    assert_eq!(found(&today)[0].1[0], "2027-03-01T10:00:00-03:00");
    let past = search(&app, &w, "from=2027-02-01&to=2027-02-20").await.expect(200);
    assert_eq!(past.body["resources"], json!([]));
    app.stop().await;
}

async fn a_search_is_narrowed(app: TestApp) {
    let w = World::new(&app, "filtro.example").await;
    let other = json!({ "tenant_id": w.tenant, "name": "Salas grandes", "type": "fisico" });
    let other = w.admin(&app).post("/categories/", other).await.expect(201).id();
    let body = json!({
        "tenant_id": w.tenant, "category_id": other, "name": "AUDITÓRIO 100%", "capacity": 300,
        "location": "Bloco B", "attributes": { "andar": 2, "a.b": "x y", "projetor": true },
    });
    w.admin(&app).post("/resources/", body).await.expect(201);
    let closed = w.room(&app, "Fechada").await;
    let edit = json!({ "status": "manutencao" });
    w.admin(&app).put(&format!("/resources/{closed}"), edit).await.expect(200);
    app.settle().await;
    for (query, expected) in [
        ("", vec!["AUDITÓRIO 100%", "Sala 1 - Spinning"]),
        (&*format!("category_id={}", w.category), vec!["Sala 1 - Spinning"]),
        ("min_capacity=20", vec!["AUDITÓRIO 100%", "Sala 1 - Spinning"]),
        ("min_capacity=21", vec!["AUDITÓRIO 100%"]),
        ("q=audit%C3%B3rio", vec!["AUDITÓRIO 100%"]),
        ("q=bloco%20b", vec!["AUDITÓRIO 100%"]),
        ("q=%25", vec!["AUDITÓRIO 100%"]),
        ("q=_", vec![]),
        ("attributes.andar=2&attributes.projetor=true", vec!["AUDITÓRIO 100%"]),
        ("attributes.a.b=x%20y", vec!["AUDITÓRIO 100%"]),
        ("attributes.andar=3", vec![]),
        ("duration=1020", vec![]),
    ] {
        let answer = search(&app, &w, &format!("{TUESDAY}&{query}")).await.expect(200);
        assert_eq!(names(&answer), expected, "{query}");
    }
    app.stop().await;
}

async fn a_shared_resource_has_places_left(app: TestApp) {
    let w = World::new(&app, "vagas3.example").await;
    let shared = json!({
        "tenant_id": w.tenant, "name": "Aulas", "type": "fisico",
        "category_metadata": { "allows_multiple_bookings": true },
    });
    let shared = w.admin(&app).post("/categories/", shared).await.expect(201).id();
    let body = json!({
        "tenant_id": w.tenant, "category_id": shared, "name": "Aula", "capacity": 3,
    });
    let class = w.admin(&app).post("/resources/", body).await.expect(201).id();
    book(&app, &w, &class, "2027-03-02T06:00:00", "2027-03-02T08:00:00").await;
    app.settle().await;
    let query = format!("{TUESDAY}&category_id={shared}&starts_per_resource=1");
    let two = search(&app, &w, &format!("{query}&quantity=2")).await.expect(200);
    assert_eq!(found(&two)[0].1, ["2027-03-02T06:00:00-03:00"]);
    assert_eq!(two.body["resources"][0]["starts"][0]["remaining"], 2);
    let three = search(&app, &w, &format!("{query}&quantity=3")).await.expect(200);
    assert_eq!(found(&three)[0].1, ["2027-03-02T08:00:00-03:00"]);
    let four = search(&app, &w, &format!("{query}&quantity=4")).await.expect(200);
    assert_eq!(four.body["resources"], json!([]));
    app.stop().await;
}

async fn bad_searches_are_refused(app: TestApp) {
    let w = World::new(&app, "ruim.example").await;
    by(&app, "").get(&format!("/availability/?{TUESDAY}")).await.expect(401);
    invalid(search(&app, &w, "").await, &["from", "to"]);
    let all = "from=x&to=2027-03-02&limit=0&duration=0&tenant_id=1";
    invalid(search(&app, &w, all).await, &["duration", "from", "limit", "tenant_id"]);
    let order = search(&app, &w, "from=2027-03-03&to=2027-03-03").await;
    let text = "Horário final deve ser maior que o inicial.";
    refused(order, 400, "end_before_start", text);
    let wide = search(&app, &w, "from=2027-03-03&to=2027-04-04").await;
    refused(wide, 400, "search_too_long", "Buscas limitadas a um período de 31 dias.");
    search(&app, &w, "from=2027-03-03&to=2027-04-03").await.expect(200);
    let odd = search(&app, &w, &format!("{TUESDAY}&duration=90")).await;
    let odd =
        refused(odd, 400, "duration_not_multiple", "Duração deve ser múltiplo de 60 minutos.");
    assert_eq!(odd.body["limit"], 60);
    app.stop().await;
}

/// Each step is seen by the next search, and by one that never asked before.
async fn what_happens_is_seen_by_the_next_search(app: TestApp) {
    let w = World::new(&app, "fresco.example").await;
    let query = format!("{TUESDAY}&starts_per_resource=1");
    let check = async |what: &str, expected: &[(&str, &str)]| {
        app.settle().await;
        let answer = search(&app, &w, &query).await.expect(200);
        let expected: Vec<(String, Vec<String>)> = expected
            .iter()
            .map(|(name, hour)| {
                ((*name).to_owned(), vec![format!("2027-03-02T{hour}:00:00-03:00")])
            })
            .collect();
        assert_eq!(found(&answer), expected, "{what}");
        let cold = twin(&app, &[]).await;
        assert_eq!(found(&search(&cold, &w, &query).await), expected, "{what}, anew");
        cold.stop().await;
    };
    let sala = "Sala 1 - Spinning";
    check("at first", &[(sala, "06")]).await;
    let id = book(&app, &w, &w.resource, "2027-03-02T06:00:00", "2027-03-02T08:00:00").await;
    check("booked", &[(sala, "08")]).await;
    let path = format!("/bookings/{id}");
    let moved = json!({ "start_time": "2027-03-02T07:00:00", "end_time": "2027-03-02T08:00:00" });
    w.user(&app).put(&path, moved).await.expect(200);
    check("moved", &[(sala, "06")]).await;
    let other = w.room(&app, "Nova").await;
    check("made", &[("Nova", "06"), (sala, "06")]).await;
    let moved = json!({
        "resource_id": other, "start_time": "2027-03-02T06:00:00", "end_time": "2027-03-02T07:00:00",
    });
    w.user(&app).put(&path, moved).await.expect(200);
    check("moved over", &[(sala, "06"), ("Nova", "07")]).await;
    let gone = format!("{path}/status?status_param=sem_dados");
    w.user(&app).patch(&gone, Value::Null).await.expect(200);
    check("put aside", &[("Nova", "06"), (sala, "06")]).await;
    let edit = json!({ "name": "Velha", "availability_schedule": { "tuesday": ["10:00-12:00"] } });
    w.admin(&app).put(&format!("/resources/{other}"), edit).await.expect(200);
    check("edited", &[(sala, "06"), ("Velha", "10")]).await;
    let settings = format!("/tenants/{}/settings", w.tenant);
    let edit = json!({ "working_hours_start": "09:00" });
    w.admin(&app).put(&settings, edit).await.expect(200);
    check("settings", &[(sala, "09"), ("Velha", "10")]).await;
    let category = format!("/categories/{}", w.category);
    let edit = json!({ "booking_policy": { "min_notice_minutes": 1_560 } });
    w.admin(&app).put(&category, edit).await.expect(200);
    check("policy", &[(sala, "11"), ("Velha", "11")]).await;
    w.admin(&app).delete(&format!("/resources/{other}")).await.expect(204);
    check("deleted", &[(sala, "11")]).await;
    app.stop().await;
}

async fn without_bookings_nothing_is_called_free(app: TestApp) {
    let mut w = World::new(&app, "longe.example").await;
    let cold = twin(&app, &[]).await;
    search(&app, &w, TUESDAY).await.expect(200);
    for app in [&app, &cold] {
        let services = app.running.services();
        let booking = services.iter().find(|found| found.name == Service::Booking).unwrap();
        booking.database.clone().close().await;
    }
    search(&cold, &w, TUESDAY).await.expect(503);
    // What is fresh may still be told, but not for ever.
    search(&app, &w, TUESDAY).await.expect(200);
    w.wait(&app, chrono::TimeDelta::minutes(6)).await;
    search(&app, &w, TUESDAY).await.expect(503);
    cold.stop().await;
    app.stop().await;
}
