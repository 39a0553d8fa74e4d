//! What is stored after the histories, row by row, and the laws that it has to keep.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use common::db::{Database, Scope};
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// How many places rooms have; `None` where one booking excludes every other.
pub(super) type Rooms = BTreeMap<Uuid, Option<i32>>;

/// A booking as it is stored, or as the log tells it.
type Fields = Map<String, Value>;

struct Row {
    id: Uuid,
    room: Uuid,
    claim: (DateTime<Utc>, DateTime<Utc>),
    quantity: i32,
    exclusive: bool,
    version: i64,
    fields: Fields,
}

struct Event {
    id: Uuid,
    sequence: i64,
    kind: String,
    payload: Value,
    at: DateTime<Utc>,
}

/// A stretch of a sum that the database keeps.
struct Usage {
    room: Uuid,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    used: i32,
}

fn takes(fields: &Fields) -> bool {
    matches!(fields["status"].as_str(), Some("pendente" | "confirmado" | "reservado"))
}

/// Of rooms that nobody else has touched: everything that is stored about them.
pub(super) struct Rows {
    bookings: BTreeMap<Uuid, Row>,
    log: Vec<Event>,
    usage: Vec<Usage>,
}

async fn select(database: &Database, sql: &str) -> Vec<QueryResult> {
    let reader = database.read(Scope::All);
    let statement = Statement::from_string(reader.get_database_backend(), sql);
    reader.query_all_raw(statement).await.unwrap()
}

fn row(row: &QueryResult) -> Row {
    let id = |name: &str| row.try_get::<Uuid>("", name).unwrap();
    let time = |name: &str| row.try_get::<DateTime<Utc>>("", name).unwrap();
    let text = |name: &str| row.try_get::<Option<String>>("", name).unwrap();
    let quantity = row.try_get("", "quantity").unwrap();
    let fields = json!({
        "resource_id": id("resource_id"), "tenant_id": id("tenant_id"), "user_id": id("user_id"),
        "client_id": row.try_get::<Option<Uuid>>("", "client_id").unwrap(),
        "start_time": time("start_time"), "end_time": time("end_time"),
        "status": text("status"), "notes": text("notes"), "quantity": quantity,
        "expires_at": row.try_get::<Option<DateTime<Utc>>>("", "expires_at").unwrap(),
        "cancellation_reason": text("cancellation_reason"),
        "cancelled_at": row.try_get::<Option<DateTime<Utc>>>("", "cancelled_at").unwrap(),
        "cancelled_by": row.try_get::<Option<Uuid>>("", "cancelled_by").unwrap(),
    });
    Row {
        id: id("id"),
        room: id("resource_id"),
        claim: (time("claim_start"), time("claim_end")),
        quantity,
        exclusive: row.try_get("", "exclusive").unwrap(),
        version: row.try_get("", "version").unwrap(),
        fields: fields.as_object().unwrap().clone(),
    }
}

impl Rows {
    /// `rooms` as literals of the database.
    pub(super) async fn read(database: &Database, rooms: &str) -> Self {
        let bookings = format!("SELECT * FROM booking WHERE resource_id IN ({rooms})");
        let log = format!(
            "SELECT o.aggregate_id, o.sequence, o.event_type, o.payload, o.created_at FROM outbox o \
             JOIN booking b ON b.id = o.aggregate_id WHERE b.resource_id IN ({rooms}) ORDER BY o.id"
        );
        let usage = format!(
            "SELECT resource_id, starts_at, ends_at, used FROM capacity_usage \
             WHERE resource_id IN ({rooms}) ORDER BY resource_id, starts_at"
        );
        let bookings =
            select(database, &bookings).await.iter().map(row).map(|row| (row.id, row)).collect();
        let log = select(database, &log).await;
        let event = |row: &QueryResult| Event {
            id: row.try_get("", "aggregate_id").unwrap(),
            sequence: row.try_get("", "sequence").unwrap(),
            kind: row.try_get("", "event_type").unwrap(),
            at: row.try_get("", "created_at").unwrap(),
            payload: serde_json::from_str(&row.try_get::<String>("", "payload").unwrap()).unwrap(),
        };
        let stretch = |row: &QueryResult| Usage {
            room: row.try_get("", "resource_id").unwrap(),
            from: row.try_get("", "starts_at").unwrap(),
            to: row.try_get("", "ends_at").unwrap(),
            used: row.try_get("", "used").unwrap(),
        };
        let usage = select(database, &usage).await.iter().map(stretch).collect();
        Self { bookings, log: log.iter().map(event).collect(), usage }
    }

