//! The booking table on `SQLite`, which cannot change a CHECK: it is made anew and filled from the old
//! one. Triggers stand in for the exclusion constraint and keep the sums of shared capacity.

use sea_orm::{ConnectionTrait as _, DbErr};
use sea_orm_migration::prelude::*;

use super::m0007_engine::TAKES;

/// The columns that both schemas have.
const KEPT: &str = "id, tenant_id, resource_id, user_id, client_id, start_time, end_time, zone, \
    wall_start, tzdb, status, notes, recurring_enabled, recurring_pattern, confirmation_code, \
    cancellation_hours, cancellation_reason, cancelled_at, cancelled_by, version, created_at, updated_at";

const TABLE: &str = "CREATE TABLE booking_rebuilt (
    id uuid_text NOT NULL PRIMARY KEY,
    tenant_id uuid_text NOT NULL,
    resource_id uuid_text NOT NULL,
    user_id uuid_text NOT NULL,
    client_id uuid_text,
    start_time timestamp_with_timezone_text NOT NULL,
    end_time timestamp_with_timezone_text NOT NULL,
    zone text NOT NULL,
    wall_start text NOT NULL,
    tzdb text NOT NULL,
    status text NOT NULL CHECK (status IN ({states})),
    notes text,
    recurring_enabled boolean NOT NULL,
    recurring_pattern text,
    confirmation_code text NOT NULL CONSTRAINT booking_confirmation_code UNIQUE,
    cancellation_hours integer NOT NULL,
    cancellation_reason text,
    cancelled_at timestamp_with_timezone_text,
    cancelled_by uuid_text,
    version bigint NOT NULL,
    created_at timestamp_with_timezone_text NOT NULL,
    updated_at timestamp_with_timezone_text NOT NULL,{engine}
    CONSTRAINT booking_has_length CHECK (end_time > start_time))";

const ENGINE: &str = "
    category_id uuid_text,
    quantity integer NOT NULL DEFAULT 1 CHECK (quantity >= 1),
    exclusive boolean NOT NULL DEFAULT true,
    places integer NOT NULL DEFAULT 1,
    claim_start timestamp_with_timezone_text NOT NULL,
    claim_end timestamp_with_timezone_text NOT NULL,
    no_show_minutes integer,
    expires_at timestamp_with_timezone_text,
    hold_secret text,
    hold_extended boolean NOT NULL DEFAULT false,
    series_id uuid_text,
    series_index integer,
    original_start_time timestamp_with_timezone_text,
    group_id uuid_text,
    checked_in_at timestamp_with_timezone_text,
    checked_in_by uuid_text,
    CONSTRAINT booking_claim CHECK (claim_start <= start_time AND claim_end >= end_time
        AND julianday(claim_end) - julianday(claim_start) <= 4),";

const STATES: &str =
    "'pendente','confirmado','reservado','cancelado','concluido','sem_dados','nao_compareceu'";
const STATES_BEFORE: &str = "'pendente','confirmado','cancelado','concluido','sem_dados'";

const INDEXES: [&str; 5] = [
    "CREATE INDEX booking_by_start ON booking (tenant_id, start_time, id)",
    "CREATE INDEX booking_by_user ON booking (user_id, start_time)",
    "CREATE INDEX booking_by_client_id ON booking (client_id) WHERE client_id IS NOT NULL",
    "CREATE INDEX booking_by_cancelled_by ON booking (cancelled_by) WHERE cancelled_by IS NOT NULL",
    "CREATE INDEX booking_by_resource ON booking (resource_id, {from})",
];

/// No claim where another one lies that excludes it.
const REFUSE: &str = "CREATE TRIGGER booking_no_overlap_{event} BEFORE {when} ON booking
    WHEN NEW.status IN {takes} AND (EXISTS (
        SELECT 1 FROM booking WHERE resource_id = NEW.resource_id AND id <> NEW.id AND exclusive
        AND status IN {takes} AND claim_start < NEW.claim_end AND claim_end > NEW.claim_start)
      OR (NEW.exclusive AND EXISTS (
        SELECT 1 FROM capacity_usage WHERE resource_id = NEW.resource_id
        AND starts_at < NEW.claim_end AND ends_at > NEW.claim_start)))
    BEGIN SELECT RAISE(ABORT, 'booking_no_overlap'); END";

const REFUSE_BEFORE: &str = "CREATE TRIGGER booking_no_overlap_{event} BEFORE {when} ON booking
    WHEN NEW.status IN ('pendente','confirmado') AND EXISTS (
        SELECT 1 FROM booking WHERE resource_id = NEW.resource_id AND id <> NEW.id
        AND status IN ('pendente','confirmado')
        AND start_time < NEW.end_time AND end_time > NEW.start_time)
    BEGIN SELECT RAISE(ABORT, 'booking_no_overlap'); END";

