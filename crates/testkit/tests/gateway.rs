//! The gateway's configuration, run by a real nginx in front of a service that tells what it got.

use axum::extract::{Path, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use contracts::Service;
use contracts::routes::GATEWAY;
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::gateway::{Rate, Settings, Upstream};
use testkit::servers::{Nginx, ports};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn echo(method: Method, uri: Uri, headers: HeaderMap) -> Json<Value> {
    let headers: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    Json(json!({"method": method.as_str(), "uri": uri.to_string(), "headers": headers}))
}

/// Answers with the status named in the path, and a body and request id of its own.
async fn status(Path(code): Path<u16>) -> Response {
    let code = StatusCode::from_u16(code).expect("a status");
    (code, [("x-request-id", "the-service's")], Json(json!({"own": true}))).into_response()
}

async fn hang(_: Request) -> &'static str {
    std::future::pending().await
}

async fn dummy() -> String {
    let router = Router::new()
        .route("/tenants/status/{code}", any(status))
        .route("/tenants/hang", get(hang))
        .fallback(echo);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address").to_string();
    #[allow(clippy::disallowed_methods, reason = "lives as long as the test's runtime")]
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// A gateway in front of the dummy; nobody listens where bookings should be.
async fn gateway(adjust: impl FnOnce(&mut Settings)) -> (Nginx, Client) {
    let address = dummy().await;
    let nobody = format!("127.0.0.1:{}", ports::free_port());
    let upstreams = Service::ALL.map(|service| {
        let server = if service == Service::Booking { &nobody } else { &address };
        Upstream { service, servers: vec![server.clone()] }
    });
    let nginx = Nginx::start_with(upstreams.to_vec(), adjust).expect("nginx");
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("client");
    (nginx, client)
}

/// The contract's error shape, with the header that names it.
async fn assert_error(answer: reqwest::Response, status: u16, code: &str) {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["success"], false);
    assert_eq!(body["error"], code);
    assert_eq!(body["trace_id"], id.as_str());
    assert!(body["message"].as_str().is_some_and(|message| message.len() > 5));
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
}

#[tokio::test]
async fn every_route_arrives_in_all_its_forms_without_a_redirect() {
    let (nginx, client) = gateway(|_| {}).await;
    for route in GATEWAY.iter().filter(|route| route.service != Service::Booking) {
        for tail in ["", "/", "/x/y?a=b%20c&d=..%2f"] {
            let path = format!("{}{tail}", route.prefix);
            let sent = client.put(format!("{}{path}", nginx.url())).body("{}").send().await;
            let seen: Value = sent.expect("answer").json().await.expect("JSON");
            assert_eq!(seen["method"], "PUT");
            assert_eq!(seen["uri"], path.as_str());
        }
        // Below an open segment a longer word is still the outer route's.
        if !route.prefix.contains('*') {
            let other = client.get(format!("{}{}foo", nginx.url(), route.prefix)).send().await;
            assert_error(other.expect("answer"), 404, "not_found").await;
        }
    }
}

