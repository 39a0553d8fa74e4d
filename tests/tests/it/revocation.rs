//! How soon what is taken away is gone in every service, each a process of its own: with Redis, which
//! carries the events, and without, when every service forgets what it knows twice a second.

use crate::api::Api;
use crate::cluster::{Cluster, Options};
use crate::figures::{beside_others, tell};
use crate::world::{PASSWORD, domain, tenant};
use contracts::Service;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::servers::redis::Persistence;
use testkit::wait::until;

/// Later than this nothing that was taken away may count.
const LIMIT: Duration = Duration::from_secs(5);

/// What is taken away, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    UserDeactivated,
    UserDeleted,
    AdminNoMore,
    SessionEnded,
    TenantDeactivated,
    TenantDeleted,
}

const CAUSES: [Cause; 6] = [
    Cause::UserDeactivated,
    Cause::UserDeleted,
    Cause::AdminNoMore,
    Cause::SessionEnded,
    Cause::TenantDeactivated,
    Cause::TenantDeleted,
];

/// A tenant with two admins: one loses what the other takes away.
struct Scene {
    tenant: String,
    boss: Api,
    id: String,
    other: Api,
}

impl Scene {
    async fn new(api: &Api) -> Self {
        let made = api.post("/tenants/", tenant(&domain(), &json!({}))).await.expect(201);
        let tenant = made.id();
        let person = |name: &str| {
            json!({
                "tenant_id": tenant, "name": name, "email": format!("{name}@revoga.example"),
                "user_type": "admin", "password": PASSWORD,
            })
        };
        api.post("/users/", person("ana")).await.expect(201);
        let boss = api.login(&tenant, "ana@revoga.example").await;
        let id = boss.post("/users/", person("rui")).await.expect(201).id();
        let other = api.login(&tenant, "rui@revoga.example").await;
        Self { tenant, boss, id, other }
    }

    async fn take_away(&self, cause: Cause) {
        let user = format!("/users/{}", self.id);
        let tenant = format!("/tenants/{}", self.tenant);
        match cause {
            Cause::UserDeactivated => {
                self.boss.put(&user, json!({ "is_active": false })).await.expect(200)
            }
            Cause::UserDeleted => self.boss.delete(&user).await.expect(204),
            Cause::AdminNoMore => {
                self.boss.put(&user, json!({ "user_type": "user" })).await.expect(200)
            }
            Cause::SessionEnded => self.other.post("/auth/logout", Value::Null).await.expect(204),
            Cause::TenantDeactivated => {
                self.boss.put(&tenant, json!({ "is_active": false })).await.expect(200)
            }
            Cause::TenantDeleted => self.boss.delete(&tenant).await.expect(204),
        };
    }

    /// Asks a service for what an admin alone may.
    async fn asks(&self, cluster: &Cluster, service: Service) -> u16 {
        let api = self.other.at(cluster.process(service).url());
        let reply = match service {
            Service::Tenant => {
                let path = format!("/tenants/{}/settings", self.tenant);
                api.put(&path, json!({ "business_type": "academia" })).await
            }
            Service::User => api.get("/users/").await,
            Service::Resource => {
                let body = json!({ "tenant_id": self.tenant, "name": "x", "type": "fisico" });
                api.post("/categories/", body).await
            }
            // An admin is told that there is no such resource, others nothing.
            Service::Booking => {
                let body = json!({
                    "tenant_id": self.tenant, "resource_id": self.tenant, "user_id": self.tenant,
                    "start_time": "2099-01-01T10:00:00Z", "end_time": "2099-01-01T11:00:00Z",
                });
                api.post("/bookings/", body).await
            }
        };
        reply.status
    }
}

/// The longest that any service went on after each cause.
async fn measure(cluster: &Cluster, how: &str) {
    let api = cluster.api();
    for cause in CAUSES {
        let scene = Scene::new(&api).await;
        for service in Service::ALL {
            let status = scene.asks(cluster, service).await;
            assert!(!matches!(status, 401 | 403 | 503), "{service:?} before: {status}");
        }
        scene.take_away(cause).await;
        let done = Instant::now();
        let expected = if cause == Cause::AdminNoMore { 403 } else { 401 };
        let mut gone = BTreeMap::new();
        until(LIMIT, &format!("{cause:?} has taken effect"), async || {
            for service in Service::ALL {
                if !gone.contains_key(&service) && scene.asks(cluster, service).await == expected {
                    gone.insert(service, done.elapsed());
                }
            }
            gone.len() == Service::ALL.len()
        })
        .await;
        let longest = gone.values().max().copied().unwrap_or_default();
        tell(&format!("revocation {how}: {cause:?} everywhere after {} ms", longest.as_millis()));
        assert!(longest <= LIMIT, "{cause:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_away_is_gone_everywhere_within_five_seconds() {
    let _beside = beside_others().await;
    let cluster = Cluster::start(Options { auth: "required", ..Options::default() }).await;
    measure(&cluster, "with Redis").await;
    cluster.assert_no_errors();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_it_is_gone_within_five_seconds_too() {
    let _beside = beside_others().await;
    let options =
        Options { auth: "required", persistence: Persistence::None, ..Options::default() };
    let mut cluster = Cluster::start(options).await;
    cluster.redis.kill();
    measure(&cluster, "without Redis").await;
    cluster.assert_no_errors();
}
