//! The specification, the pages around it, and that they tell the truth.

use std::collections::BTreeSet;

use contracts::Service;
use serde_json::Value;
use testkit::app::TestApp;

use crate::ask::by;

testkit::on_both_engines!(crate::world::guarded =>
    every_operation_documents_its_refusals_with_an_example,
    bodies_are_documented_as_closed_as_they_are,
    every_reference_is_to_a_schema,
    what_is_documented_is_the_contract,
    public_operations_are_marked,
    the_pages_ask_no_other_host,
    the_gateway_answers_for_itself,
);

/// An operation of a service's specification.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) spec: Value,
}

/// Every documented operation of every service.
pub(crate) async fn operations(app: &TestApp) -> Vec<Operation> {
    let mut all = Vec::new();
    for service in Service::ALL {
        let path = format!("/api-docs/{}/openapi.json", service.docs());
        let spec = app.get(&path).await.expect(200).body;
        assert!(
            spec["openapi"].as_str().is_some_and(|version| version.starts_with("3.")),
            "{path}"
        );
        for (path, item) in spec["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let method = method.to_uppercase();
                let name = format!("{method} {path}");
                all.push(Operation { name, method, path: path.clone(), spec: operation.clone() });
            }
        }
    }
    all
}

/// A path with every parameter in it filled in.
fn filled(path: &str, value: &str) -> String {
    let part = |part| if str::starts_with(part, '{') { value } else { part };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Every route of the contract's tables.
const CONTRACT: &[&str] = &[
    "POST /tenants/",
    "GET /tenants/",
    "GET /tenants/{id}",
    "PUT /tenants/{id}",
    "DELETE /tenants/{id}",
    "GET /tenants/{id}/settings",
    "PUT /tenants/{id}/settings",
    "POST /users/",
    "GET /users/",
    "POST /users/login",
    "GET /users/me",
    "GET /users/{id}",
    "PUT /users/{id}",
    "DELETE /users/{id}",
    "POST /categories/",
    "GET /categories/",
    "GET /categories/{id}",
    "PUT /categories/{id}",
    "DELETE /categories/{id}",
    "POST /resources/",
    "GET /resources/",
    "GET /resources/{id}",
    "PUT /resources/{id}",
    "DELETE /resources/{id}",
    "GET /resources/{id}/availability",
    "POST /exceptions/",
    "GET /exceptions/",
    "POST /exceptions/import",
    "GET /exceptions/{id}",
    "PUT /exceptions/{id}",
    "DELETE /exceptions/{id}",
    "GET /resources/{id}/availability/stream",
    "GET /availability/",
    "POST /bookings/",
    "GET /bookings/",
    "GET /bookings/{id}",
    "PUT /bookings/{id}",
    "PATCH /bookings/{id}/cancel",
    "PATCH /bookings/{id}/status",
    // Series and groups.
    "POST /bookings/series",
    "GET /bookings/series/{id}",
    "POST /bookings/groups",
    "PATCH /bookings/groups/{id}/cancel",
    // Ours: passwords, and where tokens' keys are.
    "POST /auth/password/change",
    "POST /auth/password/recover",
    "POST /auth/password/reset",
    "GET /auth/.well-known/jwks.json",
    // What is held about people.
    "GET /users/{id}/export",
    "POST /users/{id}/erasure",
    // Sessions.
    "POST /auth/register",
    "POST /auth/token",
    "POST /auth/refresh",
    "POST /auth/logout",
    "POST /auth/logout-all",
    "GET /auth/me",
    "GET /auth/sessions",
    "DELETE /auth/sessions/{id}",
    "POST /auth/impersonate",
    "GET /tenants/{id}/api-keys",
    "POST /tenants/{id}/api-keys",
    "GET /tenants/{id}/api-keys/{key_id}",
    "DELETE /tenants/{id}/api-keys/{key_id}",
    "PATCH /bookings/{id}/check-in",
    "POST /bookings/waitlist",
    "GET /bookings/waitlist",
    "DELETE /bookings/waitlist/{id}",
    "POST /tenants/{id}/settings/preview",
    // Holds.
    "POST /bookings/holds",
    "POST /bookings/holds/{id}/extend",
    "POST /bookings/holds/{id}/confirm",
    "DELETE /bookings/holds/{id}",
    // Links.
    "POST /bookings/{id}/links",
    "GET /bookings/{id}/links",
    "DELETE /bookings/{id}/links/{link_id}",
    "GET /bookings/links/{token}",
    "GET /bookings/links/{token}/slots",
    "PUT /bookings/links/{token}",
    "DELETE /bookings/links/{token}",
    // Calendars.
    "GET /bookings/{id}/calendar.ics",
    "POST /calendars/",
    "GET /calendars/",
    "DELETE /calendars/{id}",
    "GET /calendars/feeds/{secret}",
    "GET /calendars/resources/{id}/free-busy.ics",
];

async fn every_operation_documents_its_refusals_with_an_example(app: TestApp) {
    for Operation { name, spec, .. } in operations(&app).await {
        for status in possible(&spec) {
            let answer = &spec["responses"][status];
            for header in ["X-Request-Id", "Content-Language"] {
                assert!(answer["headers"][header].is_object(), "{name} {status} {header}");
            }
            let example = &spec["responses"][status]["content"]["application/json"]["example"];
            assert_eq!(example["success"], false, "{name} {status}");
            for part in ["error", "message", "trace_id"] {
                assert!(
                    example[part].as_str().is_some_and(|text| !text.is_empty()),
                    "{name} {status} {part}"
                );
            }
            if status == "422" {
                assert!(example["fields"][0]["path"].is_string(), "{name}");
            }
        }
        let responses = spec["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
        assert!(
            spec["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{name} says nothing"
        );
        let bodiless =
            ["POST /auth/logout-all", "POST /users/{id}/erasure"].contains(&name.as_str());
        let body = matches!(name.split(' ').next(), Some("POST" | "PUT")) && !bodiless;
        let cancels = name.ends_with("/cancel") || name == "DELETE /bookings/links/{token}";
        assert_eq!(spec["requestBody"].is_object(), body || cancels, "{name}");
    }
    app.stop().await;
}

/// The refusals that an operation cannot do without, by what it takes, and those it says it gives.
fn possible(spec: &Value) -> BTreeSet<&str> {
    let responses = spec["responses"].as_object().unwrap();
    let own = responses.keys().map(String::as_str).filter(|status| *status >= "400");
    let mut statuses: BTreeSet<&str> = own.collect();
    let within = |place: &str| {
        spec["parameters"].as_array().is_some_and(|all| all.iter().any(|it| it["in"] == place))
    };
    let (body, path) = (spec["requestBody"].is_object(), within("path"));
    let security = spec["security"].to_string();
    statuses.extend(["429", "503"]);
    let cases: [(bool, &[&str]); 5] = [
        (security.contains("bearer"), &["401"]),
        (!security.contains("{}"), &["401", "403"]),
        (path, &["404"]),
        (body, &["408", "413", "415"]),
        (body || path || within("query"), &["422"]),
    ];
    for (_, needed) in cases.into_iter().filter(|(so, _)| *so) {
        statuses.extend(needed);
    }
    statuses
}

async fn bodies_are_documented_as_closed_as_they_are(app: TestApp) {
    let mut bodies = 0;
    for service in Service::ALL {
        let path = format!("/api-docs/{}/openapi.json", service.docs());
        let spec = app.get(&path).await.expect(200).body;
        let schemas = &spec["components"]["schemas"];
        for Operation { name, spec, .. } in operations(&app).await {
            let content = &spec["requestBody"]["content"];
            if content["text/calendar"].is_object() {
                continue;
            }
            let content = &content["application/json"];
            let Some(reference) = content["schema"]["$ref"].as_str() else {
                assert!(spec["requestBody"].is_null(), "{name}: {content}");
                continue;
            };
            let schema = &schemas[reference.rsplit('/').next().unwrap()];
            if schema.is_object() {
                assert_eq!(schema["additionalProperties"], false, "{name}");
                bodies += 1;
            }
        }
        // A free-form part says that it is one.
        if service == Service::Resource {
            assert_eq!(schemas["CategoryMetadata"]["additionalProperties"], true);
        }
        if service == Service::User {
            assert_eq!(schemas["CreateUser"]["properties"]["password"]["minLength"], 8);
            assert!(schemas["UserView"]["properties"]["password"].is_null());
        }
    }
    assert!(bodies >= 12, "{bodies}");
    app.stop().await;
}

/// Every `$ref` in a specification.
fn references(spec: &Value, found: &mut BTreeSet<String>) {
    if let Some(reference) = spec["$ref"].as_str() {
        found.insert(reference.to_owned());
    }
    let fields = spec.as_object().into_iter().flat_map(|object| object.values());
    for part in fields.chain(spec.as_array().into_iter().flatten()) {
        references(part, found);
    }
}

async fn every_reference_is_to_a_schema(app: TestApp) {
    for service in Service::ALL {
        let path = format!("/api-docs/{}/openapi.json", service.docs());
        let spec = app.get(&path).await.expect(200).body;
        let mut found = BTreeSet::new();
        references(&spec, &mut found);
        assert!(found.contains("#/components/schemas/ErrorBody"), "{path}");
        for reference in found {
            assert!(spec.pointer(&reference[1..]).is_some(), "{path}: {reference}");
        }
    }
    app.stop().await;
}

async fn what_is_documented_is_the_contract(app: TestApp) {
    let found = operations(&app).await;
    let documented: BTreeSet<&str> =
        found.iter().map(|operation| operation.name.as_str()).collect();
    let contract: BTreeSet<&str> = CONTRACT.iter().copied().collect();
    assert_eq!(documented, contract);
    // Ids of operations are unique, and every operation is there at run time.
    let ids: BTreeSet<&str> =
        found.iter().filter_map(|operation| operation.spec["operationId"].as_str()).collect();
    assert_eq!(ids.len(), found.len());
    for Operation { name, method, path, .. } in &found {
        let path = filled(path, "00000000-0000-7000-8000-000000000000");
        let answer = by(&app, "").raw(method, &path, &[], "").await;
        assert_ne!(answer.status.as_u16(), 405, "{name}");
        assert_ne!(answer.message(), "Rota não encontrada.", "{name}");
    }
    app.stop().await;
}

const A_BOOKING: &str = r#"{
    "tenant_id": "00000000-0000-7000-8000-000000000000",
    "resource_id": "00000000-0000-7000-8000-000000000000",
    "user_id": "00000000-0000-7000-8000-000000000000",
    "start_time": "2027-03-06T14:00:00Z", "end_time": "2027-03-06T15:00:00Z"
}"#;

async fn public_operations_are_marked(app: TestApp) {
    let public = [
        "POST /tenants/",
        "GET /tenants/",
        "GET /tenants/{id}",
        "POST /users/",
        "POST /users/login",
        "POST /auth/password/recover",
        "POST /auth/password/reset",
        "GET /auth/.well-known/jwks.json",
        "POST /auth/register",
        "POST /auth/token",
        "POST /auth/logout",
        "GET /bookings/links/{token}",
        "GET /bookings/links/{token}/slots",
        "PUT /bookings/links/{token}",
        "DELETE /bookings/links/{token}",
        "GET /calendars/feeds/{secret}",
    ];
    for Operation { name, method, path, spec } in operations(&app).await {
        let path = filled(&path, "00000000-0000-7000-8000-000000000000");
        // A booking's shape is judged before its caller, so it needs a good one to get that far.
        let booking = if name == "POST /bookings/" { A_BOOKING } else { "{}" };
        let answer = by(&app, "").raw(&method, &path, &[crate::ask::JSON], booking).await;
        let open = answer.status.as_u16() != 401;
        assert_eq!(open, public.contains(&name.as_str()), "{name}: {}", answer.text);
        let security = spec["security"].as_array().cloned().unwrap_or_default();
        assert!(!security.is_empty(), "{name} says nothing of tokens");
        let without =
            security.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty));
        assert_eq!(open, without, "{name}");
    }
    app.stop().await;
}

