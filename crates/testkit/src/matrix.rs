//! The authorization matrix: what every documented operation answers to every kind of caller. The
//! statuses are in `matrix/table.txt`, the requests in `matrix/requests.rs`; an operation without a row
//! or without a request fails. It runs against anything that is a [`Front`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use contracts::Service;
use http::Method;
use serde_json::Value;

use crate::app::Answer;
use crate::wait::until;

mod caller;
mod requests;
pub(crate) mod scene;

pub use caller::Caller;
pub use requests::{Request, requests};
pub use scene::{PASSWORD, Scene};

/// The statuses: a row an operation, a column a caller.
const TABLE: &str = include_str!("matrix/table.txt");
/// How long what was taken back may still be good somewhere.
const BOUND: Duration = Duration::from_secs(5);

/// Marca as its clients see it: in the test's process, or behind nginx.
pub trait Front {
    /// Sends JSON, or a calendar file as such; `token` may be empty, `body` null.
    fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> impl Future<Output = Answer>;
    /// Makes a platform operator with this address and [`PASSWORD`].
    fn operator(&self, email: &str) -> impl Future<Output = ()>;
    /// The text of the file that holds the signing key.
    fn signing_key(&self) -> String;
    /// Carries events on where nobody else does.
    fn settle(&self) -> impl Future<Output = ()>;
    /// Today, as the services see it.
    fn today(&self) -> chrono::NaiveDate;
}

/// An operation of a service's specification.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `GET /users/{id}`.
    pub name: String,
    /// What the specification says of it.
    pub spec: Value,
    /// The schemas it may refer to.
    pub schemas: Value,
}

/// Every documented operation, as the services tell.
pub async fn operations(front: &impl Front) -> Vec<Operation> {
    let mut all = Vec::new();
    for service in Service::ALL {
        let path = format!("/api-docs/{}/openapi.json", service.docs());
        let spec = front.ask(Method::GET, &path, "", Value::Null).await.expect(200).body;
        for (path, item) in spec["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let name = format!("{} {path}", method.to_uppercase());
                let schemas = spec["components"]["schemas"].clone();
                all.push(Operation { name, spec: operation.clone(), schemas });
            }
        }
    }
    all
}

/// What is expected of a caller: a status an operation.
fn expected() -> BTreeMap<&'static str, BTreeMap<Caller, u16>> {
    let mut lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let head: Vec<&str> = lines.next().expect("a head").split_whitespace().skip(1).collect();
    let all: Vec<&str> = Caller::ALL.map(Caller::word).to_vec();
    assert_eq!(head, all, "the columns are the callers");
    let mut rows = BTreeMap::new();
    for line in lines {
        let at = line.match_indices(' ').nth(1).map_or(line.len(), |(at, _)| at);
        let (operation, statuses) = line.split_at(at);
        let statuses: Vec<u16> =
            statuses.split_whitespace().map(|word| word.parse().expect(line)).collect();
        assert_eq!(statuses.len(), Caller::ALL.len(), "{line}");
        let row = Caller::ALL.into_iter().zip(statuses).collect();
        assert!(rows.insert(operation, row).is_none(), "two rows: {operation}");
    }
    rows
}

/// Asserts that each of `callers`, in a tenant of its own, is answered as the table says. `domain` is of
/// nobody else.
///
/// # Panics
/// When a status is another one, or the table is not about the documented operations.
pub async fn judge(front: &impl Front, domain: &str, callers: &[Caller]) {
    let expected = expected();
    let documented: BTreeSet<String> =
        operations(front).await.into_iter().map(|operation| operation.name).collect();
    let rows: BTreeSet<String> = expected.keys().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        documented, rows,
        "every operation needs a row in table.txt, every row an operation"
    );
    let mut wrong = String::new();
    for caller in callers {
        let mut scene = Scene::new(front, &format!("{}.{domain}", caller.word())).await;
        let mut found = BTreeSet::new();
        let mut token = scene.caller(front, *caller).await;
        for request in requests(&scene, front.today()) {
            let body = request.body.clone();
            let bearer = token.of(front, request.operation).await;
            let answer = front.ask(request.method(), &request.path(), &bearer, body).await;
            token.done(request.operation, answer.status.as_u16());
            let status = expected.get(request.operation).and_then(|row| row.get(caller)).copied();
            assert!(found.insert(request.operation.to_owned()), "twice: {}", request.operation);
            if status != Some(answer.status.as_u16()) {
                let (at, text) = (request.operation, &answer.text);
                let _ = writeln!(
                    wrong,
                    "{at} by {} not {status:?}: {} {text}",
                    caller.word(),
                    answer.status
                );
            }
            let tells = answer.text.contains("Olga") && *caller != Caller::Operator;
            assert!(!tells, "{}: names an operator: {}", request.operation, answer.text);
        }
        assert_eq!(found, rows, "every operation needs a request in requests.rs");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A token with the claims of `good`, truly signed, that expired a day ago.
fn expired(key: &str, good: &str) -> String {
    let body: String = key.lines().filter(|line| !line.starts_with(['-', '#'])).collect();
    let pair = Ed25519KeyPair::from_pkcs8(&STANDARD.decode(body).expect("PEM")).expect("a key");
    let mut parts = good.split('.');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("claims");
    let mut claims: Value = serde_json::from_slice(&claims).expect("claims");
    for name in ["iat", "nbf", "exp"] {
        if let Some(at) = claims[name].as_i64() {
            claims[name] = (at - 86_400).into();
        }
    }
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Waits until every service refuses a token.
async fn refused(front: &impl Front, scene: &Scene, token: &str) {
    let tenant = format!("/tenants/{}/settings", scene.tenant);
    until(BOUND, "the token is refused everywhere", async || {
        front.settle().await;
        for path in [tenant.as_str(), "/users/me", "/resources/", "/bookings/"] {
            let answer = front.ask(Method::GET, path, token, Value::Null).await;
            if answer.status.as_u16() != 401 {
                return false;
            }
        }
        true
    })
    .await;
}
