use std::sync::Mutex as Slot;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::Service;
use contracts::client::{Answer, Transport, Unreachable};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::clock::ManualClock;

/// A user service that answers with `set`, or is away, and counts how often it was asked.
#[derive(Default)]
struct Neighbour {
    set: Slot<Option<Value>>,
    asked: Slot<usize>,
}

impl Neighbour {
    fn says(&self, set: impl Into<Option<Value>>) {
        *self.set.lock().unwrap() = set.into();
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Transport for Neighbour {
    async fn get(&self, service: Service, _: &str) -> Result<Answer, Unreachable> {
        assert_eq!(service, Service::User);
        *self.asked.lock().unwrap() += 1;
        // Long enough for others to come meanwhile.
        tokio::task::yield_now().await;
        let set = self.set.lock().unwrap().clone();
        let away = || Unreachable { service: service.name(), reason: "away".to_owned() };
        let body = set.ok_or_else(away)?.to_string();
        Ok(Answer { status: 200, body: body.into() })
    }
}

/// A key whose `x` is made of one byte, and its thumbprint. Nothing is verified with it.
fn key(byte: u8) -> (String, Value) {
    let x = URL_SAFE_NO_PAD.encode([byte; 32]);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
    (kid.clone(), json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA" }))
}

fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

struct Scene {
    neighbour: Arc<Neighbour>,
    clock: Arc<ManualClock>,
    tasks: TaskTracker,
    keys: Arc<Keys>,
}

impl Scene {
    fn new(keys: &[Value]) -> Self {
        let neighbour = Arc::new(Neighbour::default());
        neighbour.says(set(keys));
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (clock, tasks) = (Arc::new(ManualClock::at(start)), TaskTracker::new());
        let clients = Clients::new(Arc::<Neighbour>::clone(&neighbour));
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let keys = Keys::new(clients, time, tasks.clone());
        Self { neighbour, clock, tasks, keys }
    }

    fn later(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    async fn knows(&self, kid: &str) -> Result<bool, Unverifiable> {
        self.keys.find(kid).await.map(|key| key.is_some())
    }

    /// Waits for the fetches behind requests.
    async fn rest(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_at_most_every_two_seconds() {
    let ((one, first), (two, second)) = (key(1), key(2));
    let scene = Scene::new(std::slice::from_ref(&first));
    assert_eq!(scene.knows(&one).await, Ok(true));
    scene.neighbour.says(set(&[second, first]));
    for _ in 0..20 {
        assert_eq!(scene.knows("forged").await, Ok(false));
    }
    assert_eq!((scene.neighbour.asked(), scene.knows(&two).await), (1, Ok(false)));
    scene.later(2);
    assert_eq!(scene.knows(&two).await, Ok(true));
    assert_eq!((scene.knows(&one).await, scene.neighbour.asked()), (Ok(true), 2));
}

#[tokio::test]
async fn stale_keys_are_fetched_once_behind_the_requests() {
    let ((one, first), (_, second)) = (key(1), key(2));
    let scene = Scene::new(&[first]);
    assert_eq!(scene.knows(&one).await, Ok(true));
    scene.neighbour.says(set(&[second]));
    scene.later(29);
    assert_eq!((scene.knows(&one).await, scene.neighbour.asked()), (Ok(true), 1));
    scene.later(1);
    for _ in 0..20 {
        assert_eq!(scene.knows(&one).await, Ok(true), "nobody waits");
    }
    scene.rest().await;
    assert_eq!(scene.neighbour.asked(), 2, "one fetch for all of them");
    assert_eq!(scene.knows(&one).await, Ok(false), "dropped");
}

#[tokio::test]
async fn old_keys_are_not_used_before_newer_ones_were_asked_for() {
    let ((one, first), (_, second)) = (key(1), key(2));
    let scene = Scene::new(&[first]);
    assert_eq!(scene.knows(&one).await, Ok(true));
    scene.neighbour.says(set(&[second]));
    scene.later(3_600);
    let (a, b) = tokio::join!(scene.knows(&one), scene.knows(&one));
    assert_eq!((a, b, scene.neighbour.asked()), (Ok(false), Ok(false), 2));
}

#[tokio::test]
async fn without_the_user_service_its_last_keys_are_used() {
    let (one, first) = key(1);
    let scene = Scene::new(&[first]);
    assert_eq!(scene.knows(&one).await, Ok(true));
    // Away, or answering with something else: both leave what was known.
    for answer in
        [None, Some(json!("keys?")), Some(set(&[])), Some(set(&[json!({ "kty": "OKP" })]))]
    {
        scene.neighbour.says(answer);
        for _ in 0..3 {
            scene.later(3_600);
            assert_eq!(scene.knows(&one).await, Ok(true));
            scene.rest().await;
        }
    }
    scene.neighbour.says(None);
    scene.later(3);
    assert_eq!(scene.knows("other").await, Err(Unverifiable), "neither known nor refused");
    let asked = scene.neighbour.asked();
    assert_eq!((scene.knows("other").await, scene.neighbour.asked()), (Err(Unverifiable), asked));
    // A clock that was set back makes nothing last longer.
    scene.later(-86_400);
    scene.neighbour.says(set(&[key(2).1]));
    assert_eq!(scene.knows(&one).await, Ok(true), "it was away: nobody waits for it");
    scene.rest().await;
    assert_eq!(scene.knows(&one).await, Ok(false));
}

#[tokio::test]
async fn only_ed25519_keys_under_their_own_thumbprint_are_taken() {
    let ((one, first), (two, mut alias)) = (key(1), key(2));
    alias["kid"] = json!("chosen");
    let mut nameless = key(3).1;
    nameless.as_object_mut().unwrap().remove("kid");
    let secret = json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "oct", "alg": "HS256" });
    let scene = Scene::new(&[secret, alias, nameless, first]);
    assert_eq!(scene.knows(&one).await, Ok(true));
    for kid in ["chosen", "oct", "", two.as_str(), key(3).0.as_str()] {
        assert_eq!(scene.knows(kid).await, Ok(false), "{kid}");
    }
}
