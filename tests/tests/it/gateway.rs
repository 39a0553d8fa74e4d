//! The gateway in front of the real services; what nginx does by itself is tested in `testkit`.

use crate::api::Reply;
use crate::cluster::Cluster;
use crate::figures::beside_others;
use crate::world::{World, domain, tenant};
use contracts::Service;
use contracts::routes::GATEWAY;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::gateway::Rate;
use testkit::servers::{Nginx, ports};
use testkit::wait::until_some;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Who answered, as the gateway's access log tells.
async fn upstream_of(nginx: &Nginx, reply: &Reply) -> String {
    let id = reply.header("x-request-id").to_owned();
    let line = until_some(Duration::from_secs(5), "an access line", async || {
        nginx.access_log().lines().find(|line| line.contains(&id)).map(str::to_owned)
    });
    let line: Value = serde_json::from_str(&line.await).unwrap();
    line["upstream"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_route_reaches_its_service_in_both_forms() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    for route in GATEWAY {
        let expected = format!("127.0.0.1:{}", cluster.process(route.service).port());
        for slash in ["", "/"] {
            let id = uuid::Uuid::new_v4().to_string();
            let path = format!("{}{slash}", route.prefix.replace('*', &id));
            let reply = api.get(&path).await;
            // One is only posted to, and its service says so.
            let good = match reply.status {
                405 => route.prefix == "/tenants/*/settings/preview",
                status => status < 300 || matches!(status, 401 | 404 | 422),
            };
            assert!(good, "{path}: {reply:?}");
            assert_eq!(upstream_of(&cluster.nginx, &reply).await, expected, "{path}");
        }
    }
}

/// Every operation of the contract, with the statuses that a stranger's id or an empty body gives.
#[tokio::test]
async fn every_operation_of_the_contract_is_there() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let id = uuid::Uuid::new_v4();
    let operations = [
        (Method::GET, "/tenants/", 200),
        (Method::POST, "/tenants/", 422),
        (Method::GET, "/tenants/{id}", 404),
        (Method::PUT, "/tenants/{id}", 404),
        (Method::DELETE, "/tenants/{id}", 404),
        (Method::GET, "/tenants/{id}/settings", 404),
        (Method::PUT, "/tenants/{id}/settings", 404),
        (Method::GET, "/tenants/{id}/api-keys", 404),
        (Method::POST, "/tenants/{id}/api-keys", 422),
        (Method::GET, "/tenants/{id}/api-keys/{id}", 404),
        (Method::DELETE, "/tenants/{id}/api-keys/{id}", 404),
        (Method::POST, "/auth/impersonate", 422),
        (Method::GET, "/users/", 200),
        (Method::POST, "/users/", 422),
        (Method::POST, "/users/login", 422),
        // Nobody is signed in, and in the open mode that is nobody's record.
        (Method::GET, "/users/me", 404),
        (Method::GET, "/users/{id}", 404),
        (Method::PUT, "/users/{id}", 404),
        (Method::DELETE, "/users/{id}", 404),
        (Method::GET, "/categories/", 200),
        (Method::POST, "/categories/", 422),
        (Method::GET, "/categories/{id}", 404),
        (Method::PUT, "/categories/{id}", 404),
        (Method::DELETE, "/categories/{id}", 404),
        (Method::GET, "/resources/", 200),
        (Method::POST, "/resources/", 422),
        (Method::GET, "/resources/{id}", 404),
        (Method::PUT, "/resources/{id}", 404),
        (Method::DELETE, "/resources/{id}", 404),
        (Method::GET, "/resources/{id}/availability?date=2027-01-01", 404),
        (Method::GET, "/bookings/", 200),
        (Method::POST, "/bookings/", 422),
        (Method::GET, "/bookings/{id}", 404),
        (Method::PUT, "/bookings/{id}", 404),
        (Method::PATCH, "/bookings/{id}/cancel", 404),
        (Method::PATCH, "/bookings/{id}/status?status_param=concluido", 404),
    ];
    for (method, path, status) in operations {
        let path = path.replace("{id}", &id.to_string());
        // The canonical form, and the other one.
        let other = match path.split_once('?') {
            Some((path, query)) => format!("{path}/?{query}"),
            None if path.ends_with('/') => path.trim_end_matches('/').to_owned(),
            None => format!("{path}/"),
        };
        for path in [path, other] {
            let body = if method == Method::GET { Value::Null } else { json!({}) };
            let reply = api.call(method.clone(), &path, body).await;
            assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
            if status >= 400 {
                reply.error();
                assert_ne!(reply.body["message"], "Rota não encontrada.", "{method} {path}");
            }
        }
    }
    for name in ["tenants", "users", "resources", "bookings"] {
        let reply = api.call(Method::DELETE, &format!("/{name}/"), Value::Null).await.expect(405);
        assert_eq!(reply.error(), "method_not_allowed");
    }
}

#[tokio::test]
async fn neither_method_nor_body_is_lost_without_the_slash() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    for path in ["/tenants", "/tenants/"] {
        let made = api.post(path, tenant(&domain(), &json!({}))).await.expect(201);
        let read = api.get(&format!("/tenants/{}/", made.id())).await.expect(200);
        assert_eq!(read.id(), made.id());
    }
}

