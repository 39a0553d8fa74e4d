//! Laws 1, 12, 13, 14 and 15 of semantics.md, on generated histories of two tenants.
//!
//! One tenant does one thing after the other; a model of loops and lists says what has to be answered.
//! Between its steps another tenant does several things at once: it races for its own places, repeats
//! itself, tries what is not its own, and uses the same keys. A case is such a pair. The calm history
//! happens once without the other tenant and then beside several others, and its answers have to be the
//! same (law 14). Afterwards the rows are judged: no instant over capacity (1), the log comes to the rows
//! (12), one booking for each key (13), the counters are the sums (15). `SEED` repeats the histories.

mod actor;
mod model;
mod rows;
mod script;
mod told;

use std::collections::HashMap;

use chrono::{NaiveDate, TimeDelta};
use common::db::Scope;
use contracts::Service;
use futures_util::StreamExt as _;
use serde_json::json;
use testkit::app::{Engine, TestApp};
use testkit::dice::{self, Dice};
use uuid::Uuid;

use crate::idempotency::{count, database};
use crate::world::{Marca, World, login};
use actor::{Actor, Looks};
use model::Model;
use rows::{Rooms, Rows};
use told::Reading;

testkit::on_both_engines!(crate::laws::app => histories_keep_the_laws);

/// Cases of a run of the tests.
const CASES: u64 = 10_000;
/// A case costs about twice as much there.
const CASES_ON_POSTGRES: u64 = 1_500;
/// Other tenants' histories for one calm one.
const OTHERS: u64 = 7;
/// Calm histories in the rooms of one capacity.
const CALM: u64 = 2;
/// Capacities of shared rooms.
const CAPACITIES: u64 = 4;
/// Histories of one batch.
const RUNS: u64 = CAPACITIES * CALM * (OTHERS + 1);
const CASES_OF_BATCH: u64 = CAPACITIES * CALM * OTHERS;
/// Histories under way at once.
const BESIDE: usize = 6;
/// Days between histories in the same rooms: what a refusal offers instead is looked for in nine days
/// on either side.
const APART: i64 = 19;
/// Longer than a hold lives, shorter than one that was extended.
const PAUSE: i64 = 61;
/// Batches between two sign-ins.
const SIGNED: u64 = 15;

pub(crate) async fn app(engine: Engine) -> TestApp {
    TestApp::start(&Marca, engine, &[("AUTH_MODE", "required"), ("ACCESS_TOKEN_TTL", "3600")]).await
}

/// A tenant with as many users as there are histories at once.
struct Side {
    world: World,
    /// The category whose resources are shared.
    shared: String,
    users: Vec<String>,
    bearer: String,
}

/// The rooms of one capacity: the shared one and the exclusive one.
type Pair = [String; 2];

fn fresh(dice: &mut Dice) -> String {
    let half = |dice: &mut Dice| u128::from(dice.roll(u64::MAX));
    Uuid::from_u128(half(dice) << 64 | half(dice)).to_string()
}

fn literal(app: &TestApp, id: &str) -> String {
    let url = app.platform.settings.database(Service::Booking);
    if url.starts_with("postgres") {
        format!("'{id}'::uuid")
    } else {
        format!("X'{}'", id.replace('-', ""))
    }
}

impl Side {
    async fn new(app: &TestApp, domain: &str, dice: &mut Dice) -> Self {
        let settings = json!({
            "timezone": "UTC", "working_hours_start": "08:00", "working_hours_end": "14:00",
            "cancellation_hours": 0, "hold_minutes": 1, "advance_booking_days": 365,
        });
        let world = World::with(app, domain, settings, json!({})).await;
        let shared = json!({
            "tenant_id": world.tenant, "name": "Aulas", "type": "fisico",
            "category_metadata": { "allows_multiple_bookings": true },
        });
        let shared = world.admin(app).post("/categories/", shared).await.expect(201).id();
        // Past the service, which would take its time.
        let users: Vec<String> = (0..RUNS).map(|_| fresh(dice)).collect();
        let values = users.iter().map(|id| format!("({}, '{id}@a.example')", literal(app, id)));
        let kept = "tenant_id, name, name_key, user_type, is_active, permissions, metadata, search_key, \
                    version, created_at, updated_at";
        let sql = format!(
            "INSERT INTO users (id, email, email_key, {kept}) SELECT v.column1, v.column2, v.column2, {kept} \
             FROM users, (VALUES {}) AS v WHERE id = {}",
            values.collect::<Vec<_>>().join(", "),
            literal(app, &world.user)
        );
        assert_eq!(app.execute(Service::User, &sql).await, RUNS);
        let bearer = world.admin_token.clone();
        Self { world, shared, users, bearer }
    }

