//! Platform operators: above the tenants, in none of them, made and switched off by command.

use contracts::Service;
use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, column, refused, well_refused};
use crate::world::{PASSWORD, PLATFORM, World, login, operator, person};

testkit::on_both_engines!(crate::world::guarded =>
    an_operator_signs_in_and_is_in_nobodys_list,
    an_address_of_both_needs_the_platform_named,
    who_is_made_an_operator_is_checked_and_told_of,
    operators_see_all_of_every_tenant,
    a_suspended_tenant_rests_until_an_operator_wakes_it,
    an_operator_deletes_a_tenant,
    an_operator_who_is_switched_off_stops_at_once,
);

mod developer {
    testkit::on_both_engines!(crate::world::open =>
        the_developer_finds_no_operator_and_touches_none,
    );
    use super::the_developer_finds_no_operator_and_touches_none;
}

const OLGA: &str = "olga@marca.example";
const NO: &str = "Você não tem permissão para esta operação.";

async fn an_operator_signs_in_and_is_in_nobodys_list(app: TestApp) {
    let w = World::new(&app, "lista.example").await;
    let (id, _) = operator(&app, OLGA).await;
    let body = json!({ "email": "OLGA@marca.example", "password": PASSWORD });
    let answer = app.post("/users/login", body).await.expect(200);
    let token = answer.body["access_token"].as_str().unwrap();
    let claims = super::tokens::claims(token);
    assert_eq!((&claims["sub"], &claims["tenant_id"]), (&json!(id), &json!(PLATFORM)));
    assert_eq!(claims["permissions"]["can_manage_users"], false, "no power inside a tenant");
    let wrong = json!({ "email": OLGA, "password": "errada demais 1" });
    app.post("/users/login", wrong).await.expect(401);
    for query in ["?count=true", "?search=olga&count=true", &format!("?tenant_id={}", w.tenant)] {
        let list = w.admin(&app).get(&format!("/users/{query}")).await.expect(200);
        assert!(!list.text.contains("lga") && !list.text.contains(&id), "{}", list.text);
    }
    refused(
        w.admin(&app).get(&format!("/users/{id}")).await,
        404,
        "not_found",
        "Usuário não encontrado",
    );
    well_refused(
        w.admin(&app).get(&format!("/users/?tenant_id={PLATFORM}")).await,
        403,
        "forbidden",
    );
    let intruder = person(PLATFORM, "Eva", "eva@marca.example", "admin");
    for who in ["", &w.admin_token, token] {
        let answer = by(&app, who).post("/users/", intruder.clone()).await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{}", answer.text);
    }
    app.stop().await;
}

/// Where everything is open, what belongs to the platform still is not the developer's.
async fn the_developer_finds_no_operator_and_touches_none(app: TestApp) {
    let w = World::new(&app, "aberto.example").await;
    let (id, token) = operator(&app, OLGA).await;
    for query in ["", "?search=olga", &format!("?tenant_id={PLATFORM}"), "?user_type=user"] {
        let list = app.get(&format!("/users/{query}")).await.expect(200);
        assert!(!list.text.contains(&id), "{query}: {}", list.text);
    }
    let total = app.get("/users/?count=true").await.expect(200);
    assert_eq!(total.header("x-total-count"), "2", "{}", total.text);
    let path = format!("/users/{id}");
    for (method, body) in [
        (Method::GET, Value::Null),
        (Method::PUT, json!({ "password": "tomada de poder 1" })),
        (Method::DELETE, Value::Null),
    ] {
        let answer = app.call(method, &path, "", body).await;
        refused(answer, 404, "not_found", "Usuário não encontrado");
    }
    let booking = json!({
        "tenant_id": w.tenant, "resource_id": w.resource, "user_id": id,
        "start_time": "2027-03-03T13:00:00Z", "end_time": "2027-03-03T14:00:00Z",
    });
    app.post("/bookings/", booking).await.expect(404);
    let nobody =
        app.post("/auth/impersonate", json!({ "user_id": w.user, "reason": "teste" })).await;
    refused(nobody, 403, "forbidden", NO);
    // An operator keeps out of a tenant's things here too.
    refused(by(&app, &token).get("/users/").await, 403, "forbidden", NO);
    app.stop().await;
}

async fn an_address_of_both_needs_the_platform_named(app: TestApp) {
    let w = World::new(&app, "dupla.example").await;
    let (id, _) = operator(&app, "ana@dupla.example").await;
    let sign_in = async |tenant: Value| {
        let body =
            json!({ "email": "ana@dupla.example", "password": PASSWORD, "tenant_id": tenant });
        app.post("/users/login", body).await
    };
    sign_in(Value::Null).await.expect(401);
    for (tenant, user) in [(&w.tenant, &w.admin), (&PLATFORM.to_owned(), &id)] {
        let answer = sign_in(json!(tenant)).await.expect(200);
        let claims = super::tokens::claims(answer.body["access_token"].as_str().unwrap());
        assert_eq!(claims["sub"], json!(user));
    }
    app.stop().await;
}

