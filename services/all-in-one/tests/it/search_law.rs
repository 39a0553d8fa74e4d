//! Random tenants: what a search finds is what trying every start of every resource finds, and what an
//! index says after many events is what one made anew says.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, SecondsFormat, TimeDelta};
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::TestApp;
use testkit::dice::Dice;

use crate::search::{found, search};
use crate::world::{World, twin};

testkit::on_both_engines!(crate::world::guarded =>
    a_search_is_the_brute_force,
);

const TENANTS: u64 = 4;
const ROUNDS: u64 = 5;
const SEARCHES: u64 = 8;
const STEP: i64 = 30;

/// A time of Tuesday to Friday.
fn time(dice: &mut Dice) -> String {
    let (day, half) = (2 + dice.roll(4), dice.roll(48));
    format!("2027-03-{day:02}T{:02}:{:02}:00", half / 2, half % 2 * 30)
}

fn schedule(dice: &mut Dice) -> Value {
    match dice.roll(3) {
        0 => json!({}),
        1 => json!({ "tuesday": ["07:00-12:10", "13:30-20:00"], "thursday": ["00:00-24:00"] }),
        _ => json!({ "wednesday": ["09:15-18:00"], "friday": ["06:00-08:00", "08:00-11:00"] }),
    }
}

/// A tenant and everything random in it.
struct Chaos<'a> {
    app: &'a TestApp,
    w: World,
    dice: Dice,
    /// Resource and name.
    rooms: Vec<(String, String)>,
    bookings: Vec<String>,
}

impl<'a> Chaos<'a> {
    async fn new(app: &'a TestApp, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let zone = *dice.one(&["America/Sao_Paulo", "Asia/Kathmandu", "UTC"]);
        let settings = json!({
            "timezone": zone, "booking_interval": STEP, "working_hours_start": "06:15",
            "working_hours_end": "21:40",
        });
        let w = World::with(app, &format!("acaso{seed}.example"), settings, json!({})).await;
        let category = json!({
            "tenant_id": w.tenant, "name": "Aulas", "type": "fisico",
            "category_metadata": { "allows_multiple_bookings": true },
        });
        let shared = w.admin(app).post("/categories/", category).await.expect(201).id();
        let mut rooms = vec![(w.resource.clone(), "Sala 1 - Spinning".to_owned())];
        for number in 0..6 {
            let category = if number % 3 == 0 { &shared } else { &w.category };
            let name = format!("Sala {}{number}", dice.roll(10));
            let policy = match dice.roll(3) {
                0 => json!({}),
                1 => json!({ "buffer_before_minutes": 20, "buffer_after_minutes": 35 }),
                _ => json!({ "min_notice_minutes": 2_000 }),
            };
            let body = json!({
                "tenant_id": w.tenant, "category_id": category, "name": name, "capacity": 3,
                "availability_schedule": schedule(&mut dice), "booking_policy": policy,
            });
            rooms.push((w.admin(app).post("/resources/", body).await.expect(201).id(), name));
        }
        let mut this = Self { app, w, dice, rooms, bookings: Vec::new() };
        this.close().await;
        this
    }