/// Whether a page would fetch anything from another host.
fn foreign(text: &str) -> bool {
    let marks = r#"src="http href="http src="// href="// url(http url(// @import https://"#;
    marks.split(' ').any(|mark| text.contains(mark))
}

async fn the_pages_ask_no_other_host(app: TestApp) {
    let landing = app.get("/").await.expect(200);
    assert!(landing.header("content-type").starts_with("text/html"));
    assert!(landing.text.contains("<html lang=\"pt-BR\">"));
    assert!(!foreign(&landing.text));
    for service in Service::ALL {
        let page = format!("/api-docs/{}", service.docs());
        assert!(landing.text.contains(&format!("href=\"{page}\"")), "{page}");
        let html = app.get(&page).await.expect(200);
        assert!(html.header("content-type").starts_with("text/html"));
        assert!(html.text.contains("<html lang=") && !foreign(&html.text), "{page}");
        app.get(&format!("{page}/")).await.expect(200);
        for mark in ["src=\"", "href=\""] {
            for rest in html.text.split(mark).skip(1) {
                let asset = rest.split('"').next().unwrap();
                let answer = app.get(asset).await.expect(200);
                assert!(
                    !answer.text.is_empty() && !answer.header("content-type").is_empty(),
                    "{asset}"
                );
            }
        }
        let start = app.get(&format!("{page}/start.js")).await.expect(200);
        assert!(start.text.contains(&format!("{page}/openapi.json")) && !foreign(&start.text));
        let policy = html.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
        app.get(&format!("{page}/assets/..%2f..%2fetc%2fpasswd")).await.expect(404);
    }
    let docs = app.get("/docs").await.expect(302);
    assert_eq!(docs.header("location"), "/");
    app.stop().await;
}

async fn the_gateway_answers_for_itself(app: TestApp) {
    let health = app.get("/health").await.expect(200);
    assert_eq!(health.body["status"], "ok");
    let ready = app.get("/ready").await.expect(200);
    assert!(ready.body["checks"].is_object(), "{}", ready.text);
    for service in app.running.services() {
        let (fine, checks) = service.probe.check().await;
        assert!(fine, "{checks:?}");
        assert_eq!(checks.get("database"), Some(&"ok"));
        let probe = service.probe.clone().routes();
        let ask = |path: &str| {
            let request = http::Request::get(path).body(axum::body::Body::empty()).unwrap();
            tower::ServiceExt::oneshot(probe.clone(), request)
        };
        for (path, keys) in [
            ("/", vec!["docs_url", "service", "status", "version"]),
            ("/ready", vec!["checks", "service", "status"]),
        ] {
            let Ok(answer) = ask(path).await;
            assert_eq!(answer.status().as_u16(), 200, "{path}");
            let body =
                http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(crate::ask::keys(&body), keys, "{path}");
        }
        let Ok(metrics) = ask("/metrics").await;
        assert_eq!(metrics.status().as_u16(), 200);
    }
    app.stop().await;
}
