//! Signing keys rotated under load: the services are processes of their own, and none is restarted.

use crate::api::Api;
use crate::cluster::{Cluster, Options, command};
use crate::figures::{beside_others, tell};
use crate::world::{PASSWORD, SLOTS, Slot, World, person};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::Service;
use serde_json::json;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use testkit::wait::until;
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_mins(1);

/// Runs `marca-user keys …` on the folder of the cluster; its lines.
fn keys(cluster: &Cluster, arguments: &[&str]) -> Vec<String> {
    let command = command(Service::User).env("DATA_DIR", cluster.data()).arg("keys");
    let command = arguments.iter().fold(command, |command, argument| command.arg(argument));
    let done = command.finish(LIMIT).expect("it ran");
    assert_eq!(done.code, Some(0), "{}", done.output);
    done.output.lines().map(str::to_owned).collect()
}

/// The key that a rotation says it has made.
fn made(lines: &[String]) -> String {
    let fresh = lines.iter().find_map(|line| line.strip_suffix(" new"));
    fresh.unwrap_or_else(|| panic!("{lines:?}")).to_owned()
}

/// The names of the published keys.
async fn published(api: &Api) -> Vec<String> {
    let answer = api.get("/auth/.well-known/jwks.json").await.expect(200);
    let keys = answer.body["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Who signs in again and again.
struct Person {
    api: Api,
    tenant: String,
    email: String,
}

impl Person {
    async fn token(&self) -> String {
        let body = json!({ "email": self.email, "password": PASSWORD, "tenant_id": self.tenant });
        self.api.post("/users/login", body).await.expect(200).text("access_token")
    }
}

/// How each service answers to a token: its own guarded route.
async fn asked(api: &Api, tenant: &str, token: &str) -> Vec<u16> {
    let api = api.with_token(token);
    let settings = format!("/tenants/{tenant}/settings");
    let mut told = Vec::new();
    for path in [settings.as_str(), "/users/me", "/resources/", "/bookings/"] {
        told.push(api.get(path).await.status);
    }
    told
}

/// Books slot after slot, with the newest token every time, and tells what was not 201.
async fn book(
    api: Api,
    world: World,
    token: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    while !stop.load(Ordering::SeqCst) {
        let token = token.lock().unwrap().clone();
        let day = 2 + u64::try_from(count / SLOTS).expect("small");
        let reply = world.book(&api.with_token(&token), Slot::of(day, count % SLOTS)).await;
        if reply.status != 201 {
            wrong.push(format!("{}: {}", reply.status, reply.body));
        }
        count += 1;
    }
    (count, wrong)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_while_bookings_run() {
    let _beside = beside_others().await;
    let cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let mut world = World::dense(&api).await;
    let body = person(&world.tenant, "user");
    let email = body["email"].as_str().unwrap().to_owned();
    world.user = api.post("/users/", body).await.expect(201).id();
    let person = Person { api: api.clone(), tenant: world.tenant.clone(), email };
    let old = person.token().await;
    let current = Arc::new(Mutex::new(old.clone()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut bookers = JoinSet::new();
    for _ in 0..3 {
        let world = world.of_resource(&world.another_resource(&api).await);
        bookers.spawn(book(api.clone(), world, Arc::clone(&current), Arc::clone(&stop)));
    }

    let first = published(&api).await;
    let began = Instant::now();
    let new = made(&keys(&cluster, &["rotate"]));
    until(Duration::from_secs(10), "the new key is published", async || {
        published(&api).await == [new.as_str(), first[0].as_str()]
    })
    .await;
    let seen = began.elapsed();
    until(Duration::from_secs(30), "the new key signs", async || {
        let token = person.token().await;
        // Whatever key it names, every service takes it, and still the first one.
        assert_eq!(asked(&api, &world.tenant, &token).await, [200; 4]);
        assert_eq!(asked(&api, &world.tenant, &old).await, [200; 4]);
        current.lock().unwrap().clone_from(&token);
        kid(&token) == new
    })
    .await;
    let signs = began.elapsed();
    stop.store(true, Ordering::SeqCst);
    let mut booked = 0;
    for (count, wrong) in bookers.join_all().await {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        booked += count;
    }
    assert!(booked > 20, "{booked} bookings");

    let dropped = Instant::now();
    let last = made(&keys(&cluster, &["rotate", "--drop-old"]));
    until(LIMIT, "tokens of the dropped keys are refused everywhere", async || {
        asked(&api, &world.tenant, &old).await == [401; 4]
    })
    .await;
    let gone = dropped.elapsed();
    assert!(gone < Duration::from_secs(45), "{gone:?}");
    let token = person.token().await;
    assert_eq!((kid(&token), published(&api).await), (last.clone(), vec![last]));
    assert_eq!(asked(&api, &world.tenant, &token).await, [200; 4]);
    cluster.assert_no_errors();
    tell(&format!(
        "keys: published {:.1} s after the rotation, signs after {:.1} s, {booked} bookings and no 401 \
         meanwhile; dropped keys refused everywhere after {:.1} s",
        seen.as_secs_f64(),
        signs.as_secs_f64(),
        gone.as_secs_f64()
    ));
}

/// The key a token names.
fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
