//! Shared capacity under a race: 64 writers over overlapping, different intervals and quantities, who
//! book, move, cancel and come back. At no instant more than the capacity, and the counters are the sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use common::db::Scope;
use contracts::Service;
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use serde_json::{Value, json};
use testkit::app::TestApp;
use tokio::task::JoinSet;

use crate::ask::well_refused;
use crate::capacity::{resize, share, take};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    sixty_four_writers_never_exceed_the_capacity,
    the_sums_follow_every_change,
    a_day_of_thousands_of_bookings_is_told_whole,
);

const WRITERS: u64 = 64;
const CAPACITY: u32 = 10;

/// A small generator, so that a run can be told by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What is claimed or counted: from, to, how much.
type Stretch = (DateTime<Utc>, DateTime<Utc>, i64);

async fn rows(app: &TestApp, sql: &str) -> Vec<QueryResult> {
    let found = app.running.services().iter().find(|found| found.name == Service::Booking);
    let conn = found.unwrap().database.read(Scope::All);
    let statement = Statement::from_string(conn.get_database_backend(), sql);
    conn.query_all_raw(statement).await.unwrap()
}

async fn stretches(app: &TestApp, sql: &str) -> Vec<Stretch> {
    let read = |row: &QueryResult| {
        let amount: i32 = row.try_get_by_index(2).unwrap();
        (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap(), i64::from(amount))
    };
    rows(app, sql).await.iter().map(read).collect()
}

/// The sums at every edge, recomputed from scratch.
fn sums(claims: &[Stretch]) -> BTreeMap<DateTime<Utc>, i64> {
    let mut steps: BTreeMap<DateTime<Utc>, i64> = BTreeMap::new();
    for (from, to, amount) in claims {
        *steps.entry(*from).or_default() += amount;
        *steps.entry(*to).or_default() -= amount;
    }
    let mut sum = 0;
    for step in steps.values_mut() {
        sum += *step;
        *step = sum;
    }
    // Edges at which nothing changes are none.
    let mut last = 0;
    steps.retain(|_, sum| std::mem::replace(&mut last, *sum) != *sum);
    steps
}

/// Law 15: the counters equal the sums over the bookings; and law 1.
async fn judge(app: &TestApp, capacity: u32) -> usize {
    let taking = "SELECT claim_start, claim_end, quantity FROM booking \
                  WHERE NOT exclusive AND status IN ('reservado','pendente','confirmado')";
    let claims = stretches(app, taking).await;
    let expected = sums(&claims);
    let counted = "SELECT starts_at, ends_at, used FROM capacity_usage ORDER BY starts_at";
    let usage = stretches(app, counted).await;
    for pair in usage.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "stretches do not overlap: {pair:?}");
    }
    assert!(usage.iter().all(|(from, to, used)| from < to && *used > 0), "{usage:?}");
    assert_eq!(sums(&usage), expected);
    let peak = expected.values().max().copied().unwrap_or(0);
    assert!(peak <= i64::from(capacity), "{peak}");
    claims.len()
}

/// A start on the grid and an end one to four hours later, as text.
fn slot(dice: &mut Dice) -> (String, String) {
    let first: DateTime<Utc> = "2027-03-02T09:00:00Z".parse().unwrap();
    let hour = |hour: u64| TimeDelta::hours(i64::try_from(hour).unwrap());
    let (begin, length) = (dice.roll(9), 1 + dice.roll(4));
    ((first + hour(begin)).to_rfc3339(), (first + hour(begin + length)).to_rfc3339())
}

