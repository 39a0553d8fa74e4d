//! Fifty writers, one slot, two booking processes, one Postgres.

use crate::api::{Api, Reply};
use crate::cluster::{Cluster, Options};
use crate::figures::{Spread, alone, tell};
use crate::sql::Sql;
use crate::world::{Slot, World};
use contracts::Service;
use reqwest::Method;
use std::sync::Arc;
use std::time::Duration;
use testkit::servers::postgres::Durability;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const ROUNDS: u64 = 20;
const WRITERS: usize = 50;
/// Postgres looks for deadlocks after a second: whoever waits that long met one, or nearly.
const STALL: Duration = Duration::from_secs(1);

/// What one writer does.
struct Writer {
    api: Api,
    method: Method,
    path: String,
    body: serde_json::Value,
    /// Asks for something else first: a PUT takes longer than a POST and would never win.
    late: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_of_fifty_writers_gets_the_slot() {
    let _alone = alone().await;
    let options = Options { bookings: 2, postgres: Some(Durability::Full), ..Options::default() };
    let cluster = Cluster::start(options).await;
    let sql = cluster.sql(Service::Booking).await;
    sql.run("ALTER SYSTEM SET log_lock_waits = on").await;
    sql.run("SELECT pg_reload_conf()").await;
    let mut race = Race::prepare(&cluster).await;
    // Every round of every heat is judged. A stall is a request of a second or more while Postgres
    // saw somebody wait that long for a lock; the best heat counts, for somebody else may need the
    // machine just now.
    let log = || cluster.postgres.as_ref().unwrap().process().log_text();
    let waits = || log().lines().filter(|line| line.contains("still waiting for")).count();
    let mut stalled = true;
    for heat in 0..3 {
        if stalled {
            let before = waits();
            let slowest = race.heat(&sql, 10 + 30 * heat).await;
            stalled = slowest >= STALL && waits() > before;
        }
    }
    assert!(!stalled, "a stall in every heat");
    // Twice: the counters of a busy server are up to a second old, its log is not.
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(sql.number(deadlocks).await, 0);
    for sign in ["deadlock detected", "avoided deadlock"] {
        assert!(!log().contains(sign), "{sign}");
    }
    tell(&format!("race: 0 deadlocks, {} waits for a lock of a second or more", waits()));
    cluster.settled(Duration::from_secs(20)).await;
    sql.assert_bookings_match_outbox().await;
    let days: Vec<u64> = (10..10 + ROUNDS).collect();
    race.world.assert_availability(&cluster.api(), &sql, &days).await;
    cluster.assert_no_errors();
}

struct Race {
    world: World,
    /// The gateway and both processes.
    doors: [Api; 3],
    /// Bookings elsewhere, to be moved onto the slot.
    movers: Vec<String>,
    /// Where the next mover comes from: every second one from another resource.
    homes: [World; 2],
}

impl Race {
    async fn prepare(cluster: &Cluster) -> Self {
        let api = cluster.api();
        let world = World::dense(&api).await;
        let other = world.of_resource(&world.another_resource(&api).await);
        let doors =
            [api.clone(), api.at(cluster.bookings[0].url()), api.at(cluster.bookings[1].url())];
        let homes = [world.clone(), other];
        let mut race = Self { world, doors, movers: Vec::new(), homes };
        for index in 0..WRITERS / 2 {
            let id = race.mover(index, 200).await;
            race.movers.push(id);
        }
        race
    }

    /// Twenty rounds on the days from `day` on; how long the slowest answer took.
    async fn heat(&mut self, sql: &Sql, day: u64) -> Duration {
        let (mut won_by_put, mut posts, mut puts) = (0, Spread::default(), Spread::default());
        for round in 0..ROUNDS {
            let slot = Slot::of(day + round, 40);
            let replies = self.run(slot, round).await;
            for (index, reply) in &replies {
                if index.is_multiple_of(2) { &mut posts } else { &mut puts }.add(reply.took);
            }
            won_by_put += u32::from(self.judge(sql, slot, day + round, &replies).await);
        }
        tell(&format!(
            "race: {ROUNDS} rounds × {WRITERS} writers on two processes, {won_by_put} won by a PUT; \
             POST {posts}; PUT {puts}"
        ));
        assert!(won_by_put > 0, "no PUT ever won: the race is not one");
        posts.max().max(puts.max())
    }

    async fn mover(&self, index: usize, day: u64) -> String {
        let slot = Slot::of(day, index * 2);
        self.homes[index % 2].book(&self.doors[0], slot).await.expect(201).id()
    }

    /// Writers by turns: new bookings and moved ones; in every second round half want more.
    fn writer(&self, index: usize, slot: Slot, round: u64) -> Writer {
        let slot = if round % 2 == 1 && index % 4 < 2 { slot.long(2) } else { slot };
        let api = self.doors[(index / 2) % 3].clone();
        let body = self.world.booking(slot);
        if index.is_multiple_of(2) {
            let (method, path) = (Method::POST, "/bookings/".to_owned());
            return Writer { api, method, path, body, late: round % 3 == 2 };
        }
        let path = format!("/bookings/{}", self.movers[index / 2]);
        let body = serde_json::json!({
            "resource_id": body["resource_id"], "start_time": body["start_time"],
            "end_time": body["end_time"],
        });
        Writer { api, method: Method::PUT, path, body, late: false }
    }

    async fn run(&self, slot: Slot, round: u64) -> Vec<(usize, Reply)> {
        let start = Arc::new(Barrier::new(WRITERS));
        let mut writers = JoinSet::new();
        for index in 0..WRITERS {
            let (writer, start) = (self.writer(index, slot, round), Arc::clone(&start));
            writers.spawn(async move {
                start.wait().await;
                if writer.late {
                    for _ in 0..3 {
                        writer.api.get("/bookings/?limit=100").await.expect(200);
                    }
                }
                (index, writer.api.call(writer.method, &writer.path, writer.body).await)
            });
        }
        writers.join_all().await
    }

    /// True if a PUT won.
    async fn judge(
        &mut self,
        sql: &Sql,
        slot: Slot,
        round: u64,
        replies: &[(usize, Reply)],
    ) -> bool {
        let won = |reply: &Reply| matches!(reply.status, 200 | 201);
        let winners: Vec<&(usize, Reply)> =
            replies.iter().filter(|(_, reply)| won(reply)).collect();
        let statuses: Vec<u16> = replies.iter().map(|(_, reply)| reply.status).collect();
        assert_eq!(winners.len(), 1, "round {round}: {statuses:?}");
        let (index, winner) = winners[0];
        for (_, loser) in replies.iter().filter(|(_, reply)| !won(reply)) {
            assert_eq!(loser.status, 409, "round {round}: {}", loser.body);
            assert_eq!(loser.error(), "conflict");
            let conflicts = loser.body["conflicts"].as_array().unwrap();
            assert!(!conflicts.is_empty(), "round {round}: no conflicts named");
            for conflict in conflicts {
                assert_eq!(conflict["booking_id"], winner.body["id"], "round {round}");
            }
        }
        let stored = format!(
            "SELECT count(*) FROM booking WHERE resource_id = '{}'
             AND status IN ('pendente','confirmado') AND start_time < '{}' AND end_time > '{}'",
            self.world.resource,
            slot.long(2).end_text(),
            slot.start_text()
        );
        assert_eq!(sql.number(&stored).await, 1, "round {round}");
        if index.is_multiple_of(2) {
            return false;
        }
        self.movers[index / 2] = self.mover(index / 2, 201 + round).await;
        true
    }
}