#[tokio::test]
async fn what_has_no_route_is_not_reachable_by_any_spelling() {
    let (nginx, _) = gateway(|_| {}).await;
    let paths = [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/internal",
        "/internal/",
        "//internal/v1/outbox/booking",
        "/%69nternal/v1/outbox/booking",
        "/internal%2fv1/outbox/booking",
        "/./internal/v1/users/x",
        "/users/../internal/v1/users/x",
        "/users/%2e%2e/internal/v1/users/x",
        "/users/..%2finternal/v1/users/x",
        "/users/x/../../internal/v1/users/x",
        "/users//../internal/v1/users/x",
        "/users/..%5cinternal/v1/users/x",
        "/users/;/../../internal/v1/users/x",
        "/users/../metrics",
        "/internal/v1/outbox/booking",
        "/ready",
        "/_gateway/404",
        "/TENANTS/",
        "//tenants/",
        "/tenants/x/..",
        "/tenants/../internal/x",
        "/internal/../tenants/x",
        "/internal/%2e%2e%2ftenants",
        "/internal/..%2ftenants/x",
        "/tenants/x%2fy",
        "/tenants/./x",
        "/tenants/x/..",
    ];
    for path in paths {
        let answer = raw(&nginx, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(answer.contains("\"error\":\"not_found\""), "{path}: {answer}");
    }
}

/// Sends a request as written, closing the connection after it, and returns the answer.
async fn raw(nginx: &Nginx, head: &str) -> String {
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", nginx.port())).await;
    let mut stream = stream.expect("connect");
    let request = format!("{head}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
    reading.await.expect("in time").expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn nothing_a_client_says_about_itself_arrives() {
    let (nginx, client) = gateway(|_| {}).await;
    let forged = [
        "X-User-Id",
        "X-Tenant-Id",
        "X-User-Type",
        "X-Permissions",
        "X-Internal-Token",
        "X-Forwarded-User",
        "Forwarded",
        "X_User_Id",
    ];
    let mut request = client.get(format!("{}/users/me", nginx.url()));
    for name in forged {
        request = request.header(name, "admin");
    }
    request = request
        .header("X-Request-Id", "mine")
        .header("X-Forwarded-For", "6.6.6.6")
        .header("Host", "agenda.example:8443")
        .header("Authorization", "Bearer a.b.c");
    let seen: Value = request.send().await.expect("answer").json().await.expect("JSON");
    let headers = seen["headers"].as_object().expect("headers");
    for name in forged {
        assert!(!headers.contains_key(&name.to_lowercase()), "{name} arrived");
    }
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["host"], "agenda.example:8443");
    assert_eq!(headers["x-forwarded-host"], "agenda.example:8443");
    assert_eq!(headers["authorization"], "Bearer a.b.c");
    assert_eq!(headers["x-request-id"].as_str().map(str::len), Some(32));
}

#[tokio::test]
async fn own_errors_have_the_contracts_shape() {
    let (nginx, client) = gateway(|settings| settings.read_timeout = "1s".to_owned()).await;
    let url = nginx.url();
    let refused = client.get(format!("{url}/bookings/")).send().await.expect("answer");
    assert_eq!(refused.headers()["retry-after"], "2");
    assert_error(refused, 502, "bad_gateway").await;
    let hanging = client.get(format!("{url}/tenants/hang")).send().await.expect("answer");
    assert_error(hanging, 504, "gateway_timeout").await;
    let large = client.post(format!("{url}/tenants/")).body(vec![b'x'; 1_100_000]).send().await;
    assert_error(large.expect("answer"), 413, "payload_too_large").await;
    let method = client.post(&url).send().await.expect("answer");
    assert_error(method, 405, "method_not_allowed").await;
    let header = client.get(format!("{url}/tenants/")).header("X-Long", "x".repeat(9_000)).send();
    assert_error(header.await.expect("answer"), 400, "bad_request").await;
    let long = client.get(format!("{url}/tenants/?q={}", "x".repeat(9_000))).send().await;
    assert_error(long.expect("answer"), 400, "bad_request").await;
    let garbage = raw(&nginx, "GET /tenants/ HTTP/1.1\r\n").await;
    assert!(garbage.starts_with("HTTP/1.1 400 ") && garbage.contains("\"bad_request\""));
}

#[tokio::test]
async fn a_services_own_errors_pass_untouched() {
    let (nginx, client) = gateway(|_| {}).await;
    for code in [400, 401, 404, 405, 409, 413, 429, 500, 502, 503, 504] {
        let sent = client.get(format!("{}/tenants/status/{code}", nginx.url())).send().await;
        let answer = sent.expect("answer");
        assert_eq!(answer.status(), code);
        let ids: Vec<_> = answer.headers().get_all("x-request-id").iter().collect();
        assert_eq!(ids, ["the-service's"]);
        assert!(answer.headers().get("ratelimit").is_none());
        assert_eq!(answer.text().await.expect("text"), "{\"own\":true}");
    }
}

#[tokio::test]
async fn too_many_requests_of_one_address() {
    let (nginx, client) =
        gateway(|settings| settings.by_ip = Rate { per_second: 1, burst: 3 }).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = client.get(format!("{}/tenants/", nginx.url())).send().await.expect("answer");
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    let answer = client.get(format!("{}/users/", nginx.url())).send().await.expect("answer");
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(answer.headers()["ratelimit"], "\"gateway\";r=0;t=1");
    assert_eq!(answer.headers()["ratelimit-policy"], "\"gateway\";q=1;w=1");
    assert_error(answer, 429, "rate_limited").await;
    let health = client.get(format!("{}/health", nginx.url())).send().await.expect("answer");
    assert_eq!(health.status(), 200);
}

/// A made-up token or tenant must not open a bucket of its own.
#[tokio::test]
async fn nothing_a_client_makes_up_changes_whose_rate_it_uses() {
    let tight = Rate { per_second: 1, burst: 2 };
    let (nginx, client) = gateway(|settings| settings.by_ip = tight).await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        let answer = client
            .get(format!("{}/users/?tenant_id=0192f0c0-0000-7000-8000-{number:012}", nginx.url()))
            .header("X-Forwarded-For", format!("203.0.113.{number}"))
            .header("X-Real-IP", format!("203.0.113.{number}"))
            .bearer_auth(format!("head.body.signature{number}"))
            .send()
            .await
            .expect("answer");
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// In production the proxy that ends TLS says who the client is, and only the last hop counts.
#[tokio::test]
async fn behind_a_tls_proxy_the_clients_address_is_the_last_hop() {
    let (nginx, client) = gateway(|settings| settings.production = true).await;
    let seen = async |hops: &str| {
        let request = client.get(format!("{}/users/me", nginx.url()));
        let request = request.header("X-Forwarded-For", hops).header("X-Real-IP", "6.6.6.6");
        let seen: Value = request.send().await.expect("answer").json().await.expect("JSON");
        seen["headers"]["x-real-ip"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(seen("203.0.113.9").await, "203.0.113.9");
    assert_eq!(seen("6.6.6.6, 203.0.113.9").await, "203.0.113.9", "what the client wrote itself");
    assert_eq!(
        seen("6.6.6.6, 203.0.113.9, 10.0.0.7").await,
        "203.0.113.9",
        "a second proxy of ours"
    );
    let (plain, client) = gateway(|_| {}).await;
    let request = client.get(format!("{}/users/me", plain.url()));
    let request = request.header("X-Forwarded-For", "203.0.113.9").header("X-Real-IP", "6.6.6.6");
    let seen: Value = request.send().await.expect("answer").json().await.expect("JSON");
    assert_eq!(seen["headers"]["x-real-ip"], "127.0.0.1", "in development nobody is believed");
}

/// Browsers are told to insist on TLS where there is some, and only there.
#[tokio::test]
async fn strict_transport_security_is_for_production() {
    for production in [false, true] {
        let (nginx, client) = gateway(|settings| settings.production = production).await;
        for path in ["/", "/nothing", "/tenants/"] {
            let answer = client.get(format!("{}{path}", nginx.url())).send().await.expect("answer");
            let sent = answer.headers().get_all("strict-transport-security").iter().count();
            assert_eq!(sent, usize::from(production), "{path}");
        }
    }
}

#[tokio::test]
async fn landing_page_docs_and_health() {
    let (nginx, client) = gateway(|_| {}).await;
    let page = client.get(nginx.url()).send().await.expect("answer");
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let csp = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(csp.starts_with("default-src 'none'") && csp.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert!(page.headers().contains_key("permissions-policy"));
    assert!(!page.headers()["server"].to_str().expect("text").contains('.'));
    assert_eq!(page.text().await.expect("text"), contracts::landing::html());
    let docs = client.get(format!("{}/docs", nginx.url())).send().await.expect("answer");
    assert_eq!(
        (docs.status().as_u16(), &docs.headers()["location"]),
        (302, &"/".parse().expect("v"))
    );
    let health = client.get(format!("{}/health", nginx.url())).send().await.expect("answer");
    let body: Value = health.json().await.expect("JSON");
    assert_eq!(body, json!({"status": "ok", "service": "gateway"}));
}

#[tokio::test]
async fn access_lines_are_json_without_query_or_address() {
    let (nginx, client) = gateway(|_| {}).await;
    let url = format!("{}/bookings/x?token=hush", nginx.url());
    let answer = client.delete(url).send().await.expect("answer");
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let line = testkit::wait::until_some(Duration::from_secs(5), "an access line", async || {
        nginx.access_log().lines().find(|line| line.contains(&id)).map(str::to_owned)
    });
    let line = line.await;
    assert!(!line.contains("hush") && !line.contains("\"network\":\"127.0.0.1"), "{line}");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["method"], "DELETE");
    assert_eq!(line["path"], "/bookings/x");
    assert_eq!(line["status"], 502);
    assert_eq!(line["network"], "127.0.0.0");
}

/// Neither where requests are logged nor where failures are: nobody listens where bookings should be.
#[tokio::test]
async fn a_token_in_a_path_is_in_no_log() {
    let (nginx, client) = gateway(|_| {}).await;
    let secret = "Zq7-_".repeat(9);
    let paths = [
        ("/bookings/links/ml_", "/bookings/links/-"),
        ("/bookings/links/ml%5F", "/bookings/links/-"),
        ("/bookings/links/%6dl_x", "/bookings/links/-"),
        ("/bookings/%6cinks/ml_", "/bookings/%6cinks/-"),
        ("/calendars/feeds/mc_", "/calendars/feeds/-"),
        ("/calendars/feeds/%6dc%5F", "/calendars/feeds/-"),
        ("/calendars/%66eeds/mc_", "/calendars/%66eeds/-"),
        // As a client comes to it that puts two parts together wrongly.
        ("//calendars/feeds/mc_", "//calendars/feeds/-"),
        ("/resources/x/mz_", "/resources/x/-"),
    ];
    for (before, shown) in paths {
        let url = format!("{}{before}{secret}?a=b", nginx.url());
        let answer = client.get(url).send().await.expect("answer");
        let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
        let line =
            testkit::wait::until_some(Duration::from_secs(5), "an access line", async || {
                nginx.access_log().lines().find(|line| line.contains(&id)).map(str::to_owned)
            });
        let line: Value = serde_json::from_str(&line.await).expect("JSON");
        assert_eq!(line["path"], shown);
    }
    // The failure to reach the service is told of for other paths, so it has been written by now.
    let plain = format!("{}/bookings/elsewhere", nginx.url());
    assert_eq!(client.get(plain).send().await.expect("answer").status(), 502);
    testkit::wait::until(Duration::from_secs(5), "an error line", async || {
        nginx.process().log_text().contains("/bookings/elsewhere")
    })
    .await;
    let logs = [nginx.access_log(), nginx.process().log_text()].concat();
    assert!(!logs.contains("Zq7"), "{logs}");
}
