//! `POST /exceptions/import`: a holiday calendar as closures.

use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{column, invalid, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    events_become_closures_and_the_others_are_told,
    importing_again_replaces_and_doubles_nothing,
    what_does_not_read_leaves_nothing_behind,
    an_import_is_bounded,
);

fn file(events: &[&str]) -> String {
    let event = |event: &&str| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n");
    let body = events.iter().map(event).collect::<Vec<_>>().concat();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//feriados//pt\r\n{body}END:VCALENDAR\r\n")
}

async fn import(app: &TestApp, w: &World, more: &str, text: String) -> Answer {
    let path = format!("/exceptions/import?tenant_id={}{more}", w.tenant);
    w.admin(app).raw("POST", &path, &[("content-type", "text/calendar")], &text).await
}

async fn stored(app: &TestApp, w: &World) -> Answer {
    w.user(app).get("/exceptions/?count=true&limit=200").await.expect(200)
}

async fn events_become_closures_and_the_others_are_told(app: TestApp) {
    let w = World::new(&app, "importa.example").await;
    let text = file(&[
        "UID:carnaval\r\nDTSTART;VALUE=DATE:20270308\r\nDTEND;VALUE=DATE:20270310\r\nSUMMARY:Carnaval\\, dois d\r\n ias",
        "UID:natal\r\nDTSTART;VALUE=DATE:20201225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Natal",
        "UID:limpeza\r\nDTSTART:20270304T110000Z\r\nDTEND:20270304T130000Z\r\nSUMMARY:Limpeza",
        "UID:toda-semana\r\nDTSTART;VALUE=DATE:20270308\r\nRRULE:FREQ=WEEKLY",
        "DTSTART:20270304T110000Z",
    ]);
    let answer = import(&app, &w, "&level=tenant", text).await.expect(200);
    let expected = json!({
        "imported": 3,
        "skipped": [
            { "uid": "toda-semana", "event": 4, "reason": "recurrence" },
            { "uid": null, "event": 5, "reason": "no_length" },
        ],
    });
    assert_eq!(answer.body, expected);
    let list = stored(&app, &w).await;
    assert_eq!(column(&list, "reason"), ["Natal", "Limpeza", "Carnaval, dois dias"]);
    assert_eq!(column(&list, "kind"), ["holiday"; 3]);
    let [yearly, part, days] = list.body.as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&yearly["yearly"], &yearly["start_date"]), (&json!(true), &json!("2020-12-25")));
    assert_eq!(
        (&days["start_date"], &days["end_date"]),
        (&json!("2027-03-08"), &json!("2027-03-09"))
    );
    assert_eq!(part["ranges"], json!(["08:00-10:00"]), "on the tenant's clock");
    app.settle().await;
    assert_eq!(w.starts(&app, "2027-03-09").await, Vec::<String>::new());
    assert_eq!(w.starts(&app, "2027-03-04").await.len(), 14);
    let closed = w.book(&app, "2027-03-08T14:00:00", "2027-03-08T15:00:00").await;
    refused(closed, 400, "closure", "Recurso fechado neste período.");
    // Into one resource, as something else.
    let more = format!("&level=resource&resource_id={}&kind=maintenance", w.resource);
    let text = file(&["UID:natal\r\nDTSTART;VALUE=DATE:20270305"]);
    import(&app, &w, &more, text).await.expect(200);
    let list = stored(&app, &w).await;
    assert_eq!(column(&list, "level"), ["tenant", "tenant", "resource", "tenant"]);
    assert_eq!(column(&list, "kind")[2], "maintenance");
    app.stop().await;
}

async fn importing_again_replaces_and_doubles_nothing(app: TestApp) {
    let w = World::new(&app, "denovo.example").await;
    let one = "UID:a\r\nDTSTART;VALUE=DATE:20270308\r\nSUMMARY:A";
    let two = "UID:b\r\nDTSTART:20270310T210000Z\r\nDTEND:20270312T120000Z\r\nSUMMARY:B";
    let by_hand = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": "holiday", "start_date": "2027-03-20",
        "reason": "C",
    });
    w.admin(&app).post("/exceptions/", by_hand).await.expect(201);
    import(&app, &w, "&level=tenant", file(&[one, two])).await.expect(200);
    let first = stored(&app, &w).await;
    assert_eq!(column(&first, "reason").concat(), "ABBBC", "evening, day, morning");
    let told = app.events(Service::Resource).await.len();
    import(&app, &w, "&level=tenant", file(&[two, one])).await.expect(200);
    assert_eq!(stored(&app, &w).await.body, first.body, "the same file changes nothing");
    assert_eq!(app.events(Service::Resource).await.len(), told, "and tells nothing");
    let later = "UID:b\r\nDTSTART;VALUE=DATE:20270311\r\nSUMMARY:D";
    import(&app, &w, "&level=tenant", file(&[later])).await.expect(200);
    let list = stored(&app, &w).await;
    assert_eq!(column(&list, "reason").concat(), "ADC", "what is not in the file stays");
    assert_eq!(app.events(Service::Resource).await.len(), told + 4, "three gone, one made");
    let off = format!("{later}\r\nSTATUS:CANCELLED");
    let answer = import(&app, &w, "&level=tenant", file(&[&off])).await.expect(200);
    assert_eq!(answer.body["skipped"][0]["reason"], "cancelled");
    assert_eq!(column(&stored(&app, &w).await, "reason").concat(), "AC");
    app.stop().await;
}

