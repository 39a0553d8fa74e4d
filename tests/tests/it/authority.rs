//! API keys and platform operators where every service is a process of its own: what is taken back
//! stops everywhere within five seconds, and no secret is left in a log.

use crate::api::Api;
use crate::cluster::{Cluster, command, variable};
use crate::figures::{beside_others, tell};
use crate::world::{PASSWORD, World};
use contracts::Service;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::servers::postgres::{drop_database, fresh_database};
use testkit::servers::service::Finished;
use testkit::wait::until;

/// How long a credential that was taken back may still work anywhere.
const BOUND: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_mins(1);

/// One guarded route of each service.
fn routes(world: &World) -> [String; 4] {
    [
        format!("/tenants/{}/settings", world.tenant),
        format!("/users/{}", world.user),
        format!("/resources/{}", world.resource),
        "/bookings/".to_owned(),
    ]
}

async fn everywhere(api: &Api, world: &World, status: u16) -> bool {
    for path in routes(world) {
        if api.get(&path).await.status != status {
            return false;
        }
    }
    true
}

/// An API key of the world's tenant: its path and itself.
async fn key(api: &Api, world: &World) -> (String, String) {
    let path = format!("/tenants/{}/api-keys", world.tenant);
    let scopes = json!({ "can_manage_users": true });
    let made = api.post(&path, json!({ "name": "Site", "scopes": scopes })).await.expect(201);
    (format!("{path}/{}", made.id()), made.text("key"))
}

/// Asserts that `api` is refused everywhere before the bound is over, and tells how soon it was.
async fn stops(api: &Api, world: &World, what: &str) {
    let began = Instant::now();
    until(BOUND, "it is refused everywhere", async || everywhere(api, world, 401).await).await;
    tell(&format!("revocation: {what} refused by all four services after {:?}", began.elapsed()));
}

#[tokio::test]
async fn a_revoked_key_is_refused_everywhere_within_five_seconds() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let (path, key) = key(&api, &world).await;
    let integration = api.with_token(&key);
    assert!(everywhere(&integration, &world, 200).await, "it works in every service");
    api.call(Method::DELETE, &path, Value::Null).await.expect(204);
    stops(&integration, &world, "a revoked key").await;
    let secret = key.get(12..).unwrap();
    assert!(!cluster.logs().contains(secret), "no key in a service's log");
    assert!(!cluster.nginx.access_log().contains(secret), "nor in the gateway's");
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_everywhere_within_five_seconds() {
    let _beside = beside_others().await;
    let cluster = Cluster::shared().await;
    let api = cluster.api();
    let world = World::dense(&api).await;
    let (_, key) = key(&api, &world).await;
    let integration = api.with_token(&key);
    assert!(everywhere(&integration, &world, 200).await, "it works in every service");
    let email = format!("{}@marca.example", uuid::Uuid::new_v4());
    let done = create(cluster.database(Service::User), &email, &[], Some(PASSWORD));
    assert_eq!(done.code, Some(0), "{}", done.output);
    let platform = uuid::Uuid::nil().to_string();
    let operator = api.login(&platform, &email).await;
    let tenant = format!("/tenants/{}", world.tenant);
    operator.put(&tenant, json!({ "is_active": false })).await.expect(200);
    stops(&integration, &world, "a suspended tenant").await;
    operator.put(&tenant, json!({ "is_active": true })).await.expect(200);
    until(BOUND, "it works again", async || everywhere(&integration, &world, 200).await).await;
    // The operator acts as a user, and stops with the command that switches him off.
    let wanted = json!({ "user_id": world.user, "reason": "chamado 4711" });
    let answer = operator.post("/auth/impersonate", wanted).await.expect(200);
    let disguise = api.with_token(&answer.text("access_token"));
    let seen = disguise.get("/users/me").await.expect(200);
    assert!(!seen.header("x-impersonated-by").is_empty());
    let off = run(cluster.database(Service::User), &["disable-operator", "--email", &email], None);
    assert_eq!(off.code, Some(0), "{}", off.output);
    stops(&disguise, &world, "a disabled operator's disguise").await;
    operator.get(&tenant).await.expect(401);
}

fn run(database: &str, arguments: &[&str], password: Option<&str>) -> Finished {
    let service = Service::User;
    let mut command = command(service).env(&variable(service, "DATABASE_URL"), database);
    if let Some(password) = password {
        command = command.env("OPERATOR_PASSWORD", password);
    }
    let command = arguments.iter().fold(command, |command, argument| command.arg(argument));
    command.finish(LIMIT).expect("it ran")
}

pub(crate) fn create(
    database: &str,
    email: &str,
    more: &[&str],
    password: Option<&str>,
) -> Finished {
    let arguments = ["create-operator", "--email", email, "--name", "Olga"];
    run(database, &[&arguments, more].concat(), password)
}

/// On a database nobody has migrated yet, as on the first day.
#[tokio::test]
async fn operators_are_made_by_command_and_their_passwords_never_shown() {
    let _beside = beside_others().await;
    let database = fresh_database("user").await;
    let made = create(&database, "olga@marca.example", &[], Some(PASSWORD));
    assert_eq!(made.code, Some(0), "{}", made.output);
    assert!(!made.output.contains(PASSWORD), "{}", made.output);
    let generated = create(&database, "otto@marca.example", &["--generate"], None);
    assert_eq!(generated.code, Some(0), "{}", generated.output);
    assert!(generated.output.contains("shown this once"), "{}", generated.output);
    for (email, password, complaint) in [
        ("OLGA@marca.example", Some(PASSWORD), "already"),
        ("eva@marca.example", Some("curta 1"), "password"),
        ("eva@marca.example", Some("sem numero"), "dígito"),
        // Nothing on standard input, and nothing in the environment.
        ("eva@marca.example", None, "OPERATOR_PASSWORD"),
    ] {
        let refused = create(&database, email, &[], password);
        assert_eq!(refused.code, Some(1), "{}", refused.output);
        assert!(refused.output.contains(complaint), "{}", refused.output);
        assert!(password.is_none_or(|password| !refused.output.contains(password)));
    }
    let on_argv = create(&database, "eva@marca.example", &["--password", PASSWORD], None);
    assert_ne!(on_argv.code, Some(0), "a password is no argument");
    let unknown = run(&database, &["disable-operator", "--email", "eva@marca.example"], None);
    assert_eq!(unknown.code, Some(1), "{}", unknown.output);
    drop_database(&database).await;
}
