//! `POST /users/login`, as a form and as JSON.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid, keys, refused};
use crate::world::{PASSWORD, World, person};

testkit::on_both_engines!(crate::world::guarded =>
    good_credentials_give_a_token_by_form_and_by_json,
    every_wrong_pair_is_refused_alike,
    an_address_of_several_tenants_needs_the_tenant_named,
    the_shape_is_judged,
);

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn form(app: &TestApp, body: &str) -> Answer {
    by(app, "").raw("POST", "/users/login", &[FORM], body).await
}

#[track_caller]
fn wrong(answer: Answer) -> Answer {
    let answer = refused(answer, 401, "unauthorized", "Email ou senha inválidos");
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    answer
}

async fn good_credentials_give_a_token_by_form_and_by_json(app: TestApp) {
    let w = World::new(&app, "entra.example").await;
    let by_form =
        form(&app, "email=JOAO%40entra.example&password=correct+horse+1").await.expect(200);
    let body = json!({ "email": "joao@entra.example", "password": PASSWORD });
    let by_json = app.post("/users/login", body).await.expect(200);
    for answer in [by_form, by_json] {
        assert_eq!(keys(&answer.body), ["access_token", "expires_in", "token_type"]);
        assert_eq!(answer.body["token_type"], "bearer");
        assert!(answer.body["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));
        assert_eq!(answer.header("cache-control"), "no-store");
        let token = answer.body["access_token"].as_str().unwrap();
        assert_eq!(by(&app, token).get("/users/me").await.expect(200).id(), w.user);
        let claims = super::tokens::claims(token);
        assert_eq!(
            keys(&claims),
            [
                "aud",
                "auth_time",
                "exp",
                "iat",
                "iss",
                "jti",
                "permissions",
                "sid",
                "sub",
                "tenant_id",
                "user_type",
            ]
        );
    }
    app.stop().await;
}

async fn every_wrong_pair_is_refused_alike(app: TestApp) {
    let w = World::new(&app, "errado.example").await;
    let mut silent = person(&w.tenant, "Sem Senha", "sem@errado.example", "user");
    silent["password"] = Value::Null;
    w.admin(&app).post("/users/", silent).await.expect(201);
    let mut asleep = person(&w.tenant, "Inativo", "inativo@errado.example", "user");
    asleep["is_active"] = json!(false);
    w.admin(&app).post("/users/", asleep).await.expect(201);
    let mut bodies = Vec::new();
    for (email, password) in [
        ("joao@errado.example", "errada demais"),
        ("joao@errado.example", "CORRECT HORSE 1"),
        ("ninguem@errado.example", PASSWORD),
        ("sem@errado.example", PASSWORD),
        ("sem@errado.example", " "),
        ("inativo@errado.example", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ] {
        let answer =
            app.post("/users/login", json!({ "email": email, "password": password })).await;
        if password == " " {
            // A blank password may be called a bad shape; it must not sign anybody in.
            assert!(matches!(answer.status.as_u16(), 401 | 422), "{}", answer.text);
            continue;
        }
        let mut body = wrong(answer).body;
        body["trace_id"] = Value::Null;
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    app.stop().await;
}

async fn an_address_of_several_tenants_needs_the_tenant_named(app: TestApp) {
    let w = World::new(&app, "um.example").await;
    let other = World::new(&app, "dois.example").await;
    let twin = person(&other.tenant, "João", "joao@um.example", "user");
    let twin = other.admin(&app).post("/users/", twin).await.expect(201).id();
    let sign_in = async |more: Value| {
        let mut body = json!({ "email": "joao@um.example", "password": PASSWORD });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        app.post("/users/login", body).await
    };
    wrong(sign_in(json!({})).await);
    for (more, user) in [
        (json!({ "tenant_id": w.tenant }), &w.user),
        (json!({ "tenant_id": other.tenant }), &twin),
        (json!({ "domain": "um.example" }), &w.user),
        (json!({ "domain": "DOIS.example" }), &twin),
        (json!({ "domain": "dois.example", "tenant_id": other.tenant }), &twin),
    ] {
        let answer = sign_in(more).await.expect(200);
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        assert_eq!(&by(&app, &token).get("/users/me").await.expect(200).id(), user);
    }
    wrong(sign_in(json!({ "domain": "tres.example" })).await);
    wrong(sign_in(json!({ "domain": "um.example", "tenant_id": other.tenant })).await);
    wrong(sign_in(json!({ "tenant_id": "00000000-0000-7000-8000-000000000000" })).await);
    let query = format!("email=joao%40um.example&password=correct+horse+1&tenant_id={}", w.tenant);
    form(&app, &query).await.expect(200);
    app.stop().await;
}

async fn the_shape_is_judged(app: TestApp) {
    invalid(app.post("/users/login", json!({})).await, &["email", "password"]);
    let body = json!({ "email": 1, "password": null, "tenant_id": "x", "remember": true });
    invalid(app.post("/users/login", body).await, &["email", "password", "remember", "tenant_id"]);
    invalid(form(&app, "email=a&extra=1").await, &["extra", "password"]);
    let answer =
        by(&app, "").raw("POST", "/users/login", &[("content-type", "text/plain")], "x").await;
    answer.expect(415);
    app.stop().await;
}