    /// How many events there are.
    pub(super) fn told(&self) -> usize {
        self.log.len()
    }

    /// Law 1, of what is stored: nowhere more than a room has.
    pub(super) fn no_instant_is_over_capacity(&self, rooms: &Rooms) {
        for one in self.bookings.values().filter(|row| takes(&row.fields)) {
            let there = self.bookings.values().filter(|row| {
                row.room == one.room && row.claim.0 <= one.claim.0 && one.claim.0 < row.claim.1
            });
            let there: Vec<&Row> = there.filter(|row| takes(&row.fields)).collect();
            let places = rooms[&one.room];
            let quantities = there.iter().map(|row| places.map_or(1, |_| row.quantity));
            let (used, most) = (quantities.sum::<i32>(), places.unwrap_or(1));
            let ids: Vec<Uuid> = there.iter().map(|row| row.id).collect();
            assert!(
                used <= most,
                "law 1: {used} of {most} in {} at {}: {ids:?}",
                one.room,
                one.claim.0
            );
        }
    }

    /// Law 15: the sums that the database keeps are those of the bookings, at every edge of either.
    pub(super) fn counters_are_sums(&self) {
        let rooms: BTreeSet<Uuid> = self.bookings.values().map(|row| row.room).collect();
        let rooms: BTreeSet<Uuid> =
            rooms.into_iter().chain(self.usage.iter().map(|it| it.room)).collect();
        for room in rooms {
            let shared = |row: &&Row| row.room == room && !row.exclusive && takes(&row.fields);
            let rows: Vec<&Row> = self.bookings.values().filter(shared).collect();
            let kept: Vec<&Usage> = self.usage.iter().filter(|usage| usage.room == room).collect();
            for pair in kept.windows(2) {
                assert!(
                    pair[0].to <= pair[1].from,
                    "law 15: counted twice in {room} at {}",
                    pair[1].from
                );
            }
            let edges = rows.iter().flat_map(|row| [row.claim.0, row.claim.1]);
            for at in edges.chain(kept.iter().flat_map(|usage| [usage.from, usage.to])) {
                let within = |from, to| from <= at && at < to;
                let taken = rows.iter().filter(|row| within(row.claim.0, row.claim.1));
                let sum: i32 = taken.map(|row| row.quantity).sum();
                let used = kept.iter().find(|usage| within(usage.from, usage.to));
                let used = used.map_or(0, |usage| usage.used);
                assert_eq!(used, sum, "law 15: the counter of {room} at {at}, and the sum");
            }
        }
    }

    /// Law 13: nothing is there that no answer told of, and nothing that was told is missing.
    pub(super) fn are_what_was_answered(&self, made: &[String]) {
        let told: BTreeSet<Uuid> = made.iter().map(|id| id.parse().unwrap()).collect();
        assert_eq!(told.len(), made.len(), "law 13: one booking was told to be two");
        let there: BTreeSet<Uuid> = self.bookings.keys().copied().collect();
        let extra: Vec<_> = there.difference(&told).collect();
        let lost: Vec<_> = told.difference(&there).collect();
        assert!(
            extra.is_empty() && lost.is_empty(),
            "law 13: made and not told {extra:?}, told and not there {lost:?}"
        );
    }

    /// Law 12: the log, gone through in its order, comes to what is stored; and no event of it takes
    /// more than there is (law 1, in between).
    pub(super) fn are_what_the_log_comes_to(&self, rooms: &Rooms) {
        let mut replayed: BTreeMap<Uuid, (i64, Fields)> = BTreeMap::new();
        for event in &self.log {
            let (version, fields) = replayed.entry(event.id).or_default();
            *version += 1;
            assert_eq!(event.sequence, *version, "law 12: {}: a version is left out", event.id);
            event.apply(fields);
            self.fits(event.id, &replayed, rooms);
        }
        assert_eq!(
            replayed.len(),
            self.bookings.len(),
            "law 12: a booking that the log does not know"
        );
        for (id, (version, fields)) in &replayed {
            let row = &self.bookings[id];
            assert_eq!(*version, row.version, "law 12: the version of {id}");
            for (name, value) in fields {
                assert_eq!(value, &row.fields[name], "law 12: {name} of {id}");
            }
        }
    }