    /// Fresh rooms for so many batches.
    async fn furnish(&self, app: &TestApp, batches: u64, dice: &mut Dice) -> Vec<Vec<Pair>> {
        let mut values = Vec::new();
        let mut all = Vec::new();
        for _ in 0..batches {
            let mut pairs = Vec::new();
            for places in 1..=CAPACITIES {
                let pair = [fresh(dice), fresh(dice)];
                for (id, category) in pair.iter().zip([&self.shared, &self.world.category]) {
                    values.push(format!(
                        "({}, {places}, {})",
                        literal(app, id),
                        literal(app, category)
                    ));
                }
                pairs.push(pair);
            }
            all.push(pairs);
        }
        let kept = "tenant_id, version, name, name_key, search_key, status, attributes, attribute_texts, \
                    availability_schedule, created_at, updated_at";
        for chunk in values.chunks(500) {
            let sql = format!(
                "INSERT INTO resource (id, capacity, category_id, {kept}) \
                 SELECT v.column1, v.column2, v.column3, {kept} FROM resource, (VALUES {}) AS v WHERE id = {}",
                chunk.join(", "),
                literal(app, &self.world.resource)
            );
            app.execute(Service::Resource, &sql).await;
        }
        all
    }
}

/// A calm history, and perhaps another tenant's beside it.
struct Run<'a> {
    calm: Actor<'a>,
    storm: Actor<'a>,
    looks: Looks,
}

impl Run<'_> {
    async fn part(&mut self, late: bool) {
        loop {
            let calm = self.calm.go(late, None).await;
            let storm = self.storm.go(late, Some(&self.calm)).await;
            if !calm && !storm {
                return;
            }
        }
    }

    fn pass(&mut self) {
        let models =
            [&mut self.calm, &mut self.storm].into_iter().filter_map(|it| it.model.as_mut());
        models.for_each(|model| model.pass(PAUSE));
    }
}

/// Where histories take place.
struct Stage<'a> {
    app: &'a TestApp,
    seed: u64,
    sides: [Side; 2],
    /// By side and batch.
    rooms: [Vec<Vec<Pair>>; 2],
    events: usize,
}

