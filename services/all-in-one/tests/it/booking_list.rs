//! `GET /bookings/` and who sees what.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, invalid, refused, well_refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_window_shows_what_overlaps_it,
    filters_narrow_the_list,
    a_plain_user_sees_only_his_own,
    an_empty_list_is_a_list,
    bad_filters_are_named,
);

/// Tuesday 10:00, 11:00 and 12:00 local, one hour each; ids by start.
async fn three(app: &TestApp, w: &World) -> Vec<String> {
    let mut ids = Vec::new();
    for (start, end) in [(12, 13), (10, 11), (11, 12)] {
        let (start, end) = (format!("2027-03-02T{start}:00:00"), format!("2027-03-02T{end}:00:00"));
        ids.push(w.book(app, &start, &end).await.expect(201).id());
    }
    vec![ids[1].clone(), ids[2].clone(), ids[0].clone()]
}

async fn a_window_shows_what_overlaps_it(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let ids = three(&app, &w).await;
    let (all, none): (&[usize], &[usize]) = (&[0, 1, 2], &[]);
    let cases: [(&str, &[usize]); 14] = [
        ("", all),
        ("start_date=2027-03-02T14:00:00Z&end_date=2027-03-02T15:00:00Z", &[1]),
        ("start_date=2027-03-02T13:30:00Z&end_date=2027-03-02T14:30:00Z", &[0, 1]),
        ("start_date=2027-03-02T14:00:00Z", &[1, 2]),
        ("start_date=2027-03-02T15:59:59Z", &[2]),
        ("start_date=2027-03-02T16:00:00Z", none),
        ("end_date=2027-03-02T14:00:00Z", &[0]),
        ("end_date=2027-03-02T13:00:00Z", none),
        // Without an offset: the tenant's time; an offset's plus may arrive unescaped.
        ("start_date=2027-03-02T11:00:00&end_date=2027-03-02T12:00:00", &[1]),
        ("start_date=2027-03-02T16:00:00%2B02:00&end_date=2027-03-02T17:00:00+02:00", &[1]),
        ("start_date=2027-03-02&end_date=2027-03-03", all),
        ("start_date=2027-03-03", none),
        ("end_date=2027-03-02", none),
        ("start_date=2027-03-02", all),
    ];
    for (query, wanted) in cases {
        let list = w.user(&app).get(&format!("/bookings/?{query}")).await.expect(200);
        let wanted: Vec<String> = wanted.iter().map(|at| ids[*at].clone()).collect();
        assert_eq!(column(&list, "id"), wanted, "{query}");
    }
    app.stop().await;
}

async fn filters_narrow_the_list(app: TestApp) {
    let w = World::new(&app, "filtro.example").await;
    let ids = three(&app, &w).await;
    let second = w.room(&app, "Sala 2").await;
    let mut body = w.booking("2027-03-02T10:00:00", "2027-03-02T11:00:00");
    (body["resource_id"], body["user_id"]) = (json!(second), json!(w.admin));
    let admins = w.admin(&app).post("/bookings/", body).await.expect(201).id();
    w.user(&app)
        .patch(&format!("/bookings/{}/status?status_param=concluido", ids[2]), Value::Null)
        .await
        .expect(200);
    for (query, wanted) in [
        (format!("resource_id={second}"), vec![&admins]),
        (format!("resource_id={}", w.resource), vec![&ids[0], &ids[1], &ids[2]]),
        (format!("user_id={}", w.admin), vec![&admins]),
        ("status=concluido".to_owned(), vec![&ids[2]]),
        (
            format!("tenant_id={}&status=pendente&user_id={}", w.tenant, w.user),
            vec![&ids[0], &ids[1]],
        ),
        ("status=cancelado".to_owned(), vec![]),
    ] {
        let list = w.admin(&app).get(&format!("/bookings/?{query}")).await.expect(200);
        assert_eq!(column(&list, "id").iter().collect::<Vec<_>>(), wanted, "{query}");
    }
    let list = w.admin(&app).get("/bookings?count=true&limit=2").await.expect(200);
    assert_eq!(list.header("x-total-count"), "4");
    // The same start twice: the order is still stable.
    let all = column(&w.admin(&app).get("/bookings/").await.expect(200), "id");
    assert_eq!(all.len(), 4);
    assert_eq!(column(&list, "id"), all[..2]);
    app.stop().await;
}

async fn a_plain_user_sees_only_his_own(app: TestApp) {
    let w = World::new(&app, "visao.example").await;
    let ids = three(&app, &w).await;
    let path = format!("/bookings/{}", ids[0]);
    let (_, plain) = w.join(&app, "simples", "user", json!({ "can_book": true })).await;
    let (_, viewer) = w.join(&app, "vigia", "user", json!({ "can_view_all_bookings": true })).await;
    let plain = by(&app, &plain);
    for query in
        [String::new(), format!("?user_id={}", w.user), format!("?resource_id={}", w.resource)]
    {
        let list = plain.get(&format!("/bookings/{query}")).await.expect(200);
        assert_eq!(list.body, json!([]), "{query}");
    }
    let count = plain.get("/bookings/?count=true").await.expect(200);
    assert_eq!(count.header("x-total-count"), "0");
    refused(plain.get(&path).await, 403, "forbidden", "Você não tem permissão para esta operação.");
    for who in [by(&app, &viewer), w.admin(&app), w.user(&app)] {
        assert_eq!(column(&who.get("/bookings/").await.expect(200), "id"), ids);
        who.get(&path).await.expect(200);
    }
    well_refused(by(&app, &viewer).put(&path, json!({ "notes": "x" })).await, 403, "forbidden");
    app.stop().await;
}

async fn an_empty_list_is_a_list(app: TestApp) {
    let w = World::new(&app, "vazio.example").await;
    for path in ["/bookings/", "/bookings"] {
        let list = w.user(&app).get(path).await.expect(200);
        assert_eq!(list.body, json!([]));
        assert_eq!(list.header("link"), "");
        assert_eq!(list.header("x-total-count"), "");
    }
    app.stop().await;
}

async fn bad_filters_are_named(app: TestApp) {
    let w = World::new(&app, "ruim.example").await;
    for status in ["ativo", "PENDENTE", "reservada"] {
        let answer = w.user(&app).get(&format!("/bookings/?status={status}")).await;
        refused(answer, 400, "invalid_status", "Status inválido");
    }
    let bad = "tenant_id=x&resource_id=1&user_id=%00&start_date=ontem&end_date=2027-13-01";
    let fields = ["end_date", "resource_id", "start_date", "tenant_id", "user_id"];
    invalid(w.user(&app).get(&format!("/bookings/?{bad}")).await, &fields);
    for bad in ["limit=0", "limit=201", "limit=x", "limit=-1", "limit="] {
        invalid(w.user(&app).get(&format!("/bookings/?{bad}")).await, &["limit"]);
    }
    for bad in ["!!", "bm90IGpzb24", "eyJhIjoxfQ"] {
        invalid(w.user(&app).get(&format!("/bookings/?cursor={bad}")).await, &["cursor"]);
    }
    // Of the right form, with a year that Postgres cannot hold.
    let forged =
        r#"{"start":"-262143-01-01T00:00:00Z","id":"00000000-0000-0000-0000-000000000000"}"#;
    let forged = URL_SAFE_NO_PAD.encode(forged);
    invalid(w.user(&app).get(&format!("/bookings/?cursor={forged}")).await, &["cursor"]);
    app.stop().await;
}
