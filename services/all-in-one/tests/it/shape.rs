//! §1: the one shape of errors, whatever is wrong with a request.

use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{JSON, booking_events, by, invalid, refused, well_refused};
use crate::world::{World, tenant};

testkit::on_both_engines!(crate::world::open =>
    what_the_framework_refuses_has_the_same_shape,
    the_request_id_is_the_trace_id,
    messages_speak_the_language_asked_for,
    writes_refuse_bodies_of_the_wrong_shape,
    odd_text_is_stored_as_it_came_or_refused,
    a_path_id_is_a_uuid,
);

const NO_SUCH: &str = "00000000-0000-7000-8000-000000000000";

async fn what_the_framework_refuses_has_the_same_shape(app: TestApp) {
    let ask = by(&app, "");
    for path in ["/nope", "/bookings/a/b/c", "/internal/v1/users/x", "/auth/nope", "/api-docs/nope"]
    {
        refused(ask.get(path).await, 404, "not_found", "Rota não encontrada.");
    }
    for (method, path, allowed) in [
        ("DELETE", "/bookings/", ["GET", "POST"]),
        ("PUT", "/bookings", ["GET", "POST"]),
        ("PATCH", "/tenants/", ["GET", "POST"]),
        ("POST", "/users/00000000-0000-7000-8000-000000000000", ["GET", "DELETE"]),
        ("PATCH", "/resources/00000000-0000-7000-8000-000000000000", ["GET", "PUT"]),
    ] {
        let answer = ask.raw(method, path, &[], "").await;
        let answer =
            refused(answer, 405, "method_not_allowed", "Método não permitido para esta rota.");
        for method in allowed {
            assert!(answer.header("allow").contains(method), "{path}: {}", answer.header("allow"));
        }
    }
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(3 << 20));
    let answer = ask.raw("POST", "/tenants/", &[JSON], &huge).await;
    refused(answer, 413, "payload_too_large", "Corpo da requisição grande demais.");
    let text = "Tipo de conteúdo não suportado. Use application/json.";
    for headers in
        [&[("content-type", "text/plain")][..], &[("content-type", "application/xml")], &[]]
    {
        for path in ["/tenants/", "/users/", "/categories/", "/resources/", "/bookings/"] {
            let answer = ask.raw("POST", path, headers, "{}").await;
            refused(answer, 415, "unsupported_media_type", text);
        }
    }
    let with_charset = [("content-type", "application/json; charset=utf-8")];
    ask.raw("POST", "/tenants/", &with_charset, "{}").await.expect(422);
    app.stop().await;
}

async fn the_request_id_is_the_trace_id(app: TestApp) {
    let w = World::new(&app, "rastro.example").await;
    let ask = by(&app, "");
    let sent = ask.raw("GET", "/nope", &[("x-request-id", "pedido-1234")], "").await;
    assert_eq!(sent.header("x-request-id"), "pedido-1234");
    well_refused(sent, 404, "not_found");
    let bad = ask.raw("GET", "/nope", &[("x-request-id", "<script>alert(1)</script>")], "").await;
    assert!(!bad.text.contains("script") && !bad.header("x-request-id").contains("script"));
    well_refused(bad, 404, "not_found");
    let fine = ask.get("/tenants/").await.expect(200);
    assert!(fine.header("x-request-id").len() >= 8);
    // The event of a change carries the id of its request.
    let body = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").to_string();
    let headers = [JSON, ("x-request-id", "pedido-5678")];
    ask.raw("POST", "/bookings/", &headers, &body).await.expect(201);
    assert_eq!(booking_events(&app).await[0].metadata.trace_id, "pedido-5678");
    app.stop().await;
}

async fn messages_speak_the_language_asked_for(app: TestApp) {
    let ask = by(&app, "");
    let path = format!("/bookings/{NO_SUCH}");
    for (asked, message, tag) in [
        ("", "Reserva não encontrada", "pt-BR"),
        ("pt-PT", "Reserva não encontrada", "pt-BR"),
        ("en-US,en;q=0.9", "Booking not found", "en"),
        ("de, es;q=0.8, en;q=0.3", "Reserva no encontrada", "es"),
        ("ja", "Reserva não encontrada", "pt-BR"),
        (";;;q=é", "Reserva não encontrada", "pt-BR"),
    ] {
        let answer = ask.raw("GET", &path, &[("accept-language", asked)], "").await;
        let answer = refused(answer, 404, "not_found", message);
        assert_eq!(answer.header("content-language"), tag, "{asked}");
    }
    app.stop().await;
}