    /// What was just changed has its places, by the log so far. How many it wants the log tells only
    /// when that changes; until then it is what comes before the change, or the row's.
    fn fits(&self, id: Uuid, replayed: &BTreeMap<Uuid, (i64, Fields)>, rooms: &Rooms) {
        let fields = |id: &Uuid| &replayed[id].1;
        let one = fields(&id);
        if !takes(one) {
            return;
        }
        let room: Uuid = one["resource_id"].as_str().unwrap().parse().unwrap();
        let places = rooms[&room];
        let quantity = |id: &Uuid| {
            let known = fields(id).get("quantity").and_then(Value::as_i64);
            known.unwrap_or_else(|| self.first_quantity(*id))
        };
        // Times of one shape order as texts.
        let time = |fields: &Fields, name: &str| fields[name].as_str().unwrap().to_owned();
        let taking = replayed
            .iter()
            .filter(|(_, (_, other))| takes(other) && other["resource_id"] == one["resource_id"]);
        let taking: Vec<_> = taking
            .map(|(id, (_, it))| (id, time(it, "start_time"), time(it, "end_time")))
            .collect();
        for (_, at, _) in &taking {
            let there = taking.iter().filter(|(_, from, to)| from <= at && at < to);
            let quantities = there.map(|(id, _, _)| places.map_or(1, |_| quantity(id)));
            let (used, most) = (quantities.sum::<i64>(), places.map_or(1, i64::from));
            assert!(
                used <= most,
                "law 1: {used} of {most} in {room} at {at} once {id} was written: {}",
                self.log_of(&taking.iter().map(|(id, _, _)| **id).collect::<Vec<_>>())
            );
        }
    }

    fn log_of(&self, ids: &[Uuid]) -> String {
        let found = self.log.iter().filter(|event| ids.contains(&event.id));
        let lines = found.map(|event| format!("{} {} {}", event.id, event.kind, event.payload));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn first_quantity(&self, id: Uuid) -> i64 {
        let mut changes = self.log.iter().filter(|event| event.id == id);
        let first =
            changes.find_map(|event| event.payload.pointer("/changes/quantity/old")?.as_i64());
        first.unwrap_or_else(|| i64::from(self.bookings[&id].quantity))
    }
}

impl Event {
    fn apply(&self, fields: &mut Fields) {
        let (id, payload) = (self.id, self.payload.as_object().unwrap());
        match self.kind.as_str() {
            "booking.created" => {
                let told = payload.iter().filter(|(name, _)| *name != "booking_id");
                fields.extend(told.map(|(name, value)| (name.clone(), value.clone())));
            }
            "booking.updated" => {
                for (name, change) in payload["changes"].as_object().unwrap() {
                    let old = fields.insert(name.clone(), change["new"].clone());
                    let old = old.unwrap_or_else(|| change["old"].clone());
                    assert_eq!(old, change["old"], "law 12: {name} of {id} before it changed");
                }
            }
            "booking.cancelled" => {
                fields.insert("status".to_owned(), json!("cancelado"));
                fields.insert("cancellation_reason".to_owned(), payload["reason"].clone());
                fields.insert("cancelled_by".to_owned(), payload["cancelled_by"].clone());
                fields.insert("cancelled_at".to_owned(), json!(self.at));
            }
            "booking.status_changed" => {
                let old = fields.insert("status".to_owned(), payload["new_status"].clone());
                assert_eq!(
                    old,
                    Some(payload["old_status"].clone()),
                    "law 12: the status of {id} before"
                );
                // Whatever it is now, it is neither a hold nor cancelled.
                for name in ["expires_at", "cancellation_reason", "cancelled_at", "cancelled_by"] {
                    fields.insert(name.to_owned(), Value::Null);
                }
            }
            other => panic!("law 12: {other} is no event of a booking"),
        }
    }
}