/// Adds (`{by}`) the quantity of a row to the sums, where `{if}`.
const CHANGE: &str = "
    INSERT INTO capacity_usage SELECT tenant_id, resource_id, {row}.claim_start, ends_at, used, places
      FROM capacity_usage WHERE resource_id = {row}.resource_id
      AND starts_at < {row}.claim_start AND ends_at > {row}.claim_start AND {if};
    UPDATE capacity_usage SET ends_at = {row}.claim_start WHERE resource_id = {row}.resource_id
      AND starts_at < {row}.claim_start AND ends_at > {row}.claim_start AND {if};
    INSERT INTO capacity_usage SELECT tenant_id, resource_id, {row}.claim_end, ends_at, used, places
      FROM capacity_usage WHERE resource_id = {row}.resource_id
      AND starts_at < {row}.claim_end AND ends_at > {row}.claim_end AND {if};
    UPDATE capacity_usage SET ends_at = {row}.claim_end WHERE resource_id = {row}.resource_id
      AND starts_at < {row}.claim_end AND ends_at > {row}.claim_end AND {if};
    UPDATE capacity_usage SET used = used {by} {row}.quantity{places}
      WHERE resource_id = {row}.resource_id AND starts_at >= {row}.claim_start
      AND ends_at <= {row}.claim_end AND {if};";

const FILL: &str = "
    INSERT INTO capacity_usage SELECT NEW.tenant_id, NEW.resource_id, gap.starts_at, COALESCE((
        SELECT min(later.starts_at) FROM capacity_usage later WHERE later.resource_id = NEW.resource_id
        AND later.starts_at > gap.starts_at AND later.starts_at < NEW.claim_end), NEW.claim_end),
        NEW.quantity, NEW.places
      FROM (SELECT NEW.claim_start AS starts_at UNION SELECT ends_at FROM capacity_usage
            WHERE resource_id = NEW.resource_id AND ends_at > NEW.claim_start
            AND ends_at < NEW.claim_end) gap
      WHERE {if} AND NOT EXISTS (SELECT 1 FROM capacity_usage here
        WHERE here.resource_id = NEW.resource_id AND here.starts_at = gap.starts_at);";

const CLEAN: &str = "
    DELETE FROM capacity_usage WHERE resource_id = OLD.resource_id
      AND starts_at >= OLD.claim_start AND ends_at <= OLD.claim_end AND used = 0;";

fn takes(row: &str) -> String {
    format!("(NOT {row}.exclusive AND {row}.status IN {TAKES})")
}

fn subtract() -> String {
    CHANGE
        .replace("{row}", "OLD")
        .replace("{by}", "-")
        .replace("{places}", "")
        .replace("{if}", &takes("OLD"))
        + CLEAN
}

fn add() -> String {
    let change = CHANGE.replace("{by}", "+").replace("{places}", ", places = NEW.places") + FILL;
    change.replace("{row}", "NEW").replace("{if}", &takes("NEW"))
}

fn sums() -> [String; 3] {
    let same = "OLD.resource_id = NEW.resource_id AND OLD.claim_start = NEW.claim_start \
        AND OLD.claim_end = NEW.claim_end AND OLD.quantity = NEW.quantity AND OLD.places = NEW.places";
    let (old, new) = (takes("OLD"), takes("NEW"));
    [
        format!(
            "CREATE TRIGGER booking_shared_insert AFTER INSERT ON booking WHEN {new} BEGIN{} END",
            add()
        ),
        format!(
            "CREATE TRIGGER booking_shared_update AFTER UPDATE ON booking \
             WHEN ({old} OR {new}) AND NOT ({old} AND {new} AND {same}) BEGIN{}{} END",
            subtract(),
            add()
        ),
        format!(
            "CREATE TRIGGER booking_shared_delete AFTER DELETE ON booking WHEN {old} BEGIN{} END",
            subtract()
        ),
    ]
}

/// The table of now, filled from the one before.
pub(super) async fn rebuild(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let table = TABLE.replace("{states}", STATES).replace("{engine}", ENGINE);
    let fill = format!(
        "INSERT INTO booking_rebuilt ({KEPT}, claim_start, claim_end) \
         SELECT {KEPT}, start_time, end_time FROM booking"
    );
    let columns = "resource_id, claim_start, claim_end, status, exclusive";
    let refuse = REFUSE.replace("{takes}", TAKES);
    exchange(connection, &table, &fill, "claim_start", &refuse, columns).await?;
    for trigger in sums() {
        connection.execute_unprepared(&trigger).await?;
    }
    Ok(())
}

/// The table of before, filled from the one of now.
pub(super) async fn restore(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let table = TABLE.replace("{states}", STATES_BEFORE).replace("{engine}", "");
    let fill = format!("INSERT INTO booking_rebuilt ({KEPT}) SELECT {KEPT} FROM booking");
    let columns = "resource_id, start_time, end_time, status";
    exchange(connection, &table, &fill, "start_time", REFUSE_BEFORE, columns).await
}

async fn exchange(
    connection: &SchemaManagerConnection<'_>,
    table: &str,
    fill: &str,
    from: &str,
    refuse: &str,
    columns: &str,
) -> Result<(), DbErr> {
    // Indexes and triggers go with the table.
    for sql in [table, fill, "DROP TABLE booking", "ALTER TABLE booking_rebuilt RENAME TO booking"]
    {
        connection.execute_unprepared(sql).await?;
    }
    for index in INDEXES {
        connection.execute_unprepared(&index.replace("{from}", from)).await?;
    }
    for (event, when) in
        [("insert", "INSERT".to_owned()), ("update", format!("UPDATE OF {columns}"))]
    {
        let trigger = refuse.replace("{event}", event).replace("{when}", &when);
        connection.execute_unprepared(&trigger).await?;
    }
    Ok(())
}
