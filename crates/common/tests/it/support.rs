//! A producer, a bus and a consumer, on either database and either bus.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use common::clock::{SystemClock, SystemIds};
use common::db::{Database, Engine, Scope, Tx};
use common::streams::{
    Consumer, Draft, EventBus, Handler, HandlerError, MemoryBus, Outbox, RedisBus, Relay, Streams,
    Subscription,
};
use common::{Clock, IdSource};
use contracts::Service;
use contracts::client::{Answer, Clients, Transport, Unreachable};
use contracts::event::Envelope;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbErr, Statement, Value};
use serde_json::json;
use testkit::servers::redis;
use uuid::Uuid;

pub(crate) use crate::databases::{ENGINES, Migrator, TestDb, numbers};

pub(crate) const SOURCE: Service = Service::Booking;

/// The producer's outbox as its service would answer.
pub(crate) struct Direct {
    outbox: Outbox,
    db: Database,
    pub(crate) down: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

#[async_trait]
impl Transport for Direct {
    async fn get(&self, service: Service, path: &str) -> Result<Answer, Unreachable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let away = |reason: String| Unreachable { service: service.name(), reason };
        if self.down.load(Ordering::SeqCst) {
            return Err(away("down".to_owned()));
        }
        let query = path.split_once("?after=").expect("a query").1;
        let (after, limit) = query.split_once("&limit=").expect("a limit");
        let (after, limit) = (after.parse().expect("after"), limit.parse().expect("limit"));
        let events = self.outbox.after(&self.db, after, limit).await;
        let events = events.map_err(|error| away(error.to_string()))?;
        let body = Bytes::from(serde_json::to_vec(&events).expect("events as JSON"));
        Ok(Answer { status: 200, body })
    }
}

/// Writes every event down; fails at the ones it is told to.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) poison: Mutex<HashSet<i64>>,
    pub(crate) committed: AtomicUsize,
}

#[async_trait]
impl Handler for Recorder {
    async fn apply(&self, tx: &DatabaseTransaction, event: &Envelope) -> Result<(), HandlerError> {
        let pos = event.metadata.position;
        let text = "INSERT INTO effect (pos, event) VALUES ($1, $2)";
        let values: [Value; 2] = [pos.into(), event.metadata.event_id.to_string().into()];
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values))
            .await?;
        if self.poison.lock().expect("poison").contains(&pos) {
            return Err(HandlerError::Failed("poison".to_owned()));
        }
        Ok(())
    }

    async fn committed(&self, events: &[Envelope]) {
        self.committed.fetch_add(events.len(), Ordering::SeqCst);
    }
}

/// Which bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Redis,
}

pub(crate) const COMBINATIONS: [(Engine, Kind); 4] = [
    (Engine::Sqlite, Kind::Memory),
    (Engine::Sqlite, Kind::Redis),
    (Engine::Postgres, Kind::Memory),
    (Engine::Postgres, Kind::Redis),
];

/// A producer and a consumer with a database each.
pub(crate) struct World {
    pub(crate) producer: TestDb,
    pub(crate) consumer_db: TestDb,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) streams: Streams,
    pub(crate) outbox: Outbox,
    pub(crate) relay: Relay,
    pub(crate) direct: Arc<Direct>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) consumer: Consumer,
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub(crate) fn ids() -> Arc<dyn IdSource> {
    Arc::new(SystemIds)
}

/// Stream names nobody else has.
pub(crate) fn streams() -> Streams {
    let name = ids().next().simple().to_string();
    Streams { booking: format!("b-{name}"), directory: format!("d-{name}") }
}

impl World {
    pub(crate) async fn new(engine: Engine, kind: Kind) -> Self {
        let streams = streams();
        let bus: Arc<dyn EventBus> = match kind {
            Kind::Memory => Arc::new(MemoryBus::new()),
            Kind::Redis => {
                Arc::new(RedisBus::connect(redis::shared(), streams.clone()).expect("a URL"))
            }
        };
        Self::on(engine, bus, streams).await
    }

    pub(crate) async fn on(engine: Engine, bus: Arc<dyn EventBus>, streams: Streams) -> Self {
        Self::between(TestDb::new(engine).await, TestDb::new(engine).await, bus, streams)
    }