async fn what_does_not_read_leaves_nothing_behind(app: TestApp) {
    let w = World::new(&app, "lixo.example").await;
    let good = file(&["UID:a\r\nDTSTART;VALUE=DATE:20270308"]);
    for bad in [
        "hello",
        "BEGIN:VCALENDAR",
        &good[..good.len() / 2],
        &good.replace("UID:a", "nothing"),
        &"BEGIN:VCALENDAR\r\n".repeat(9_000),
        "\u{0}\u{1}:\u{2}",
    ] {
        invalid(import(&app, &w, "&level=tenant", bad.to_owned()).await, &["body"]);
    }
    let path = format!("/exceptions/import?tenant_id={}&level=tenant", w.tenant);
    let admin = w.admin(&app);
    let json = admin.post(&path, json!({})).await;
    let text = "Tipo de conteúdo não suportado. Use text/calendar.";
    refused(json, 415, "unsupported_media_type", text);
    let kind = [("content-type", "text/calendar; charset=utf-8")];
    admin.raw("POST", &path, &kind, &good).await.expect(200);
    let many = format!("&level=category&kind=override&resource_id={}", w.resource);
    invalid(import(&app, &w, &many, good.clone()).await, &["category_id", "kind"]);
    invalid(import(&app, &w, "&level=category", good.clone()).await, &["category_id"]);
    let nobody = format!("&level=resource&resource_id={}", w.tenant);
    let nobody = import(&app, &w, &nobody, good.clone()).await;
    refused(nobody, 404, "not_found", "Recurso não encontrado");
    let other = World::new(&app, "outrem.example").await;
    other.admin(&app).post(&path, Value::String(good)).await.expect(403);
    assert_eq!(stored(&app, &w).await.header("x-total-count"), "1");
    app.stop().await;
}

/// 256 KiB, 500 events, 500 exceptions of one level: and nothing half.
async fn an_import_is_bounded(app: TestApp) {
    let w = World::new(&app, "limite.example").await;
    let event = |number: usize| {
        let day =
            chrono::NaiveDate::from_ymd_opt(2030, 1, 1).unwrap() + chrono::Days::new(number as u64);
        format!("UID:{number}\r\nDTSTART;VALUE=DATE:{}", day.format("%Y%m%d"))
    };
    let events = |range: std::ops::Range<usize>| {
        let all: Vec<String> = range.map(event).collect();
        file(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    invalid(import(&app, &w, "&level=tenant", events(0..501)).await, &["body"]);
    let large = format!("{}X-NOTE:{}\r\n", "BEGIN:VCALENDAR\r\n", "x".repeat(256 * 1024));
    well_refused(import(&app, &w, "&level=tenant", large).await, 413, "payload_too_large");
    assert_eq!(stored(&app, &w).await.header("x-total-count"), "0");
    let answer = import(&app, &w, "&level=tenant", events(0..499)).await.expect(200);
    assert_eq!(answer.body["imported"], 499);
    let full = import(&app, &w, "&level=tenant", events(499..501)).await;
    let text = "Limite de 500 exceções por nível.";
    let full = refused(full, 409, "too_many_exceptions", text);
    assert_eq!(full.body["limit"], 500);
    assert_eq!(stored(&app, &w).await.header("x-total-count"), "499");
    let one = json!({
        "tenant_id": w.tenant, "level": "tenant", "kind": "holiday", "start_date": "2027-03-20",
    });
    w.admin(&app).post("/exceptions/", one.clone()).await.expect(201);
    let full = w.admin(&app).post("/exceptions/", one.clone()).await;
    refused(full, 409, "too_many_exceptions", text);
    // Another level has its own.
    let mut own = one;
    (own["level"], own["resource_id"]) = (json!("resource"), json!(w.resource));
    let own = w.admin(&app).post("/exceptions/", own).await.expect(201);
    let moved = json!({ "level": "tenant", "resource_id": null });
    let moved = w.admin(&app).put(&format!("/exceptions/{}", own.id()), moved).await;
    refused(moved, 409, "too_many_exceptions", text);
    // Replacing needs no more room than what is replaced.
    import(&app, &w, "&level=tenant", events(0..499)).await.expect(200);
    assert_eq!(w.starts(&app, "2027-03-20").await, Vec::<String>::new());
    app.stop().await;
}