impl Stage<'_> {
    fn actor(&self, side: usize, batch: u64, run: u64) -> Actor<'_> {
        let of = &self.sides[side];
        let at = |number: u64| usize::try_from(number).unwrap();
        let capacity = run % CAPACITIES;
        let pair = &self.rooms[side][at(batch)][at(capacity)];
        let day = TimeDelta::days(APART * (1 + (run / CAPACITIES).cast_signed()));
        let day = NaiveDate::from_ymd_opt(2027, 3, 1).unwrap() + day;
        let user = &of.users[at(run)];
        let names = [
            (&of.world.tenant, "tenant"),
            (&of.world.admin, "admin"),
            (&pair[0], "shared"),
            (&pair[1], "alone"),
            (user, "user"),
            (&of.shared, "category"),
            (&of.world.category, "category"),
        ];
        let names: HashMap<_, _> = names.map(|(id, name)| (id.clone(), name.to_owned())).into();
        let base = day.and_hms_opt(8, 0, 0).unwrap().and_utc();
        let reading = Reading { base, began: common::Clock::now(&*self.app.clock), names };
        Actor {
            app: self.app,
            case: format!("{}/{batch}-{run}", self.seed),
            tenant: &of.world.tenant,
            bearer: &of.bearer,
            user,
            rooms: [&pair[0], &pair[1]],
            reading,
            steps: Vec::new(),
            made: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
            model: None,
            at: 0,
        }
    }

    /// Run `number` of a batch: which capacity, which calm history, whose storm beside it.
    fn run(&self, batch: u64, number: u64) -> Run<'_> {
        let group = number / (OTHERS + 1);
        // Capacities take turns, so that each calm history stays in the rooms of one.
        let other = number % (OTHERS + 1);
        let place = group % CAPACITIES + CAPACITIES * (group / CAPACITIES * (OTHERS + 1) + other);
        let (mut calm, mut storm) = (self.actor(0, batch, place), self.actor(1, batch, place));
        let mut dice = Dice::of(self.seed, batch * RUNS + group * (OTHERS + 1));
        calm.steps = script::calm(&mut dice);
        let looks = match dice.roll(8) {
            0 => Looks::Days,
            1 | 2 => Looks::List,
            _ => Looks::Nowhere,
        };
        calm.model = Some(Model::new(u32::try_from(group % CAPACITIES).unwrap() + 1));
        if other > 0 {
            storm.steps = script::storm(&mut Dice::of(self.seed, batch * RUNS + number));
        }
        Run { calm, storm, looks }
    }

    /// The histories of a batch, beside each other, and then what has become of them.
    async fn batch(&mut self, batch: u64) {
        if batch.is_multiple_of(SIGNED) {
            for side in &mut self.sides {
                let email = format!("ana@{}", side.world.domain);
                side.bearer = login(self.app, &side.world.tenant, &email).await;
            }
        }
        let mut runs: Vec<Run<'_>> = (0..RUNS).map(|number| self.run(batch, number)).collect();
        for late in [false, true] {
            let parts = futures_util::stream::iter(runs.iter_mut().map(|run| run.part(late)));
            parts.buffer_unordered(BESIDE).collect::<Vec<()>>().await;
            if !late {
                self.app.clock.advance(TimeDelta::seconds(PAUSE));
                runs.iter_mut().for_each(Run::pass);
            }
        }
        let looks = runs.iter_mut().map(|run| run.calm.look(run.looks));
        futures_util::stream::iter(looks).buffer_unordered(BESIDE).collect::<Vec<()>>().await;
        for group in runs.chunks(usize::try_from(OTHERS).unwrap() + 1) {
            group[1..].iter().for_each(|other| other.calm.is_told_the_same(&group[0].calm));
        }
        let made =
            runs.iter().flat_map(|run| [&run.calm, &run.storm]).flat_map(|actor| &actor.made);
        let made: Vec<String> = made.map(|made| made.id.clone()).collect();
        drop(runs);
        self.judge(batch, &made).await;
        // Nobody holds anything any more.
        self.app.clock.advance(TimeDelta::seconds(2 * PAUSE));
    }

    async fn judge(&mut self, batch: u64, made: &[String]) {
        let at = usize::try_from(batch).unwrap();
        let mut rooms = Rooms::new();
        for pairs in [&self.rooms[0][at], &self.rooms[1][at]] {
            for (pair, capacity) in pairs.iter().zip(1..) {
                let places = pair.iter().zip([Some(capacity), None]);
                rooms.extend(places.map(|(id, places)| (id.parse().unwrap(), places)));
            }
        }
        let literals: Vec<String> =
            rooms.keys().map(|id| literal(self.app, &id.to_string())).collect();
        let database = database(self.app, Service::Booking);
        let rows = Rows::read(database, &literals.join(", ")).await;
        rows.no_instant_is_over_capacity(&rooms);
        rows.are_what_the_log_comes_to(&rooms);
        rows.are_what_was_answered(made);
        rows.counters_are_sums();
        self.events += rows.told();
    }
}

async fn histories_keep_the_laws(app: TestApp) {
    let seed = dice::seed();
    let postgres = app.platform.settings.database(Service::Booking).starts_with("postgres");
    let cases = dice::number("CASES").unwrap_or(if postgres { CASES_ON_POSTGRES } else { CASES });
    let batches = cases.div_ceil(CASES_OF_BATCH);
    let mut dice = Dice::new(seed);
    let calm = Side::new(&app, "calma.example", &mut dice).await;
    let storm = Side::new(&app, "vento.example", &mut dice).await;
    let rooms = [
        calm.furnish(&app, batches, &mut dice).await,
        storm.furnish(&app, batches, &mut dice).await,
    ];
    let mut stage = Stage { app: &app, seed, sides: [calm, storm], rooms, events: 0 };
    for batch in 0..batches {
        stage.batch(batch).await;
    }
    let Stage { events, .. } = stage;
    let stored = count(database(&app, Service::Booking), Scope::All, "outbox").await;
    assert_eq!(stored, i64::try_from(events).unwrap(), "law 12: an event of no booking");
    eprintln!("{} cases, {events} events", batches * CASES_OF_BATCH);
    app.stop().await;
}