/// The bookings behind a day are read in parts; none of them may be missing in the answer. More than are
/// read for one booking (2,000) are counted.
async fn a_day_of_thousands_of_bookings_is_told_whole(app: TestApp) {
    const MORE: u64 = 2_500;
    let w = World::new(&app, "lotada.example").await;
    share(&app, &w, true).await.expect(200);
    resize(&app, &w, 2_503).await.expect(200);
    app.settle().await;
    let slot = ("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    w.book(&app, slot.0, slot.1).await.expect(201);
    let postgres = app.platform.settings.database(Service::Booking).starts_with("postgres");
    let id = if postgres { "gen_random_uuid()" } else { "randomblob(16)" };
    let kept = "tenant_id, resource_id, user_id, client_id, start_time, end_time, zone, wall_start, \
                tzdb, status, recurring_enabled, cancellation_hours, version, created_at, updated_at, \
                category_id, quantity, exclusive, places, claim_start, claim_end";
    // In parts: within one transaction each change of a sum reads all changes before it.
    for part in 0..MORE / 100 {
        let (from, to) = (part * 100 + 1, part * 100 + 100);
        let sql = format!(
            "WITH RECURSIVE numbers (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM numbers \
             WHERE i < {to}) INSERT INTO booking (id, confirmation_code, {kept}) \
             SELECT {id}, 'c' || i, {kept} FROM numbers CROSS JOIN (SELECT * FROM booking LIMIT 1) one"
        );
        app.execute(Service::Booking, &sql).await;
    }
    let path = format!("/resources/{}/availability?date=2027-03-02", w.resource);
    let headers = [("cache-control", "no-cache")];
    let day = w.user(&app).raw("GET", &path, &headers, "").await.expect(200);
    let slots = day.body["slots"].as_array().unwrap();
    let at_ten = slots.iter().find(|slot| slot["start_time"] == "2027-03-02T10:00:00-03:00");
    assert_eq!(at_ten.unwrap()["remaining"], 2);
    let three = well_refused(take(&app, &w, slot, 3).await, 409, "capacity_exceeded");
    assert_eq!(three.body["remaining"], 2);
    take(&app, &w, slot, 2).await.expect(201);
    let full = well_refused(take(&app, &w, slot, 1).await, 409, "capacity_exceeded");
    assert_eq!(full.body["remaining"], 0);
    assert_eq!(full.body["conflicts"].as_array().unwrap().len(), 50);
    judge(&app, 2_503).await;
    app.stop().await;
}

/// What one writer does; the statuses it is answered.
async fn write(app: Arc<TestApp>, w: Arc<World>, seed: u64) -> Vec<u16> {
    let mut dice = Dice(seed);
    let (mut mine, mut answers, mut patience) = (Vec::new(), Vec::new(), 60);
    while answers.len() < 6 {
        let (start, end) = slot(&mut dice);
        let pick = |dice: &mut Dice, ids: &[String]| {
            let at = usize::try_from(dice.roll(ids.len().max(1) as u64)).unwrap();
            ids.get(at).cloned()
        };
        let answer = match (dice.roll(6), pick(&mut dice, &mine)) {
            (0, Some(id)) => {
                let body = json!({ "start_time": start, "end_time": end });
                w.user(&app).put(&format!("/bookings/{id}"), body).await
            }
            (1, Some(id)) => {
                let body = json!({ "quantity": 1 + dice.roll(4) });
                w.user(&app).put(&format!("/bookings/{id}"), body).await
            }
            (2, Some(id)) => {
                let word = ["cancelado", "pendente"][usize::try_from(dice.roll(2)).unwrap()];
                let path = format!("/bookings/{id}/status?status_param={word}");
                w.user(&app).patch(&path, Value::Null).await
            }
            _ => {
                let mut body = w.booking(&start, &end);
                body["quantity"] = json!(1 + dice.roll(4));
                let made = w.user(&app).post("/bookings/", body).await;
                if made.status.as_u16() == 201 {
                    mine.push(made.id());
                }
                made
            }
        };
        let status = answer.status.as_u16();
        // A machine that is too slow for so many says so, and has written nothing.
        if answer.code() == "unavailable" && patience > 0 {
            patience -= 1;
            continue;
        }
        let fine =
            matches!(status, 200 | 201) || (status == 409 && answer.code() == "capacity_exceeded");
        assert!(fine, "seed {seed}: {status} {}", answer.text);
        answers.push(status);
    }
    answers
}

async fn sixty_four_writers_never_exceed_the_capacity(app: TestApp) {
    let settings = json!({ "cancellation_hours": 0 });
    let w = World::with(&app, "sessenta.example", settings, json!({})).await;
    share(&app, &w, true).await.expect(200);
    resize(&app, &w, CAPACITY).await.expect(200);
    app.settle().await;
    let (app, w) = (Arc::new(app), Arc::new(w));
    let mut tasks = JoinSet::new();
    for seed in 0..WRITERS {
        tasks.spawn(write(Arc::clone(&app), Arc::clone(&w), seed));
    }
    let mut seen: BTreeMap<u16, usize> = BTreeMap::new();
    while let Some(answers) = tasks.join_next().await {
        for status in answers.unwrap() {
            *seen.entry(status).or_default() += 1;
        }
    }
    assert!(seen.values().all(|count| *count > 5) && seen.len() == 3, "{seen:?}");
    assert!(judge(&app, CAPACITY).await > 5);
    // What availability says is left is what the bookings leave.
    app.settle().await;
    let taking = "SELECT claim_start, claim_end, quantity FROM booking \
                  WHERE NOT exclusive AND status IN ('pendente','confirmado')";
    let expected = sums(&stretches(&app, taking).await);
    let day = w.day(&app, "2027-03-02").await.expect(200);
    for slot in day.body["slots"].as_array().unwrap() {
        let start: DateTime<Utc> = slot["start_time"].as_str().unwrap().parse().unwrap();
        // On the grid nothing changes inside a slot.
        let used = expected.range(..=start).next_back().map_or(0, |(_, sum)| *sum);
        assert_eq!(slot["remaining"], i64::from(CAPACITY) - used, "{start}");
    }
    // All cancelled: nothing is left of the sums.
    let sql = "UPDATE booking SET status = 'cancelado' WHERE status IN ('pendente','confirmado')";
    app.execute(Service::Booking, sql).await;
    assert_eq!(judge(&app, CAPACITY).await, 0);
    Arc::into_inner(app).unwrap().stop().await;
}

/// One after another, each checked: book, move apart and together, resize, cancel, come back, delete.
async fn the_sums_follow_every_change(app: TestApp) {
    let settings = json!({ "cancellation_hours": 0 });
    let w = World::with(&app, "somas.example", settings, json!({})).await;
    share(&app, &w, true).await.expect(200);
    let room = w.room(&app, "Sala 2").await;
    let edit = json!({ "capacity": 7 });
    w.admin(&app).put(&format!("/resources/{room}"), edit).await.expect(200);
    resize(&app, &w, 5).await.expect(200);
    app.settle().await;
    let (mut dice, mut mine, mut steps) = (Dice(7), Vec::new(), 0);
    for step in 0..60 {
        let (start, end) = slot(&mut dice);
        let at = usize::try_from(dice.roll(mine.len().max(1) as u64)).unwrap();
        let id: Option<&String> = mine.get(at);
        let answer = match (dice.roll(4), id) {
            (0, Some(id)) => {
                let to =
                    [w.resource.as_str(), room.as_str()][usize::try_from(dice.roll(2)).unwrap()];
                let body = json!({ "start_time": start, "end_time": end, "resource_id": to });
                w.user(&app).put(&format!("/bookings/{id}"), body).await
            }
            (1, Some(id)) => {
                let word =
                    ["cancelado", "pendente", "sem_dados"][usize::try_from(dice.roll(3)).unwrap()];
                let path = format!("/bookings/{id}/status?status_param={word}");
                w.user(&app).patch(&path, Value::Null).await
            }
            _ => {
                let mut body = w.booking(&start, &end);
                body["quantity"] = json!(1 + dice.roll(3));
                let made = w.user(&app).post("/bookings/", body).await;
                if made.status.as_u16() == 201 {
                    mine.push(made.id());
                }
                made
            }
        };
        assert!(matches!(answer.status.as_u16(), 200 | 201 | 400 | 409), "{step}: {}", answer.text);
        steps += each(&app, &w.resource, 5).await + each(&app, &room, 7).await;
    }
    assert!(steps > 200, "there was something to sum up: {steps}");
    // Nobody there any more: the tenant's sums go with its bookings.
    let path = format!("/tenants/{}", w.tenant);
    w.admin(&app).delete(&path).await.expect(204);
    app.settle().await;
    for table in ["capacity_usage", "capacity_limit", "booking"] {
        assert_eq!(rows(&app, &format!("SELECT 1 FROM {table}")).await.len(), 0, "{table}");
    }
    app.stop().await;
}

/// The laws for one resource.
async fn each(app: &TestApp, resource: &str, capacity: i64) -> usize {
    let postgres = app.platform.settings.database(Service::Booking).starts_with("postgres");
    let resource = if postgres { resource.to_owned() } else { resource.replace('-', "") };
    let resource = format!("{}'{resource}'", if postgres { "" } else { "X" });
    let taking = format!(
        "SELECT claim_start, claim_end, quantity FROM booking WHERE resource_id = {resource} \
         AND status IN ('reservado','pendente','confirmado')"
    );
    let expected = sums(&stretches(app, &taking).await);
    let counted = format!(
        "SELECT starts_at, ends_at, used FROM capacity_usage WHERE resource_id = {resource}"
    );
    assert_eq!(sums(&stretches(app, &counted).await), expected);
    assert!(expected.values().all(|sum| *sum <= capacity));
    expected.len()
}