#[tokio::test]
async fn errors_of_the_gateway_have_the_contracts_shape() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let large = json!({ "name": "x".repeat(1_100_000) });
    assert_eq!(api.post("/tenants/", large).await.expect(413).error(), "payload_too_large");

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let nobody = ports::free_port();
    let broken_gateway = cluster.gateway(|settings| {
        settings.read_timeout = "1s".to_owned();
        for upstream in &mut settings.upstreams {
            let port = match upstream.service {
                Service::Booking => nobody,
                Service::Resource => silent_port,
                Service::Tenant | Service::User => continue,
            };
            upstream.servers = vec![format!("127.0.0.1:{port}")];
        }
    });
    let broken = api.at(broken_gateway.url());
    let refused = broken.get("/bookings/").await.expect(502);
    assert_eq!(refused.error(), "bad_gateway");
    assert_eq!(refused.header("retry-after"), "2");
    let silence = broken.get("/resources/").await.expect(504);
    assert_eq!(silence.error(), "gateway_timeout");

    let tight_gateway =
        cluster.gateway(|settings| settings.by_ip = Rate { per_second: 1, burst: 2 });
    let tight = api.at(tight_gateway.url());
    let mut last = tight.get("/tenants/").await.expect(200);
    for _ in 0..3 {
        last = tight.get("/tenants/").await;
    }
    assert_eq!(last.expect(429).error(), "rate_limited");
    let limited = tight.get("/tenants/").await.expect(429);
    assert_eq!(limited.header("retry-after"), "1");
    assert_ne!(limited.header("ratelimit"), "");
    assert_ne!(limited.header("ratelimit-policy"), "");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_once() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    let id = uuid::Uuid::new_v4();
    for path in ["/", "/tenants/", "/nothing", "/api-docs/users", &format!("/bookings/{id}")] {
        let reply = api.get(path).await;
        for name in [
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "permissions-policy",
            "content-security-policy",
            "cross-origin-resource-policy",
            "cache-control",
            "x-request-id",
        ] {
            let count = reply.headers.get_all(name).iter().count();
            assert_eq!(count, 1, "{path}: {name}");
        }
    }
}

/// A forged identity changes nothing; links are built from the address the client used.
#[tokio::test]
async fn what_a_client_says_about_itself_is_not_believed() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    world.another_resource(&api).await;
    let path = format!("/resources/?tenant_id={}&limit=1", world.tenant);
    let mut request =
        api.request(Method::GET, &path).header("X-Request-Id", "chosen-by-the-client");
    for forged in ["X-Forwarded-Host", "X-Forwarded-Prefix", "X-User-Id", "X-Tenant-Id"] {
        request = request.header(forged, "evil.example");
    }
    let reply = api.send(request.header("Forwarded", "host=evil.example")).await.unwrap();
    let link = reply.header("link").to_owned();
    assert!(link.contains("rel=\"next\""), "{link}");
    assert!(link.starts_with(&format!("<{}/", api.base())), "{link}");
    assert_ne!(reply.header("x-request-id"), "chosen-by-the-client");
    let me = api.request(Method::GET, "/users/me").header("X-User-Id", &world.user);
    assert_eq!(api.send(me).await.unwrap().status, 404, "still nobody");
    // A traced request can be found in the service's log.
    let id = reply.header("x-request-id");
    let found = until_some(Duration::from_secs(5), "the line in the log", async || {
        let log = cluster.resource.log_text();
        log.lines().find(|line| line.contains(id)).map(str::to_owned)
    });
    let found: Value = serde_json::from_str(&found.await).unwrap();
    assert!(found.to_string().contains(&format!("\"trace_id\":\"{id}\"")), "{found}");
}

#[tokio::test]
async fn the_pages_ask_no_other_host() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    let page = api.get("/").await.expect(200).body.as_str().unwrap().to_owned();
    assert!(page.contains("<html lang=\"pt-BR\""));
    let docs = api.get("/docs").await.expect(302);
    assert_eq!(docs.header("location"), "/");
    for service in Service::ALL {
        let base = format!("/api-docs/{}", service.docs());
        assert!(page.contains(&format!("href=\"{base}\"")), "no card of {base}");
        let html = api.get(&base).await.expect(200);
        assert!(html.header("content-type").starts_with("text/html"));
        let html = html.body.as_str().unwrap().to_owned();
        let assets = references(&html);
        assert!(assets.len() >= 3, "{assets:?}");
        for asset in &assets {
            assert!(!asset.contains("//"), "{base} asks another host: {asset}");
            let path =
                if asset.starts_with('/') { asset.clone() } else { format!("{base}/{asset}") };
            let got = api.get(&path).await.expect(200);
            assert_ne!(got.header("content-type"), "", "{path}");
        }
        let spec = api.get(&format!("{base}/openapi.json")).await.expect(200).body;
        assert!(spec["paths"].as_object().is_some_and(|paths| !paths.is_empty()));
        for server in spec["servers"].as_array().into_iter().flatten() {
            assert!(server["url"].as_str().unwrap().starts_with('/'), "{server}");
        }
    }
    assert!(references(&page).iter().all(|found| !found.contains("//")));
}

/// Everything an HTML page loads or links to.
fn references(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for attribute in ["src=\"", "href=\"", "url("] {
        for (at, _) in html.match_indices(attribute) {
            let rest = &html[at + attribute.len()..];
            let end = rest.find(['"', ')']).unwrap_or(0);
            if !rest.starts_with("data:") {
                found.insert(rest[..end].trim_matches('\'').to_owned());
            }
        }
    }
    found
}

/// A half-sent head does not keep a worker busy, and garbage gets the contract's shape.
#[tokio::test]
async fn garbage_is_answered_in_shape() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let mut stream =
        tokio::net::TcpStream::connect(("127.0.0.1", cluster.nginx.port())).await.unwrap();
    stream.write_all(b"GET /tenants/ HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
    reading.await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"bad_request\""), "{answer}");
}
