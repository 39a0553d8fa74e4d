//! A service is away, or hangs: what the others answer, and how soon.

use crate::api::{Api, Reply};
use crate::cluster::{Cluster, Options};
use crate::figures::{Spread, beside_others, tell};
use crate::world::{SLOTS, Slot, World, free, person, resource};
use contracts::Service;
use serde_json::json;
use std::time::Duration;
use testkit::wait::until;

/// The contract's limit for any answer.
const LIMIT: Duration = Duration::from_secs(3);

/// How a neighbour fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Killed: connections are refused.
    Down,
    /// Stopped: connections are accepted by the kernel and nothing answers.
    Hung,
}

struct Scene {
    cluster: Cluster,
    api: Api,
    /// A tenant that every service has served.
    known: World,
    took: Spread,
    slot: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_that_are_down() {
    run(Fault::Down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_that_hang() {
    run(Fault::Hung).await;
}

async fn run(fault: Fault) {
    let _beside = beside_others().await;
    let cluster = Cluster::start(Options::default()).await;
    let api = cluster.api();
    let known = World::dense(&api).await;
    let mut scene = Scene { cluster, api, known, took: Spread::default(), slot: 0 };
    scene.book(&scene.known.clone()).await.expect(201);
    scene.known.availability(&scene.api, 3).await.expect(200);
    scene.without_tenants(fault).await;
    scene.without_users(fault).await;
    scene.without_resources(fault).await;
    scene.without_bookings(fault).await;
    tell(&format!("neighbours {fault:?}: answers {}", scene.took));
    scene.cluster.assert_no_errors();
}

impl Scene {
    fn stop(&mut self, service: Service, fault: Fault) {
        match fault {
            Fault::Down => self.cluster.process_mut(service).kill(),
            Fault::Hung => self.cluster.process(service).pause(),
        }
    }

    /// Brings it back, and waits until the others have noticed.
    async fn revive(&mut self, service: Service, fault: Fault) {
        match fault {
            Fault::Down => self.cluster.process_mut(service).restart().expect("restarted"),
            Fault::Hung => self.cluster.process(service).resume(),
        }
        let (api, known) = (&self.api, &self.known);
        until(Duration::from_secs(10), "everything is as before", async || {
            let user = api.post("/users/", person(&known.tenant, "user")).await;
            let other = api.post("/resources/", resource(&known.tenant, &known.category)).await;
            if (user.status, other.status) != (201, 201) {
                return false;
            }
            let world = World { user: user.id(), resource: other.id(), ..known.clone() };
            let booked = world.book(api, Slot::of(5, 0)).await;
            let free = world.availability(api, 5).await;
            (booked.status, free.status) == (201, 200)
        })
        .await;
    }

    async fn book(&mut self, world: &World) -> Reply {
        self.slot += 1;
        let reply = world.book(&self.api, Slot::of(3, self.slot)).await;
        self.noted(reply)
    }

    /// Every answer comes in time.
    fn noted(&mut self, reply: Reply) -> Reply {
        assert!(reply.took < LIMIT, "{:?}: {}", reply.took, reply.body);
        self.took.add(reply.took);
        reply
    }

    async fn availability(&mut self, world: &World, day: u64) -> Reply {
        let reply = world.availability(&self.api, day).await;
        self.noted(reply)
    }

    async fn without_tenants(&mut self, fault: Fault) {
        let known = self.known.clone();
        // Made while it was there, but the services that decide shall not have heard of it.
        let unseen = World::dense(&self.api).await;
        for service in [Service::Booking, Service::Resource] {
            let sql = self.cluster.sql(service).await;
            let forget =
                format!("DELETE FROM settings_snapshot WHERE tenant_id = '{}'", unseen.tenant);
            sql.run(&forget).await;
        }
        self.stop(Service::Tenant, fault);
        // The near caches go with the processes; what is left is the last known of `known`.
        for service in [Service::Booking, Service::Resource] {
            self.cluster.process_mut(service).restart().expect("restarted");
        }
        self.api = self.cluster.api();
        // nginx leaves a server alone for two seconds after it failed to answer.
        let api = self.api.clone();
        until(Duration::from_secs(10), "the gateway has noticed", async || {
            api.get(&format!("/bookings/?tenant_id={}", known.tenant)).await.status == 200
                && api.get(&format!("/resources/?tenant_id={}", known.tenant)).await.status == 200
        })
        .await;
        for _ in 0..4 {
            self.book(&known).await.expect(201);
            let told = self.availability(&known, 4).await.expect(200);
            assert_eq!(told.body.get("settings_source"), None, "the last known rules are used");
            assert_eq!(free(&told).len(), SLOTS);
            let refused = self.book(&unseen).await.expect(503);
            assert_eq!(refused.error(), "settings_unavailable");
            let told = self.availability(&unseen, 4).await.expect(200);
            assert_eq!(told.body["settings_source"], "default");
            assert_eq!(told.header("cache-control"), "no-store");
            // 08:00 to 18:00 every half hour.
            assert_eq!(free(&told).len(), 20);
        }
        let made =
            self.api.post("/users/", person(&uuid::Uuid::new_v4().to_string(), "user")).await;
        let made = self.noted(made).expect(503);
        made.error();
        self.revive(Service::Tenant, fault).await;
        let api = self.api.clone();
        until(Duration::from_secs(10), "its own rules again", async || {
            unseen.availability(&api, 4).await.body.get("settings_source").is_none()
        })
        .await;
        self.book(&unseen).await.expect(201);
    }

    async fn without_users(&mut self, fault: Fault) {
        let known = self.known.clone();
        let (seen, unseen) = (person(&known.tenant, "user"), person(&known.tenant, "user"));
        let email = seen["email"].as_str().unwrap().to_owned();
        self.api.post("/users/", seen).await.expect(201);
        let member = self.api.login(&known.tenant, &email).await;
        member.get(&format!("/resources/{}", known.resource)).await.expect(200);
        let stranger = self.api.post("/users/", unseen).await.expect(201).id();
        let stranger = World { user: stranger, ..known.clone() };
        self.stop(Service::User, fault);
        for _ in 0..3 {
            let refused = self.book(&stranger).await.expect(503);
            assert_eq!(refused.error(), "unavailable");
            // Whom it knows it goes on serving.
            self.book(&known).await.expect(201);
            let read = member.get(&format!("/resources/{}", known.resource)).await;
            self.noted(read).expect(200);
        }
        let count = format!("SELECT count(*) FROM booking WHERE user_id = '{}'", stranger.user);
        let sql = self.cluster.sql(Service::Booking).await;
        assert_eq!(sql.number(&count).await, 0, "nothing written");
        self.revive(Service::User, fault).await;
        self.book(&stranger).await.expect(201);
    }

    async fn without_resources(&mut self, fault: Fault) {
        let known = self.known.clone();
        let unseen = known.of_resource(&known.another_resource(&self.api).await);
        self.stop(Service::Resource, fault);
        for _ in 0..3 {
            let refused = self.book(&unseen).await.expect(503);
            assert_eq!(refused.error(), "unavailable");
            self.book(&known).await.expect(201);
        }
        let sql = self.cluster.sql(Service::Booking).await;
        let count =
            format!("SELECT count(*) FROM booking WHERE resource_id = '{}'", unseen.resource);
        assert_eq!(sql.number(&count).await, 0, "nothing written");
        self.revive(Service::Resource, fault).await;
        self.book(&unseen).await.expect(201);
    }

    async fn without_bookings(&mut self, fault: Fault) {
        let known = self.known.clone();
        let cached = self.availability(&known, 6).await.expect(200);
        self.stop(Service::Booking, fault);
        for day in 20..24 {
            let refused = self.availability(&known, day).await.expect(503);
            assert_eq!(refused.error(), "unavailable");
        }
        // What is fresh in the cache may be told.
        let told = self.availability(&known, 6).await;
        assert!(told.status == 503 || free(&told) == free(&cached), "{}", told.body);
        let path = format!("/resources/{}", known.resource);
        let edited = self.api.put(&path, json!({ "location": "2" })).await;
        self.noted(edited).expect(200);
        self.revive(Service::Booking, fault).await;
        self.availability(&known, 20).await.expect(200);
    }
}
