//! `PUT /bookings/{id}`.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{JSON, booking_events, invalid, names, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    an_edit_changes_what_it_names_and_nothing_else,
    a_booking_does_not_conflict_with_itself,
    a_booking_moves_to_another_resource,
    the_rules_are_judged_only_when_time_or_resource_changes,
    a_refused_edit_changes_nothing,
    if_match_is_honoured,
    bad_edits_name_every_field,
);

async fn booked(app: &TestApp, w: &World, start: &str, end: &str) -> String {
    format!("/bookings/{}", w.book(app, start, end).await.expect(201).id())
}

async fn put(app: &TestApp, w: &World, path: &str, body: Value) -> Answer {
    w.user(app).put(path, body).await
}

async fn an_edit_changes_what_it_names_and_nothing_else(app: TestApp) {
    let w = World::new(&app, "edita.example").await;
    let path = booked(&app, &w, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    let before = w.user(&app).get(&path).await.expect(200).body;
    app.clock.advance(chrono::Duration::seconds(5));
    let after = put(&app, &w, &path, json!({ "notes": "janela", "client_id": null })).await;
    let after = after.expect(200);
    assert_eq!(after.header("etag"), "\"b-2\"");
    let mut expected = before.clone();
    expected["notes"] = json!("janela");
    expected["client_id"] = Value::Null;
    expected["version"] = json!(2);
    expected["updated_at"] = json!("2027-03-01T12:00:05Z");
    assert_eq!(after.body, expected);
    // Nothing new: no version, no event.
    let same = json!({
        "notes": "janela", "client_id": null, "start_time": "2027-03-02T10:00:00",
        "end_time": "2027-03-02T14:00:00Z", "resource_id": w.resource, "status": "pendente",
    });
    for edit in [json!({}), same] {
        let answer = put(&app, &w, &path, edit).await.expect(200);
        assert_eq!(answer.body, expected);
    }
    let cleared = put(&app, &w, &path, json!({ "notes": null })).await.expect(200);
    assert_eq!(cleared.body["notes"], Value::Null);
    assert_eq!(cleared.body["version"], 3);
    let events = booking_events(&app).await;
    assert_eq!(names(&events), ["booking.created", "booking.updated", "booking.updated"]);
    app.stop().await;
}

async fn a_booking_does_not_conflict_with_itself(app: TestApp) {
    let w = World::new(&app, "proprio.example").await;
    let path = booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T12:00:00").await;
    let other = booked(&app, &w, "2027-03-02T14:00:00", "2027-03-02T15:00:00").await;
    for (start, end) in [
        ("2027-03-02T11:00:00", "2027-03-02T13:00:00"),
        ("2027-03-02T11:00:00", "2027-03-02T14:00:00"),
        ("2027-03-02T12:00:00", "2027-03-02T13:00:00"),
    ] {
        put(&app, &w, &path, json!({ "start_time": start, "end_time": end })).await.expect(200);
    }
    let clash = put(&app, &w, &path, json!({ "end_time": "2027-03-02T15:00:00" })).await;
    let clash = refused(clash, 409, "conflict", "Recurso já possui reserva neste intervalo");
    let conflicts = clash.body["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!(format!("/bookings/{}", conflicts[0]["booking_id"].as_str().unwrap()), other);
    let now = w.user(&app).get(&path).await.expect(200);
    assert_eq!(now.body["end_time"], "2027-03-02T16:00:00Z");
    assert_eq!(now.body["version"], 4);
    app.stop().await;
}

async fn a_booking_moves_to_another_resource(app: TestApp) {
    let w = World::new(&app, "muda.example").await;
    let foreign = World::new(&app, "alheio.example").await;
    let second = w.room(&app, "Sala 2").await;
    let path = booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    let moved = put(&app, &w, &path, json!({ "resource_id": second })).await.expect(200);
    assert_eq!(moved.body["resource_id"], second.as_str());
    // The old place is free again, the new one is taken.
    booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    let back = put(&app, &w, &path, json!({ "resource_id": w.resource })).await;
    well_refused(back, 409, "conflict");
    let away = put(&app, &w, &path, json!({ "resource_id": foreign.resource })).await;
    refused(away, 404, "not_found", "Recurso não encontrado");
    let shut = json!({ "status": "indisponivel" });
    w.admin(&app).put(&format!("/resources/{}", w.resource), shut).await.expect(200);
    app.settle().await;
    let shut = put(&app, &w, &path, json!({ "resource_id": w.resource })).await;
    refused(shut, 400, "resource_unavailable", "Recurso indisponível para reservas.");
    app.stop().await;
}

async fn the_rules_are_judged_only_when_time_or_resource_changes(app: TestApp) {
    let mut w = World::new(&app, "janela.example").await;
    let path = booked(&app, &w, "2027-03-01T13:00:00Z", "2027-03-01T14:00:00Z").await;
    for (edit, code) in [
        (json!({ "start_time": "2027-03-01T11:00:00Z" }), "not_in_future"),
        (
            json!({ "start_time": "2027-04-30T13:00:00Z", "end_time": "2027-04-30T14:00:00Z" }),
            "too_far_ahead",
        ),
        (json!({ "end_time": "2027-03-01T14:30:00Z" }), "duration_not_multiple"),
        (json!({ "end_time": "2027-03-02T02:00:00Z" }), "outside_working_hours"),
        (
            json!({ "start_time": "2027-03-01T14:30:00Z", "end_time": "2027-03-01T15:30:00Z" }),
            "off_grid",
        ),
        (json!({ "end_time": "2027-03-01T12:30:00Z" }), "end_before_start"),
    ] {
        well_refused(put(&app, &w, &path, edit).await, 400, code);
    }
    // Long past, it can still be annotated and concluded.
    w.wait(&app, chrono::Duration::days(3)).await;
    put(&app, &w, &path, json!({ "notes": "veio" })).await.expect(200);
    let done = put(&app, &w, &path, json!({ "status": "concluido" })).await.expect(200);
    assert_eq!(done.body["status"], "concluido");
    app.stop().await;
}

async fn a_refused_edit_changes_nothing(app: TestApp) {
    let w = World::new(&app, "nada.example").await;
    let (_, stranger) =
        w.join(&app, "outro", "user", json!({ "can_view_all_bookings": true })).await;
    let path = booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    let before = w.user(&app).get(&path).await.expect(200).body;
    let edit = json!({ "notes": "x", "start_time": "2027-03-02T10:30:00", "end_time": "2027-03-02T11:30:00" });
    well_refused(put(&app, &w, &path, edit).await, 400, "off_grid");
    well_refused(
        put(&app, &w, &path, json!({ "notes": "x", "status": "confirmado" })).await,
        403,
        "forbidden",
    );
    let by_stranger = crate::ask::by(&app, &stranger).put(&path, json!({ "notes": "x" })).await;
    well_refused(by_stranger, 403, "forbidden");
    let missing = "/bookings/00000000-0000-7000-8000-000000000000";
    refused(put(&app, &w, missing, json!({})).await, 404, "not_found", "Reserva não encontrada");
    assert_eq!(w.user(&app).get(&path).await.expect(200).body, before);
    assert_eq!(booking_events(&app).await.len(), 1);
    app.stop().await;
}

async fn if_match_is_honoured(app: TestApp) {
    let w = World::new(&app, "versao.example").await;
    let path = booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    let ask = async |tag: &str, body: &str| {
        w.user(&app).raw("PUT", &path, &[JSON, ("if-match", tag)], body).await
    };
    assert_eq!(ask("\"b-1\"", r#"{"notes":"um"}"#).await.expect(200).header("etag"), "\"b-2\"");
    let stale = ask("\"b-1\"", r#"{"notes":"dois"}"#).await;
    refused(stale, 412, "precondition_failed", "A reserva foi alterada por outra requisição.");
    ask("\"x\"", r#"{"notes":"dois"}"#).await.expect(412);
    ask("\"b-9\", \"b-2\"", r#"{"notes":"tres"}"#).await.expect(200);
    ask("*", r#"{"notes":"quatro"}"#).await.expect(200);
    let cancel = format!("{path}/cancel");
    let stale = w.user(&app).raw("PATCH", &cancel, &[("if-match", "\"b-1\"")], "").await;
    well_refused(stale, 412, "precondition_failed");
    let status = format!("{path}/status?status_param=concluido");
    let stale = w.user(&app).raw("PATCH", &status, &[("if-match", "\"b-1\"")], "").await;
    well_refused(stale, 412, "precondition_failed");
    let now = w.user(&app).get(&path).await.expect(200);
    assert_eq!((&now.body["notes"], &now.body["version"]), (&json!("quatro"), &json!(4)));
    app.stop().await;
}

async fn bad_edits_name_every_field(app: TestApp) {
    let w = World::new(&app, "campos.example").await;
    let path = booked(&app, &w, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await;
    for (edit, fields) in [
        (
            json!({ "start_time": null, "end_time": null, "resource_id": null, "status": null, "recurring_enabled": null }),
            vec!["end_time", "recurring_enabled", "resource_id", "start_time", "status"],
        ),
        (
            json!({ "start_time": 5, "status": "talvez", "notes": "n".repeat(2_001), "resource_id": "x" }),
            vec!["notes", "resource_id", "start_time", "status"],
        ),
        (
            json!({ "tenant_id": w.tenant, "user_id": w.user, "version": 3 }),
            vec!["tenant_id", "user_id", "version"],
        ),
        (
            json!({ "start_time": "2027-03-02T12:00:00", "end_time": "2027-03-02T12:00:00" }),
            vec!["end_time"],
        ),
        (json!([1]), vec!["body"]),
    ] {
        invalid(put(&app, &w, &path, edit).await, &fields);
    }
    put(&app, &w, &path, json!({ "notes": "n".repeat(2_000) })).await.expect(200);
    app.stop().await;
}