async fn who_is_made_an_operator_is_checked_and_told_of(app: TestApp) {
    let (id, _) = operator(&app, OLGA).await;
    for (email, name, password, complaint) in [
        ("Olga@Marca.example", "Outra", PASSWORD, "already"),
        ("eva@marca.example", "Eva", "curta 1", "password"),
        ("eva@marca.example", "Eva", "sem numero", "password"),
        ("eva@marca.example", "Eva", "12345678901", "password"),
        ("eva", "Eva", PASSWORD, "email"),
        ("eva@marca.example", "", PASSWORD, "name"),
    ] {
        let refused = marca_user::create_operator(&app.platform, email, name, password).await;
        let said = refused.expect_err("refused");
        assert!(said.contains(complaint) && !said.contains(password), "{said}");
    }
    let unknown = marca_user::switch_operator(&app.platform, "eva@marca.example", false).await;
    assert!(unknown.is_err());
    let mut events = app.events(Service::User).await;
    events.retain(|event| event.event_type == "security.operator_created");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].payload, json!({ "tenant_id": PLATFORM, "user_id": id }));
    app.stop().await;
}

async fn operators_see_all_of_every_tenant(app: TestApp) {
    let w = World::new(&app, "um.example").await;
    let other = World::new(&app, "dois.example").await;
    let (_, token) = operator(&app, OLGA).await;
    let olga = by(&app, &token);
    let list = olga.get("/tenants/").await.expect(200);
    assert_eq!(list.body.as_array().unwrap().len(), 2);
    for tenant in list.body.as_array().unwrap() {
        assert!(tenant["settings"].is_object() && tenant["plan"].is_string(), "{tenant}");
    }
    olga.put(&format!("/tenants/{}", other.tenant), json!({ "is_active": false }))
        .await
        .expect(200);
    for (query, found) in [
        ("?is_active=true", vec![w.tenant.clone()]),
        ("?is_active=false", vec![other.tenant.clone()]),
    ] {
        let list = olga.get(&format!("/tenants/{query}&count=true")).await.expect(200);
        assert_eq!((column(&list, "id"), list.header("x-total-count")), (found, "1"), "{query}");
        // Who is suspended is nobody else's business.
        for token in ["", &w.admin_token, &w.user_token] {
            refused(by(&app, token).get(&format!("/tenants/{query}")).await, 403, "forbidden", NO);
        }
    }
    crate::ask::invalid(olga.get("/tenants/?is_active=x").await, &["is_active"]);
    let path = format!("/tenants/{}", other.tenant);
    assert_eq!(olga.get(&path).await.expect(200).body["is_active"], false);
    olga.get(&format!("{path}/settings")).await.expect(200);
    app.stop().await;
}

async fn a_suspended_tenant_rests_until_an_operator_wakes_it(app: TestApp) {
    let w = World::new(&app, "dorme.example").await;
    let other = World::new(&app, "vive.example").await;
    let (_, token) = operator(&app, OLGA).await;
    let path = format!("/tenants/{}", w.tenant);
    let set = async |active: bool| {
        by(&app, &token).put(&path, json!({ "is_active": active })).await.expect(200);
        app.settle().await;
    };
    let routes =
        [format!("{path}/settings"), "/users/me".into(), "/resources/".into(), "/bookings/".into()];
    set(false).await;
    for route in &routes {
        for own in [&w.admin_token, &w.user_token] {
            well_refused(by(&app, own).get(route).await, 401, "unauthorized");
        }
    }
    let wake = w.admin(&app).put(&path, json!({ "is_active": true })).await;
    well_refused(wake, 401, "unauthorized");
    other.admin(&app).get("/users/me").await.expect(200);
    set(true).await;
    for route in &routes {
        w.admin(&app).get(route).await.expect(200);
    }
    // An admin may put his own tenant to rest, and then cannot undo it.
    w.admin(&app).put(&path, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    let wake = w.admin(&app).put(&path, json!({ "is_active": true })).await;
    well_refused(wake, 401, "unauthorized");
    set(true).await;
    w.admin(&app).get("/users/me").await.expect(200);
    app.stop().await;
}

async fn an_operator_deletes_a_tenant(app: TestApp) {
    let w = World::new(&app, "fim.example").await;
    let (_, token) = operator(&app, OLGA).await;
    by(&app, &token).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    app.settle().await;
    well_refused(w.admin(&app).get("/users/me").await, 401, "unauthorized");
    by(&app, &token).get(&format!("/tenants/{}", w.tenant)).await.expect(404);
    // The operators are of no tenant: they stay.
    login(&app, PLATFORM, OLGA).await;
    app.stop().await;
}

async fn an_operator_who_is_switched_off_stops_at_once(app: TestApp) {
    let w = World::new(&app, "desliga.example").await;
    let (id, token) = operator(&app, OLGA).await;
    let act = json!({ "user_id": w.user, "reason": "chamado 4711" });
    let answer = by(&app, &token).post("/auth/impersonate", act).await.expect(200);
    let disguise = answer.body["access_token"].as_str().unwrap().to_owned();
    by(&app, &disguise).get("/users/me").await.expect(200);
    let off = marca_user::switch_operator(&app.platform, "OLGA@marca.example", false).await;
    assert_eq!(off.unwrap().to_string(), id);
    app.settle().await;
    for (who, route) in [
        (&token, format!("/tenants/{}/settings", w.tenant)),
        (&disguise, "/users/me".to_owned()),
        (&disguise, "/bookings/".to_owned()),
    ] {
        well_refused(by(&app, who).get(&route).await, 401, "unauthorized");
    }
    let body = json!({ "email": OLGA, "password": PASSWORD, "tenant_id": PLATFORM });
    app.post("/users/login", body.clone()).await.expect(401);
    marca_user::switch_operator(&app.platform, OLGA, true).await.unwrap();
    app.settle().await;
    app.post("/users/login", body).await.expect(200);
    app.stop().await;
}