async fn writes_refuse_bodies_of_the_wrong_shape(app: TestApp) {
    let w = World::new(&app, "forma.example").await;
    let booking =
        w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201).id();
    let routes = [
        ("POST", "/tenants/".to_owned()),
        ("PUT", format!("/tenants/{}", w.tenant)),
        ("PUT", format!("/tenants/{}/settings", w.tenant)),
        ("POST", "/users/".to_owned()),
        ("POST", "/users/login".to_owned()),
        ("PUT", format!("/users/{}", w.user)),
        ("POST", "/categories/".to_owned()),
        ("PUT", format!("/categories/{}", w.category)),
        ("POST", "/resources/".to_owned()),
        ("PUT", format!("/resources/{}", w.resource)),
        ("POST", "/bookings/".to_owned()),
        ("PUT", format!("/bookings/{booking}")),
        ("PATCH", format!("/bookings/{booking}/cancel")),
    ];
    let ask = by(&app, "");
    for (method, path) in &routes {
        for body in [
            "{",
            "{\"name\":}",
            "[1,",
            "\u{7f}",
            "nul",
            "{\"a\":1}x",
            "\"text\"",
            "[]",
            "null",
            "7",
        ] {
            let answer = ask.raw(method, path, &[JSON], body).await;
            assert_eq!(answer.status.as_u16(), 422, "{method} {path} {body}: {}", answer.text);
            invalid(answer, &["body"]);
        }
        let answer = ask.raw(method, path, &[JSON], r#"{"inventado":1,"outro":null}"#).await;
        let answer = well_refused(answer, 422, "validation");
        let fields = answer.fields();
        assert!(fields.contains(&"inventado") && fields.contains(&"outro"), "{path}: {fields:?}");
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let answer = ask.raw(method, path, &[JSON], &format!("{{\"name\":{deep}}}")).await;
        well_refused(answer, 422, "validation");
    }
    for (method, path) in routes.iter().filter(|(method, _)| *method != "PATCH") {
        let answer = ask.raw(method, path, &[JSON], "").await;
        assert_eq!(answer.status.as_u16(), 422, "{method} {path} with no body: {}", answer.text);
    }
    let list = ask.get("/tenants/?count=true").await.expect(200);
    assert_eq!(list.header("x-total-count"), "1");
    assert_eq!(booking_events(&app).await.len(), 1);
    app.stop().await;
}

async fn odd_text_is_stored_as_it_came_or_refused(app: TestApp) {
    let w = World::new(&app, "texto.example").await;
    for name in [
        "Ação & Cia — “aspas”",
        "日本語 कखग עברית",
        "👩‍👩‍👧‍👦",
        "'; DROP TABLE users; --",
        "a\u{301}",
        "linha\nduas",
    ] {
        let mut body = tenant(&format!("d{}.example", name.len()), &json!({}));
        body["name"] = json!(name);
        let made = app.post("/tenants/", body).await.expect(201);
        assert_eq!(made.body["name"], name);
        let read = app.get(&format!("/tenants/{}", made.id())).await.expect(200);
        assert_eq!(read.body["name"], name);
    }
    let category = |name: &str| json!({ "tenant_id": w.tenant, "type": "humano", "name": name });
    let long = "ã".repeat(200);
    assert_eq!(app.post("/categories/", category(&long)).await.expect(201).body["name"], long);
    for bad in ["", "   ", "nul\u{0}", "sino\u{7}", &"ã".repeat(201)] {
        invalid(app.post("/categories/", category(bad)).await, &["name"]);
    }
    // U+0000 has no place in Postgres' text: refused wherever free objects let it in.
    let mut resource = json!({ "tenant_id": w.tenant, "category_id": w.category, "name": "x" });
    resource["attributes"] = json!({ "a": { "b": "\u{0}" } });
    invalid(app.post("/resources/", resource.clone()).await, &["attributes"]);
    resource["attributes"] = json!({ "a\u{0}": 1 });
    invalid(app.post("/resources/", resource.clone()).await, &["attributes"]);
    resource["attributes"] = json!({ "a": "x".repeat(20_000) });
    invalid(app.post("/resources/", resource).await, &["attributes"]);
    let mut person =
        json!({ "tenant_id": w.tenant, "name": "x", "email": "x@x.example", "user_type": "user" });
    person["metadata"] = json!({ "a": "\u{0}" });
    invalid(app.post("/users/", person).await, &["metadata"]);
    for path in ["/users/?search=%00", "/resources/?search=%00", "/resources/?attributes.a=%00"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status.as_u16(), 422, "{path}: {}", answer.text);
    }
    app.stop().await;
}

async fn a_path_id_is_a_uuid(app: TestApp) {
    let ask = by(&app, "");
    for id in [
        "7",
        "x",
        "%00",
        "%F0%9F%91%8B",
        "00000000000070008000000000000000",
        "{00000000-0000-7000-8000-000000000000}",
    ] {
        let id = id.replace('{', "%7B").replace('}', "%7D");
        for (method, path) in [
            ("GET", format!("/tenants/{id}")),
            ("GET", format!("/tenants/{id}/settings")),
            ("GET", format!("/users/{id}")),
            ("DELETE", format!("/categories/{id}")),
            ("GET", format!("/resources/{id}/availability?date=2027-03-02")),
            ("GET", format!("/bookings/{id}")),
            ("PATCH", format!("/bookings/{id}/status?status_param=pendente")),
        ] {
            let answer = ask.raw(method, &path, &[], "").await;
            assert_eq!(answer.status.as_u16(), 422, "{method} {path}: {}", answer.text);
            invalid(answer, &["id"]);
        }
    }
    // Upper case is the same id.
    let w = World::new(&app, "id.example").await;
    let read = ask.get(&format!("/tenants/{}", w.tenant.to_uppercase())).await.expect(200);
    assert_eq!(read.body["id"], w.tenant.as_str());
    assert_ne!(read.body["id"], Value::Null);
    app.stop().await;
}
