//! The second wall between tenants: with every filter of ours forgotten, Postgres still shows a tenant
//! its own rows only. All of it runs as the role that services run as.

use std::time::Duration;

use common::db::{Database, Options, RUNTIME_ROLE, Scope, Tx};
use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement};
use serde_json::json;
use testkit::app::{Engine, TestApp};
use testkit::servers::postgres;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::idempotency::keyed;
use crate::world::{World, guarded};

/// Tables that belong to no tenant, and why.
const TENANTLESS: [(&str, &str); 9] = [
    ("seaql_migrations", "the schema"),
    ("migrations_booking", "the schema"),
    ("migrations_resource", "the schema"),
    ("outbox_head", "how far a stream is numbered"),
    ("checkpoint", "how far a stream is applied"),
    ("delivery_attempt", "how often an event was tried"),
    ("dead_letter", "events of any tenant, for operators only"),
    ("link_key", "signs links of every tenant; makes none without what only their rows hold"),
    ("sign_in_throttle", "counts by hashes of addresses; who is behind one is not known yet"),
];
/// Clients of the test that hangs up.
const CLIENTS: u64 = 24;
/// Requests of each.
const REQUESTS: u64 = 150;

/// Two tenants with people, things, bookings, sessions, events, a kept answer and a tombstone each.
struct Two {
    app: TestApp,
    one: World,
    other: World,
}

impl Two {
    async fn new() -> Self {
        let app = guarded(Engine::Postgres).await;
        let one = World::new(&app, "um.example").await;
        let other = World::new(&app, "outro.example").await;
        for world in [&one, &other] {
            for hour in 13..18 {
                let (start, end) = (format!("2027-03-04T{hour}:00:00Z"), hour + 1);
                world.book(&app, &start, &format!("2027-03-04T{end}:00:00Z")).await.expect(201);
            }
            let room = json!({
                "tenant_id": world.tenant, "category_id": world.category, "name": "Sala 2",
            });
            let room = keyed(world.admin(&app), "/resources/", "k", &room).await.expect(201).id();
            world.admin(&app).delete(&format!("/resources/{room}")).await.expect(204);
        }
        app.settle().await;
        Self { app, one, other }
    }

    fn databases(&self) -> impl Iterator<Item = &Database> {
        self.app.running.services().iter().map(|service| &service.database)
    }
}

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}

