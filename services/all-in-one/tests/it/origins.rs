//! From whose pages the cookie with the refresh token may come.

use serde_json::{Value, json};
use testkit::app::{Answer, Engine, TestApp};

use crate::ask::{JSON, by, refused};
use crate::world::{Marca, PASSWORD, World};

testkit::on_both_engines!(crate::origins::strict => only_our_own_pages_may_send_the_cookie);

/// An app whose pages may come from one other origin.
async fn strict(engine: Engine) -> TestApp {
    let origins = ("CORS_ORIGINS", "https://painel.example");
    TestApp::start(&Marca, engine, &[("AUTH_MODE", "required"), origins]).await
}

/// Signs in from a page of `origin`.
async fn from(app: &TestApp, origin: &str, query: &str) -> Answer {
    let body = json!({ "email": "joao@origem.example", "password": PASSWORD }).to_string();
    let path = format!("/users/login{query}");
    by(app, "").raw("POST", &path, &[JSON, ("origin", origin)], &body).await
}

async fn only_our_own_pages_may_send_the_cookie(app: TestApp) {
    World::new(&app, "origem.example").await;
    for origin in ["http://marca.test:8000", "https://painel.example"] {
        from(&app, origin, "").await.expect(200);
    }
    let no = "Origem não permitida.";
    for origin in ["https://evil.example", "http://marca.test", "null", "https://painel.example.br"]
    {
        refused(from(&app, origin, "").await, 403, "forbidden", no);
        // Without the cookie there is nothing a page could abuse.
        from(&app, origin, "?transport=body").await.expect(200);
    }
    let cookie = from(&app, "https://painel.example", "").await;
    let cookie = cookie.header("set-cookie").split(';').next().unwrap().to_owned();
    for path in ["/auth/refresh", "/auth/logout"] {
        let headers = [("origin", "https://evil.example"), ("cookie", cookie.as_str())];
        refused(by(&app, "").raw("POST", path, &headers, "").await, 403, "forbidden", no);
    }
    let headers = [("cookie", cookie.as_str())];
    by(&app, "").raw("POST", "/auth/refresh", &headers, "").await.expect(200);
    app.post("/auth/logout", Value::Null).await.expect(204);
    app.stop().await;
}
