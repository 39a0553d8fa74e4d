//! The edge: what every answer tells a browser, who may call from another origin, how much anyone may
//! ask, and what no spelling of a path reaches. Over real sockets: `crates/common/tests/it/server.rs`.

use serde_json::json;
use testkit::app::{Answer, Engine, TestApp};

use crate::ask::{JSON, by, well_refused};
use crate::world::{Marca, World};

testkit::on_both_engines!(crate::edge::listed_origin =>
    every_answer_tells_the_browser_to_be_careful,
    nothing_between_services_is_reachable_from_outside,
    what_probes_ask_is_not_limited,
    a_listed_origin_may_call_with_credentials,
    an_unlisted_origin_may_not_read_anything,
);

/// An app with one front end.
pub(crate) async fn listed_origin(engine: Engine) -> TestApp {
    TestApp::start(&Marca, engine, &[("CORS_ORIGINS", "https://agenda.example")]).await
}

/// Sends a preflight of a PUT with a token and JSON from `origin`.
async fn preflight(app: &TestApp, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,content-type,if-match"),
    ];
    by(app, "").raw("OPTIONS", "/bookings/x", &headers, "").await
}

async fn every_answer_tells_the_browser_to_be_careful(app: TestApp) {
    let w = World::new(&app, "cabecalhos.example").await;
    let ask = by(&app, "");
    let answers = [
        ask.get("/tenants/").await.expect(200),
        ask.get(&format!("/users/{}", w.user)).await.expect(200),
        ask.get("/nothing").await.expect(404),
        ask.get("/bookings/nonsense").await.expect(422),
        ask.raw("PATCH", "/tenants/", &[], "").await.expect(405),
        ask.raw("POST", "/tenants/", &[JSON], "{}").await.expect(422),
        ask.get("/health").await.expect(200),
        preflight(&app, "https://other.example").await.expect(200),
    ];
    for answer in &answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            // Only where TLS is in front.
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {}", answer.text);
        }
        assert!(answer.header("x-request-id").len() >= 8);
    }
    // Pages keep the policy they need, and files may be kept.
    let page = ask.get("/api-docs/users").await.expect(200);
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let file = ask.get("/api-docs/users/assets/swagger-ui.css").await.expect(200);
    assert!(file.header("cache-control").contains("max-age"));
    let landing = ask.get("/").await.expect(200);
    assert!(landing.header("content-security-policy").contains("style-src"));
    app.stop().await;
}

async fn a_listed_origin_may_call_with_credentials(app: TestApp) {
    let origin = "https://agenda.example";
    let allowed = preflight(&app, origin).await.expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), origin);
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(allowed.header("access-control-allow-methods").contains(method), "{method}");
    }
    for header in ["authorization", "content-type", "if-match", "accept-language"] {
        assert!(allowed.header("access-control-allow-headers").contains(header), "{header}");
    }
    let answer = by(&app, "").raw("GET", "/tenants/", &[("origin", origin)], "").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert!(answer.header("vary").contains("origin"));
    for header in [
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "etag",
        "link",
        "x-total-count",
        "x-request-id",
    ] {
        assert!(answer.header("access-control-expose-headers").contains(header), "{header}");
    }
    app.stop().await;
}

async fn an_unlisted_origin_may_not_read_anything(app: TestApp) {
    for origin in [
        "https://evil.example",
        "http://agenda.example",
        "https://agenda.example.evil.example",
        "https://agenda.example:8443",
        "null",
    ] {
        let refused = preflight(&app, origin).await;
        assert_eq!(refused.header("access-control-allow-origin"), "", "{origin}");
        let answer = by(&app, "").raw("GET", "/tenants/", &[("origin", origin)], "").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    app.stop().await;
}

/// Without a list everybody may read, and nobody with credentials.
#[tokio::test]
async fn any_origin_may_call_without_credentials() {
    let app = crate::world::open(Engine::Sqlite).await;
    let answer = preflight(&app, "https://other.example").await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    app.stop().await;
}

/// A page of another origin can read that it asked too much, and when it may ask again.
#[tokio::test]
async fn too_many_requests_are_refused_in_the_contracts_shape() {
    let variables = [("RATE_LIMIT_IP", "3"), ("CORS_ORIGINS", "https://agenda.example")];
    let app = TestApp::start(&Marca, Engine::Sqlite, &variables).await;
    let origin = [("origin", "https://agenda.example"), ("accept-language", "es"), JSON];
    for left in ["r=2", "r=1", "r=0"] {
        let answer = by(&app, "").raw("GET", "/tenants/", &origin, "").await.expect(200);
        assert_eq!(answer.header("ratelimit-policy"), "\"ip\";q=3;w=60");
        assert!(answer.header("ratelimit").contains(left), "{}", answer.header("ratelimit"));
    }
    for (method, path) in [("GET", "/tenants/"), ("POST", "/bookings/"), ("GET", "/nothing")] {
        let answer = by(&app, "").raw(method, path, &origin, "{}").await;
        let answer = well_refused(answer, 429, "rate_limited");
        assert_eq!(answer.message(), "Demasiadas solicitudes. Intente de nuevo en breve.");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit"), format!("\"ip\";r=0;t={wait}"));
        assert_eq!(answer.header("access-control-allow-origin"), "https://agenda.example");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    app.stop().await;
}