    pub(crate) fn between(
        producer: TestDb,
        consumer_db: TestDb,
        bus: Arc<dyn EventBus>,
        streams: Streams,
    ) -> Self {
        let outbox = Outbox::new(SOURCE, clock(), ids());
        let stream = streams.booking.clone();
        let relay =
            Relay::new(producer.db.clone(), outbox.clone(), Arc::clone(&bus), stream, clock());
        let direct = Arc::new(Direct {
            outbox: outbox.clone(),
            db: producer.db.clone(),
            down: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
        });
        let recorder = Arc::new(Recorder::default());
        let consumer = consumer(&consumer_db.db, &bus, &direct, &recorder, &streams.booking);
        Self { producer, consumer_db, bus, streams, outbox, relay, direct, recorder, consumer }
    }

    /// Another replica of the consumer.
    pub(crate) fn twin(&self) -> Consumer {
        consumer(
            &self.consumer_db.db,
            &self.bus,
            &self.direct,
            &self.recorder,
            &self.streams.booking,
        )
    }

    /// Another replica of the relay.
    pub(crate) fn second_relay(&self) -> Relay {
        let (db, stream) = (self.producer.db.clone(), self.streams.booking.clone());
        Relay::new(db, self.outbox.clone(), Arc::clone(&self.bus), stream, clock())
    }

    /// Commits `count` events of one aggregate, each in a transaction of its own.
    pub(crate) async fn write(&self, aggregate: Uuid, count: i64) {
        for sequence in 1..=count {
            self.append(&[draft(aggregate, sequence)]).await.expect("append");
        }
    }

    pub(crate) async fn append(&self, drafts: &[Draft]) -> Result<(), DbErr> {
        let db = &self.producer.db;
        let append = |tx: Tx| async move { self.outbox.append(&*tx, "trace", drafts).await };
        db.transact(Scope::All, append).await?;
        self.relay.wake();
        Ok(())
    }

    /// The positions in the order of their effects.
    pub(crate) async fn effects(&self) -> Vec<i64> {
        numbers(&self.consumer_db.db, "SELECT pos FROM effect ORDER BY id").await
    }

    /// Everything that should have had its effect has had it, once and in order.
    pub(crate) async fn is_complete(&self, count: i64) -> bool {
        self.effects().await == (1..=count).collect::<Vec<_>>()
    }

    pub(crate) async fn settle(&self, count: i64, within: Duration) {
        testkit::wait::until(within, &format!("{count} effects"), async || {
            self.effects().await.len() >= usize::try_from(count).expect("a count")
        })
        .await;
        assert!(self.is_complete(count).await, "effects: {:?}", self.effects().await);
    }
}

fn consumer(
    db: &Database,
    bus: &Arc<dyn EventBus>,
    direct: &Arc<Direct>,
    recorder: &Arc<Recorder>,
    stream: &str,
) -> Consumer {
    let subscription = Subscription {
        consumer: "test-service",
        stream: stream.to_owned(),
        sources: vec![SOURCE],
        handler: Arc::<Recorder>::clone(recorder),
    };
    let clients = Clients::new(Arc::<Direct>::clone(direct));
    Consumer::new(db.clone(), Arc::clone(bus), clients, subscription, clock())
        .with_patience(Duration::from_millis(5))
}

pub(crate) fn draft(aggregate_id: Uuid, sequence: i64) -> Draft {
    let payload = json!({"n": sequence, "text": "não é \"só\" ASCII"});
    Draft { tenant_id: Uuid::nil(), aggregate_id, sequence, event_type: "booking.created", payload }
}

/// An event as a bus gets it.
pub(crate) fn event(position: i64) -> Envelope {
    let drafted = draft(Uuid::nil(), position);
    Envelope {
        event_type: drafted.event_type.to_owned(),
        payload: drafted.payload,
        metadata: contracts::event::Metadata {
            event_id: ids().next(),
            tenant_id: Uuid::nil(),
            occurred_at: clock().now(),
            aggregate_id: Uuid::nil(),
            sequence: position,
            trace_id: "trace".to_owned(),
            schema_version: 1,
            source: SOURCE,
            position,
        },
    }
}

pub(crate) fn events(positions: std::ops::RangeInclusive<i64>) -> Vec<Envelope> {
    positions.map(event).collect()
}