    /// A closure of the tenant and another day of one resource.
    async fn close(&mut self) {
        let url = self.app.platform.settings.database(Service::Resource);
        let postgres = url.starts_with("postgres");
        let literal = |id: &str| {
            if postgres { format!("'{id}'") } else { format!("X'{}'", id.replace('-', "")) }
        };
        let (tenant, room) = (literal(&self.w.tenant), literal(&self.rooms[1].0));
        for (level, resource, kind, date, ranges) in [
            ("tenant", "NULL", "holiday", "2027-03-03", r#"["11:00-13:00"]"#),
            ("resource", room.as_str(), "override", "2027-03-05", r#"["20:00-23:00"]"#),
        ] {
            let id = uuid::Uuid::from_u128(u128::from(self.dice.roll(u64::MAX)));
            let id = literal(&id.to_string());
            let sql = format!(
                "INSERT INTO calendar_exception (id, tenant_id, category_id, resource_id, level, \
                 kind, start_date, end_date, yearly, ranges, reason, version, created_at, updated_at) \
                 VALUES ({id}, {tenant}, NULL, {resource}, '{level}', '{kind}', '{date}', \
                 '{date}', false, '{ranges}', '', 1, '2027-03-01 00:00:00+00:00', \
                 '2027-03-01 00:00:00+00:00')"
            );
            self.app.execute(Service::Resource, &sql).await;
        }
    }

    /// Something happens, or is refused.
    async fn happen(&mut self) {
        let (app, booked) = (self.app, !self.bookings.is_empty());
        match self.dice.roll(8) {
            0 if booked => {
                let id = self.dice.one(&self.bookings).clone();
                let path = format!("/bookings/{id}/cancel");
                self.w.admin(app).patch(&path, json!({})).await;
            }
            1 if booked => {
                let id = self.dice.one(&self.bookings).clone();
                let start = time(&mut self.dice);
                let edit = json!({
                    "resource_id": self.dice.one(&self.rooms).0, "start_time": start,
                    "end_time": later(&start, STEP),
                });
                self.w.admin(app).put(&format!("/bookings/{id}"), edit).await;
            }
            2 => {
                let edit = json!({ "availability_schedule": schedule(&mut self.dice) });
                let path = format!("/resources/{}", self.dice.one(&self.rooms).0);
                self.w.admin(app).put(&path, edit).await.expect(200);
            }
            3 => {
                let edit = json!({ "working_hours_start": self.dice.one(&["06:15", "05:05"]) });
                let path = format!("/tenants/{}/settings", self.w.tenant);
                self.w.admin(app).put(&path, edit).await.expect(200);
            }
            _ => {
                let start = time(&mut self.dice);
                let length = STEP * (1 + i64::try_from(self.dice.roll(4)).unwrap());
                let mut body = self.w.booking(&start, &later(&start, length));
                body["resource_id"] = json!(self.dice.one(&self.rooms).0);
                // On the grid of this tenant, or of another.
                let shift = if self.dice.roll(2) == 0 { 15 } else { 5 };
                for name in ["start_time", "end_time"] {
                    let text = body[name].as_str().unwrap();
                    body[name] = json!(later(text, shift));
                }
                let answer = self.w.user(app).post("/bookings/", body).await;
                if answer.status.as_u16() == 201 {
                    self.bookings.push(answer.id());
                }
            }
        }
    }

    /// Every slot of every resource, by the service itself.
    async fn slots(&self) -> BTreeMap<String, Vec<(DateTime<FixedOffset>, u64)>> {
        let mut all = BTreeMap::new();
        for (id, name) in &self.rooms {
            let path = format!("/resources/{id}/availability?date=2027-03-01&days=7");
            let days = self.w.user(self.app).get(&path).await.expect(200).body;
            let days = days["days"].as_array().unwrap().clone();
            let slots = days.iter().flat_map(|day| day["slots"].as_array().unwrap()).map(|slot| {
                let start = slot["start_time"].as_str().unwrap();
                let places = slot["remaining"].as_u64().unwrap_or(u64::MAX);
                (DateTime::parse_from_rfc3339(start).unwrap(), places)
            });
            all.insert(name.clone(), slots.collect());
        }
        all
    }

    async fn compare(&mut self, what: &str) {
        let slots = self.slots().await;
        let cold = twin(self.app, &[]).await;
        for _ in 0..SEARCHES {
            let times = [time(&mut self.dice), time(&mut self.dice)];
            let (from, to) = (times.iter().min().unwrap(), times.iter().max().unwrap());
            if from == to {
                continue;
            }
            let steps = 1 + i64::try_from(self.dice.roll(6)).unwrap();
            let (limit, quantity) = (1 + self.dice.roll(8), 1 + self.dice.roll(4));
            let query = format!(
                "from={from}&to={to}&duration={}&limit={limit}&quantity={quantity}",
                STEP * steps
            );
            let answer = search(self.app, &self.w, &query).await.expect(200);
            let bounds = ["from", "to"].map(|name| {
                DateTime::parse_from_rfc3339(answer.body[name].as_str().unwrap()).unwrap()
            });
            let expected = brute(&slots, bounds, steps, quantity, limit);
            assert_eq!(found(&answer), expected, "{what}: {query}");
            let anew = search(&cold, &self.w, &query).await.expect(200);
            assert_eq!(found(&anew), expected, "{what}, anew: {query}");
        }
        cold.stop().await;
    }
}

fn later(time: &str, minutes: i64) -> String {
    let time: chrono::NaiveDateTime = time.parse().unwrap();
    (time + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// A longer booking fits where so many slots in a row are free: its claim is theirs together.
fn brute(
    slots: &BTreeMap<String, Vec<(DateTime<FixedOffset>, u64)>>,
    [from, to]: [DateTime<FixedOffset>; 2],
    steps: i64,
    quantity: u64,
    limit: u64,
) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (name, slots) in slots {
        let free = |start: DateTime<FixedOffset>| {
            slots.iter().any(|(slot, places)| *slot == start && *places >= quantity)
        };
        let fits = |start: &DateTime<FixedOffset>| {
            let run = (0..steps).all(|step| free(*start + TimeDelta::minutes(STEP * step)));
            *start >= from && *start + TimeDelta::minutes(STEP * steps) <= to && run
        };
        let starts: Vec<_> = slots.iter().map(|(start, _)| *start).filter(fits).take(3).collect();
        if let Some(first) = starts.first() {
            let texts = starts
                .iter()
                .map(|start| start.to_rfc3339_opts(SecondsFormat::Secs, true))
                .collect();
            all.push((*first, name.to_lowercase(), name.clone(), texts));
        }
    }
    all.sort();
    let kept = all.into_iter().take(usize::try_from(limit).unwrap());
    kept.map(|(_, _, name, starts)| (name, starts)).collect()
}

async fn a_search_is_the_brute_force(app: TestApp) {
    for seed in 0..TENANTS {
        let mut chaos = Chaos::new(&app, seed).await;
        for round in 0..ROUNDS {
            for _ in 0..12 {
                chaos.happen().await;
            }
            app.settle().await;
            chaos.compare(&format!("seed {seed}, round {round}")).await;
        }
    }
    app.stop().await;
}