/// Nobody is limited where all limits are switched off, and nothing is said of limits.
#[tokio::test]
async fn limits_can_be_switched_off() {
    let app = TestApp::start(&Marca, Engine::Sqlite, &[("RATE_LIMIT_IP", "0")]).await;
    let answer = app.get("/tenants/").await.expect(200);
    assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), ("", ""));
    app.stop().await;
}

async fn what_probes_ask_is_not_limited(app: TestApp) {
    assert_ne!(app.get("/tenants/").await.expect(200).header("ratelimit"), "");
    for path in ["/health", "/ready"] {
        assert_eq!(app.get(path).await.expect(200).header("ratelimit"), "", "{path}");
    }
    let answer = app.post("/health", json!({})).await;
    let answer = well_refused(answer, 405, "method_not_allowed");
    assert!(answer.header("allow").contains("GET"));
    app.stop().await;
}

async fn nothing_between_services_is_reachable_from_outside(app: TestApp) {
    let w = World::new(&app, "dentro.example").await;
    let facts = format!("internal/v1/users/{}", w.user);
    for path in [
        format!("/{facts}"),
        format!("//{facts}"),
        format!("/./{facts}"),
        format!("/users/../{facts}"),
        format!("/users/%2e%2e/{facts}"),
        format!("/users/..%2f{facts}"),
        format!("/users/..%5c{facts}"),
        format!("/users//{facts}"),
        format!("/users/{facts}"),
        format!("/%69nternal/v1/users/{}", w.user),
        format!("/internal%2fv1%2fusers%2f{}", w.user),
        "/internal/v1/outbox/booking".to_owned(),
        "/internal".to_owned(),
        "/metrics".to_owned(),
        "//metrics".to_owned(),
        "/bookings/../metrics".to_owned(),
    ] {
        // Not even with what services show each other.
        let headers = [("x-internal-token", "booking.secret")];
        let answer = by(&app, "").raw("GET", &path, &headers, "").await;
        well_refused(answer, 404, "not_found");
    }
    app.stop().await;
}

/// The secret between services opens nothing that users do, and signs nothing.
#[tokio::test]
async fn a_services_credential_is_no_users_token() {
    let secret = "the-secret-between-the-services-of-a-test";
    let variables = [("AUTH_MODE", "required"), ("INTERNAL_TOKEN", secret)];
    let app = TestApp::start(&Marca, Engine::Sqlite, &variables).await;
    let w = World::new(&app, "segredo.example").await;
    by(&app, &w.user_token).get("/users/me").await.expect(200);
    for shown in [secret.to_owned(), format!("marca.{secret}"), format!("user.{secret}")] {
        for path in ["/users/me", "/bookings/", "/resources/"] {
            let answer = by(&app, &shown).get(path).await;
            well_refused(answer, 401, "unauthorized");
            let header = [("x-internal-token", shown.as_str())];
            let answer = by(&app, "").raw("GET", path, &header, "").await;
            well_refused(answer, 401, "unauthorized");
        }
    }
    let claims = w.user_token.split('.').nth(1).unwrap();
    let key = w.user_token.split('.').next().unwrap();
    let forged = crate::tokens::signed_with(secret, key, claims);
    for token in forged {
        well_refused(by(&app, &token).get("/users/me").await, 401, "unauthorized");
    }
    app.stop().await;
}
