//! What stays inside: routes between services are reachable by no spelling, each service asks only what
//! it needs, and a client cannot pretend to come from elsewhere.

use crate::api::Api;
use crate::cluster::{Cluster, command, credential};
use crate::figures::beside_others;
use contracts::Service;
use reqwest::Method;
use testkit::servers::postgres::{drop_database, fresh_database};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn what_is_inside_stays_inside() {
    let _beside = beside_others().await;
    let api = Cluster::shared().await.api();
    let id = uuid::Uuid::new_v4();
    let paths = [
        "/metrics".to_owned(),
        "/ready".to_owned(),
        "/internal/v1/outbox/booking".to_owned(),
        format!("/internal/v1/users/{id}"),
        "/bookings/internal/v1/outbox/booking".to_owned(),
        "/nothing".to_owned(),
        "/api-docs/".to_owned(),
        "/metrics/".to_owned(),
        format!("/%69nternal/v1/users/{id}"),
        format!("/internal%2fv1%2fusers%2f{id}"),
        format!("/users/..%2finternal/v1/users/{id}"),
        format!("/users/..%5cinternal/v1/users/{id}"),
    ];
    for path in paths {
        let own = credential(Service::Booking);
        let request = api.request(Method::GET, &path).header("x-internal-token", own);
        let reply = api.send(request).await.unwrap();
        assert_eq!(reply.status, 404, "{path}: {}", reply.body);
        assert_eq!(reply.error(), "not_found", "{path}");
    }
    let booking = Cluster::shared().await.process(Service::Booking);
    let direct = Api::new(booking.url());
    assert!(direct.get("/metrics").await.expect(200).body.as_str().unwrap().contains("# "));
    // What a client library would tidy up before sending.
    for path in [
        format!("//internal/v1/users/{id}"),
        format!("/users/../internal/v1/users/{id}"),
        format!("/users/%2e%2e/internal/v1/users/{id}"),
        format!("/users/./../internal/v1/users/{id}"),
        "/bookings/../metrics".to_owned(),
    ] {
        let answer = raw(Cluster::shared().await.nginx.port(), &path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
}

/// `GET path` as it stands, with the credential of a service; the whole answer.
async fn raw(port: u16, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let own = credential(Service::Booking);
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nX-Internal-Token: {own}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Every service has a credential of its own, and asks only what it needs.
#[tokio::test]
async fn a_service_asks_its_neighbours_only_what_it_needs() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let id = uuid::Uuid::new_v4();
    let users = format!("/internal/v1/users/{id}");
    let resources = format!("/internal/v1/resources/{id}");
    let occupancy = format!(
        "/internal/v1/occupancy?tenant_id={id}&resource_id={id}&from=2027-01-01T00:00:00Z&to=2027-01-02T00:00:00Z"
    );
    let rows = [
        (Service::User, &*users, [(Service::Booking, 404), (Service::Tenant, 404)]),
        (Service::Resource, &resources, [(Service::Booking, 404), (Service::User, 403)]),
        (Service::Booking, &occupancy, [(Service::Resource, 200), (Service::Tenant, 403)]),
        (
            Service::Booking,
            "/internal/v1/outbox/booking",
            [(Service::Resource, 200), (Service::User, 403)],
        ),
    ];
    for (asked, path, callers) in rows {
        let direct = Api::new(cluster.process(asked).url());
        let ask = async |shown: &str| {
            let request = direct.request(Method::GET, path).header("x-internal-token", shown);
            direct.send(request).await.unwrap()
        };
        for (caller, status) in callers {
            assert_eq!(ask(&credential(caller)).await.status, status, "{caller:?} asks {path}");
        }
        assert_eq!(direct.get(path).await.expect(401).error(), "unauthorized");
        let (own, other) = (credential(asked), credential(callers[0].0));
        let (name, secret) = other.split_once('.').unwrap();
        for forged in [
            format!("{}.{secret}", callers[1].0.name()),
            format!("{name}.wrong"),
            format!("nobody.{secret}"),
            secret.to_owned(),
            own.replacen(asked.name(), name, 1),
        ] {
            assert_eq!(ask(&forged).await.status, 401, "{forged} asks {path}");
        }
        // Nor is it anybody's token.
        let bearer = direct.with_token(&own).get("/users/me").await;
        assert!(matches!(bearer.status, 401 | 404), "{bearer:?}");
    }
}

/// Forged hops do not make a new client of one; the service's refusal arrives as it is.
#[tokio::test]
async fn behind_the_gateway_a_client_cannot_change_its_address() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let database = fresh_database("tenant").await;
    let limited = command(Service::Tenant)
        .env("TENANT_DATABASE_URL", &database)
        .env("RATE_LIMIT_IP", "3")
        .start()
        .expect("a service");
    let gateway = cluster.gateway(|settings| {
        for upstream in &mut settings.upstreams {
            if upstream.service == Service::Tenant {
                upstream.servers = vec![format!("127.0.0.1:{}", limited.port())];
            }
        }
    });
    let api = cluster.api().at(gateway.url());
    let mut seen = Vec::new();
    for forged in ["203.0.113.1", "203.0.113.2, 203.0.113.3", "10.0.0.1", "::1", "127.0.0.1"] {
        let request = api.request(Method::GET, "/tenants/");
        let request = request.header("X-Forwarded-For", forged).header("X-Real-IP", forged);
        let reply = api.send(request).await.unwrap();
        assert_eq!(reply.header("ratelimit-policy"), "\"ip\";q=3;w=60");
        for name in ["ratelimit", "ratelimit-policy", "x-request-id", "x-frame-options"] {
            assert_eq!(reply.headers.get_all(name).iter().count(), 1, "{name}");
        }
        seen.push(reply.status);
        if reply.status == 429 {
            assert_eq!(reply.error(), "rate_limited");
            assert!(reply.header("ratelimit").starts_with("\"ip\";r=0;t="));
            assert_ne!(reply.header("retry-after"), "");
        }
    }
    assert_eq!(seen, [200, 200, 200, 429, 429]);
    drop(limited);
    drop_database(&database).await;
}