async fn names(database: &Database, sql: &str) -> Vec<String> {
    let rows = database.unscoped().query_all_raw(statement(sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// The tables whose rows belong to a tenant, with the column that says to which.
async fn owned(database: &Database) -> Vec<(String, &'static str)> {
    let sql = "SELECT table_name::text FROM information_schema.tables \
               WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY 1";
    let with_tenant = "SELECT table_name::text FROM information_schema.columns \
                       WHERE table_schema = current_schema() AND column_name = 'tenant_id'";
    let known = names(database, with_tenant).await;
    let mut owned = Vec::new();
    for table in names(database, sql).await {
        if known.contains(&table) {
            owned.push((table, "tenant_id"));
        } else if table == "tenants" {
            owned.push((table, "id"));
        } else {
            let allowed = TENANTLESS.iter().any(|(name, _)| *name == table);
            assert!(allowed, "{table} has no tenant_id: whose rows are in it?");
        }
    }
    owned
}

async fn whose(database: &Database, scope: Scope, table: &str, column: &str) -> Vec<Uuid> {
    let sql = format!("SELECT {column} AS owner FROM {table}");
    let rows = database.read(scope).query_all_raw(statement(&sql)).await.unwrap();
    rows.iter().map(|row: &QueryResult| row.try_get("", "owner").unwrap()).collect()
}

async fn run(database: &Database, scope: Scope, sql: &str) -> Result<u64, DbErr> {
    let work = |tx: Tx| async move { Ok(tx.execute_raw(statement(sql)).await?.rows_affected()) };
    database.transact::<_, DbErr, _, _>(scope, work).await
}

fn is_refused(error: &DbErr) -> bool {
    error.to_string().contains("violates row-level security policy")
}

/// A query that forgets its filter: nothing of another tenant, in any table of any service, through a
/// reader and in a transaction; and nothing is lost that should be there.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_a_filter_shows_own_rows_only() {
    let two = Two::new().await;
    let (one, other) = (id(&two.one.tenant), id(&two.other.tenant));
    let mut seen = Vec::new();
    for database in two.databases() {
        for (table, column) in owned(database).await {
            let all = whose(database, Scope::All, &table, column).await;
            for tenant in [one, other] {
                let own = all.iter().filter(|owner| **owner == tenant).count();
                let shown = whose(database, Scope::Tenant(tenant), &table, column).await;
                // Who the tenants are is public; only its own people change one.
                let expected = if table == "tenants" { all.clone() } else { vec![tenant; own] };
                assert_eq!(shown, expected, "{table}");
                let delete = format!("DELETE FROM {table}");
                let delete = delete.as_str();
                let rolled_back = |tx: Tx| async move {
                    let gone = tx.execute_raw(statement(delete)).await?.rows_affected();
                    Err::<(), _>(DbErr::Custom(gone.to_string()))
                };
                let gone = database.transact(Scope::Tenant(tenant), rolled_back).await.unwrap_err();
                if table != "category" {
                    assert_eq!(gone.to_string(), format!("Custom Error: {own}"), "{table}");
                }
            }
            seen.push((table, all.len()));
        }
    }
    let tables: Vec<&str> = seen.iter().map(|(table, _)| table.as_str()).collect();
    let wanted = "tenants users sessions category resource booking tombstone idempotency";
    for wanted in wanted.split(' ') {
        let found = seen.iter().any(|(table, rows)| table == wanted && *rows >= 2);
        assert!(found, "{wanted} is not tried: {tables:?}");
    }
    assert_eq!(tables.iter().filter(|table| **table == "outbox").count(), 4);
    two.app.stop().await;
}

/// Nobody named: an error, on a connection that never heard of the setting and on one where it was set
/// and has gone with its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_named_is_an_error() {
    let two = Two::new().await;
    let options = Options { max_connections: 1, ..Options::default() };
    let mut tried = 0;
    for service in two.app.running.services() {
        let url = two.app.platform.settings.database(service.name);
        for (table, column) in owned(&service.database).await {
            let sql = format!("SELECT {column} FROM {table}");
            let fresh = Database::connect(url, &options).await.unwrap();
            // Of the connections for transactions, and of those for single statements.
            let ask = async || {
                let begun = fresh.unscoped().query_all_raw(statement(&sql)).await.map(drop);
                [begun, fresh.execute(statement(&sql)).await.map(drop)]
            };
            let never = ask().await;
            let rows = whose(&fresh, Scope::All, &table, column).await;
            let nothing = fresh.transact(Scope::All, |_: Tx| async { Ok::<_, DbErr>(()) }).await;
            nothing.unwrap();
            // The only connection of each pool has just had a tenant.
            let no_more = ask().await;
            if !rows.is_empty() {
                for (never, no_more) in never.into_iter().zip(no_more) {
                    let error = never.unwrap_err().to_string();
                    assert!(error.contains("marca.tenant"), "{table}: {error}");
                    let error = no_more.unwrap_err().to_string();
                    assert!(
                        error.contains("invalid input syntax for type uuid"),
                        "{table}: {error}"
                    );
                }
                tried += 1;
            }
            fresh.close().await;
        }
    }
    assert!(tried >= 10, "only {tried} tables had rows");
    two.app.stop().await;
}

/// Writing into another tenant is refused by the database, moving a row there as well.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_into_another_tenant() {
    let two = Two::new().await;
    let (one, other) = (id(&two.one.tenant), id(&two.other.tenant));
    let mut tried = 0;
    for database in two.databases() {
        for (table, column) in owned(database).await {
            let edited =
                format!("UPDATE {table} SET {column} = {column} WHERE {column} = '{other}'");
            assert_eq!(run(database, Scope::Tenant(one), &edited).await.unwrap(), 0, "{table}");
            if !whose(database, Scope::All, &table, column).await.contains(&one) {
                continue;
            }
            let moved = format!("UPDATE {table} SET {column} = '{other}' WHERE {column} = '{one}'");
            let planted = format!(
                "INSERT INTO {table} SELECT (jsonb_populate_record(own, '{{\"{column}\": \"{other}\"}}')).* \
                 FROM {table} own WHERE {column} = '{one}'"
            );
            for sql in [&moved, &planted] {
                let error = run(database, Scope::Tenant(one), sql).await.unwrap_err();
                assert!(is_refused(&error), "{table}: {error}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 8, "only {tried} tables had rows");
    two.app.stop().await;
}

/// The role of these very tests is what production asks for, and each table is forced.
#[tokio::test(flavor = "multi_thread")]
async fn the_role_owns_nothing_and_every_table_is_forced() {
    let app = guarded(Engine::Postgres).await;
    for service in app.running.services() {
        let database = &service.database;
        assert_eq!(database.holes().await.unwrap(), Vec::<String>::new());
        let member = format!("SELECT pg_has_role(current_user, '{RUNTIME_ROLE}', 'MEMBER')::text");
        assert_eq!(names(database, &member).await, ["true"]);
        let forced = "SELECT relname::text FROM pg_class WHERE relrowsecurity AND relforcerowsecurity \
                      AND relnamespace = current_schema()::regnamespace ORDER BY 1";
        let mut tables: Vec<String> =
            owned(database).await.into_iter().map(|(table, _)| table).collect();
        tables.sort();
        assert_eq!(names(database, forced).await, tables);
        let views = "SELECT relname::text FROM pg_class WHERE relkind IN ('v', 'm') AND \
                     relnamespace = current_schema()::regnamespace \
                     AND NOT coalesce(reloptions::text LIKE '%security_invoker=true%', false)";
        assert_eq!(names(database, views).await, Vec::<String>::new(), "views as their owner");
    }
    let url = app.platform.settings.database(contracts::Service::Booking);
    let owner = Database::connect(&postgres::as_owner(url), &Options::default()).await.unwrap();
    assert_eq!(owner.holes().await.unwrap(), ["the service's role owns the tables"]);
    let bare = "CREATE TABLE forgotten (tenant_id uuid)";
    owner.unscoped().execute_unprepared(bare).await.unwrap();
    let holes = owner.holes().await.unwrap();
    assert_eq!(holes[1..], ["the table forgotten has no forced row-level security"]);
    owner.close().await;
    app.stop().await;
}

/// One request of a client: a statement or a transaction, of one tenant, without a filter.
async fn request(database: &Database, tenant: Uuid, number: u64) -> Result<Vec<Uuid>, DbErr> {
    let read = |rows: Vec<QueryResult>| {
        rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<Uuid>, DbErr>>()
    };
    let all = "SELECT tenant_id FROM booking";
    let slow = "SELECT tenant_id FROM booking CROSS JOIN LATERAL pg_sleep(0.0003) AS slept";
    let sql = if number.is_multiple_of(3) { slow } else { all };
    if number.is_multiple_of(2) {
        return read(database.read(Scope::Tenant(tenant)).query_all_raw(statement(sql)).await?);
    }
    let work = |tx: Tx| async move {
        let before = tx.query_all_raw(statement(all)).await?;
        tx.execute_raw(statement("UPDATE booking SET notes = notes")).await?;
        let mut rows = tx.query_all_raw(statement(sql)).await?;
        rows.extend(before);
        if number.is_multiple_of(5) {
            return Err(DbErr::Custom("the client changed its mind".to_owned()));
        }
        read(rows)
    };
    database.transact(Scope::Tenant(tenant), work).await
}

/// Thousands of requests of two tenants over four connections, each dropped at another moment by its
/// client, some cancelled by the server, some with their connection cut: whoever borrows the connection
/// next sees its own rows and no other.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_leave_no_tenant_behind() {
    let two = Two::new().await;
    let url = two.app.platform.settings.database(contracts::Service::Booking);
    let options = Options {
        max_connections: 4,
        acquire_timeout: Duration::from_mins(1),
        ..Options::default()
    };
    let database = Database::connect(url, &options).await.unwrap();
    let tenants = [id(&two.one.tenant), id(&two.other.tenant)];
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let database = database.clone();
        clients.spawn(async move {
            let (mut answered, mut dropped, mut failed) = (0, 0, 0);
            for number in 0..REQUESTS {
                let tenant = tenants[usize::try_from((client + number) % 2).unwrap()];
                // Every fourth client waits; the others give up at another moment each.
                let patience = match number % 4 {
                    0 => Duration::from_mins(1),
                    1 => Duration::from_micros((number * 97 + client * 389) % 2_000),
                    2 => Duration::from_micros((number * 397 + client * 389) % 15_000),
                    _ => Duration::from_micros((number * 1_397 + client * 389) % 100_000),
                };
                let asked = request(&database, tenant, number + client);
                match tokio::time::timeout(patience, asked).await {
                    Ok(Ok(rows)) => {
                        assert!(!rows.is_empty() && rows.len().is_multiple_of(5), "{}", rows.len());
                        assert!(rows.iter().all(|owner| *owner == tenant), "a foreign row");
                        answered += 1;
                    }
                    Ok(Err(_)) => failed += 1,
                    Err(_) => dropped += 1,
                }
            }
            (answered, dropped, failed)
        });
    }
    let mut meddler = JoinSet::new();
    meddler.spawn(meddle(postgres::as_service(url)));
    let (mut answered, mut dropped) = (0, 0);
    for (more, cut, _) in clients.join_all().await {
        answered += more;
        dropped += cut;
    }
    meddler.shutdown().await;
    assert!(answered > 500 && dropped > 500, "{answered} answered, {dropped} dropped");
    // What is left in the pools knows nobody: the second is that of the reads above.
    for _ in 0..16 {
        let left = "SELECT count(*) FROM booking";
        assert!(database.unscoped().query_all_raw(statement(left)).await.is_err());
        assert!(database.execute(statement(left)).await.is_err());
    }
    database.close().await;
    two.app.stop().await;
}

/// Cancels statements and cuts connections of the same role, as an impatient administrator would.
async fn meddle(url: String) {
    let database = Database::connect(&url, &Options::default()).await.unwrap();
    let others = "FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user \
                  AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";
    for turn in 0_u64.. {
        let verb =
            if turn.is_multiple_of(8) { "pg_terminate_backend" } else { "pg_cancel_backend" };
        for sql in ["SELECT pg_sleep(0.02)", &format!("SELECT {verb}(pid)::text {others}")] {
            let _ = database.unscoped().query_all_raw(statement(sql)).await;
        }
    }
}
