//! The sweep: every id of a tenant, from its own lists, in every place that takes one, by another
//! tenant's admin and API key. Each answer has to be the one that an id of nobody gets, so that it
//! neither tells nor takes longer; nothing of the first tenant may show, and nothing may change.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::Answer;
use crate::matrix::scene::permissions;
use crate::matrix::{Front, Operation, Request, Scene, operations, requests};

/// In the name of everything that is not to be seen.
const MARK: &str = "Zyqx";
/// They look at no token: whoever knows a tenant's id may try to sign in or register there.
const NO_TOKEN: [&str; 3] = ["POST /users/login", "POST /auth/register", "POST /auth/token"];
/// Everyone may see a tenant, so that its id is known to exist.
const PUBLIC: &str = "GET /tenants/{id}";

/// Whatever the caller's own system calls its clients: nothing is looked up by it.
const OPAQUE: &str = "client_id";

/// Everything a tenant's lists hold, by path.
type Lists = BTreeMap<String, Vec<Value>>;

/// One request with an id of somebody else's in it.
struct Attempt {
    operation: String,
    method: Method,
    path: String,
    body: Value,
}

/// Who tries, and whose ids.
struct Sweep<'a, F> {
    front: &'a F,
    operations: Vec<Operation>,
    /// Whose ids they are.
    tenant: String,
    ids: BTreeSet<String>,
    /// The requests of the tenant that tries.
    own: Vec<Request>,
    wrong: String,
    tried: usize,
}

/// Sweeps with two tenants under `domain`, which is of nobody else.
///
/// # Panics
/// When anything leaks, differs or has changed.
pub async fn sweep(front: &impl Front, domain: &str) {
    let operations = operations(front).await;
    let victim = marked(front, &format!("a.{domain}")).await;
    let thief = Scene::new(front, &format!("b.{domain}")).await;
    let (_, key) = thief.key(front, permissions()).await;
    front.settle().await;
    let before = lists(front, &operations, &victim).await;
    let own_before = lists(front, &operations, &thief).await;
    let mut found = BTreeSet::from([victim.tenant.clone()]);
    before.values().flatten().for_each(|row| ids(row, &mut found));
    let own = requests(&thief, front.today());
    let tenant = victim.tenant.clone();
    let (ids, wrong) = (found, String::new());
    let mut sweep = Sweep { front, operations, tenant, ids, own, wrong, tried: 0 };
    assert!(sweep.ids.len() >= 15, "two of everything: {:?}", sweep.ids);
    for (name, token) in [("admin", &thief.admin_token), ("key", &key)] {
        sweep.everything(name, token).await;
    }
    assert!(sweep.wrong.is_empty(), "{}", sweep.wrong);
    assert!(sweep.tried > 500, "{}", sweep.tried);
    front.settle().await;
    let after = lists(front, &sweep.operations, &victim).await;
    assert_eq!(after, before, "nothing of the tenant's has changed");
    let own_after = lists(front, &sweep.operations, &thief).await;
    assert_eq!(own_after, own_before, "and nothing was done at home");
}

/// A tenant with two of everything, all of it marked.
async fn marked(front: &impl Front, domain: &str) -> Scene {
    let scene = Scene::new(front, domain).await;
    let keys = format!("/tenants/{}/api-keys", scene.tenant);
    for (at, days) in [(1, 4), (2, 5)] {
        let name = format!("{MARK} {at}");
        scene.make_category(front, &name).await;
        scene.make_resource(front, &name).await;
        scene.make_booking(front, days, &name).await;
        scene.make_exception(front, days + 20, &name).await;
        let person = json!({
            "tenant_id": scene.tenant, "name": name, "email": format!("{MARK}{at}@{domain}"),
            "user_type": "user",
        });
        scene.make(front, "/users/", person).await;
        scene.make(front, &keys, json!({ "name": name, "scopes": {} })).await;
    }
    scene
}

/// Every list there is, page by page, as the tenant's admin sees it.
async fn lists(front: &impl Front, operations: &[Operation], scene: &Scene) -> Lists {
    let mut all = Lists::new();
    for operation in operations {
        let answer = &operation.spec["responses"]["200"]["content"]["application/json"]["schema"];
        // The list of tenants is everybody's.
        if answer["type"] != "array" || operation.name == "GET /tenants/" {
            continue;
        }
        let below = operation.name.starts_with("GET /bookings/{id}/");
        let whole = if below { &scene.linked[0] } else { &scene.tenant };
        let path = operation.name.trim_start_matches("GET ").replace("{id}", whole);
        let mut next = format!("{path}?limit=2&count=true");
        let mut rows = Vec::new();
        loop {
            let page = front.ask(Method::GET, &next, &scene.admin_token, Value::Null).await;
            let page = page.expect(200);
            rows.push(json!({ "x-total-count": page.header("x-total-count") }));
            rows.extend(page.body.as_array().expect("a list").iter().map(lasting));
            let Some(link) = page.header("link").split_once(">; rel=\"next\"") else { break };
            let (_, query) = link.0.rsplit_once('?').expect("a query");
            next = format!("{path}?{query}");
        }
        assert!(rows.len() >= 2, "{path} is empty");
        all.insert(path, rows);
    }
    assert!(all.len() >= 6, "{all:?}");
    all
}

/// A row without what changes by being looked at.
fn lasting(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("last_"));
    }
    row
}

/// Every id in it.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() == 36 && Uuid::try_parse(text).is_ok() => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| ids(field, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl<F: Front> Sweep<'_, F> {
    async fn everything(&mut self, caller: &str, token: &str) {
        let nobodys = Uuid::new_v4().to_string();
        for operation in self.operations.clone() {
            if NO_TOKEN.contains(&operation.name.as_str()) {
                continue;
            }
            let mut expected = Vec::new();
            for attempt in self.attempts(&operation, &nobodys) {
                expected.push(shape(&self.send(&attempt, token).await, &nobodys));
            }
            for id in self.ids.clone() {
                for (attempt, expected) in self.attempts(&operation, &id).iter().zip(&expected) {
                    let answer = self.send(attempt, token).await;
                    self.judge(caller, attempt, &answer, &id, expected);
                }
            }
        }
    }

    async fn send(&self, attempt: &Attempt, token: &str) -> Answer {
        let Attempt { method, path, body, .. } = attempt;
        self.front.ask(method.clone(), path, token, body.clone()).await
    }

    /// The places of an operation that take an id, with this one in it.
    fn attempts(&self, operation: &Operation, id: &str) -> Vec<Attempt> {
        let own = self.own.iter().find(|request| request.operation == operation.name);
        let own = own.expect("a request for every operation");
        let attempt = |request: &Request| Attempt {
            operation: operation.name.clone(),
            method: request.method(),
            path: request.path(),
            body: request.body.clone(),
        };
        let mut all = Vec::new();
        for place in 0..own.ids.len() {
            let mut request = own.clone();
            id.clone_into(&mut request.ids[place]);
            all.push(attempt(&request));
            if place > 0 {
                request.ids[0].clone_from(&self.tenant);
                all.push(attempt(&request));
            }
        }
        let parameters = operation.spec["parameters"].as_array().into_iter().flatten();
        let names =
            parameters.filter(|it| it["in"] == "query").filter_map(|it| it["name"].as_str());
        for name in names.filter(|name| name.ends_with("_id")) {
            let query = format!("?{name}={id}&count=true");
            all.push(attempt(&Request { query, ..own.clone() }));
        }
        let fields = operation.body_fields().into_iter();
        for name in fields.filter(|name| name.ends_with("_id") && *name != OPAQUE) {
            let mut request = own.clone();
            request.body[name] = json!(id);
            all.push(attempt(&request));
        }
        all
    }

    fn judge(&mut self, caller: &str, attempt: &Attempt, answer: &Answer, id: &str, as_of: &str) {
        self.tried += 1;
        let (status, shape) = (answer.status.as_u16(), shape(answer, id));
        let asked = format!("{} {}", attempt.path, attempt.body);
        let shown = format!("{:?} {}", answer.headers, answer.text);
        let mine = |id: &&String| !asked.contains(id.as_str()) && shown.contains(id.as_str());
        let leak = shown.contains(MARK) || self.ids.iter().any(|id| mine(&id));
        // That a tenant exists is public: only what it answers for that tells nothing more.
        let known = asked.contains(&self.tenant);
        let public = known && attempt.operation == PUBLIC;
        let refused = matches!(status, 403 | 404);
        let same = shape == as_of;
        if leak || !(public || same || (known && refused)) {
            let Attempt { operation, path, body, .. } = attempt;
            let _ = writeln!(
                self.wrong,
                "{operation} by {caller}: {path} {body}: {shape}, not {as_of}, leak: {leak}"
            );
        }
    }
}

impl Operation {
    /// The names of the fields its body may have.
    fn body_fields(&self) -> Vec<&str> {
        let content = &self.spec["requestBody"]["content"]["application/json"];
        let reference = content["schema"]["$ref"].as_str().unwrap_or_default();
        let schema = &self.schemas[reference.rsplit('/').next().unwrap_or_default()];
        let fields = schema["properties"].as_object().into_iter().flatten();
        fields.map(|(name, _)| name.as_str()).collect()
    }
}

/// What may not differ: status, body but for the request's own number, the names of the headers, and the
/// values of those that could tell something.
fn shape(answer: &Answer, id: &str) -> String {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("trace_id");
    }
    let names: BTreeSet<&str> = answer.headers.keys().map(http::HeaderName::as_str).collect();
    let told = ["content-type", "content-length", "x-total-count", "cache-control", "link"]
        .map(|name| answer.header(name));
    format!("{} {body} {names:?} {told:?}", answer.status).replace(id, "ID")
}
