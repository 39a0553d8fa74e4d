//! The engine: claims with room around them, shared capacity, holds, series and groups.
//!
//! An exclusive claim is refused by the exclusion constraint (`SQLite`: by a trigger). Of shared ones
//! the database keeps the sum: `capacity_usage` is a step function of time, exact to the second, in rows
//! for stretches in which the sum is the same. Triggers on `booking` keep it, so no statement can forget
//! to, and a CHECK refuses what does not fit.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};
use sea_orm_migration::prelude::*;

use super::sqlite;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_engine"
    }
}

/// The states that take their interval.
pub(super) const TAKES: &str = "('reservado','pendente','confirmado')";

const COLUMNS: [&str; 16] = [
    "category_id uuid",
    "quantity integer NOT NULL DEFAULT 1 CHECK (quantity >= 1)",
    "exclusive boolean NOT NULL DEFAULT true",
    "places integer NOT NULL DEFAULT 1",
    "claim_start timestamptz",
    "claim_end timestamptz",
    "no_show_minutes integer",
    "expires_at timestamptz",
    "hold_secret text",
    "hold_extended boolean NOT NULL DEFAULT false",
    "series_id uuid",
    "series_index integer",
    "original_start_time timestamptz",
    "group_id uuid",
    "checked_in_at timestamptz",
    "checked_in_by uuid",
];

const USAGE: &str = "CREATE TABLE capacity_usage (
    tenant_id {uuid} NOT NULL,
    resource_id {uuid} NOT NULL,
    starts_at {time} NOT NULL,
    ends_at {time} NOT NULL,
    used integer NOT NULL,
    places integer NOT NULL,
    PRIMARY KEY (resource_id, starts_at),
    CONSTRAINT usage_has_length CHECK (ends_at > starts_at),
    CONSTRAINT usage_within_capacity CHECK (used >= 0 AND used <= places))";

/// A lowering of a resource's capacity that is under way: until the resource's facts have this version
/// or newer, no claim may use more places. It counts no longer than the lowering can take.
const LIMIT: &str = "CREATE TABLE capacity_limit (
    resource_id {uuid} NOT NULL PRIMARY KEY,
    tenant_id {uuid} NOT NULL,
    places integer NOT NULL,
    version bigint NOT NULL,
    expires_at {time} NOT NULL)";

/// Adds `a_by` places to `[a_from, a_to)`. Whoever changes a resource's sums holds its lock.
const CHANGE: &str = "CREATE FUNCTION change_usage(a_tenant uuid, a_resource uuid, \
    a_from timestamptz, a_to timestamptz, a_by integer, a_places integer) RETURNS void \
    LANGUAGE plpgsql AS $$
DECLARE edge timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(a_tenant::text || a_resource::text, 0));
  FOREACH edge IN ARRAY ARRAY[a_from, a_to] LOOP
    INSERT INTO capacity_usage (tenant_id, resource_id, starts_at, ends_at, used, places)
      SELECT tenant_id, resource_id, edge, ends_at, used, places FROM capacity_usage
      WHERE resource_id = a_resource AND starts_at < edge AND ends_at > edge;
    UPDATE capacity_usage SET ends_at = edge
      WHERE resource_id = a_resource AND starts_at < edge AND ends_at > edge;
  END LOOP;
  UPDATE capacity_usage SET used = used + a_by,
      places = CASE WHEN a_by > 0 THEN a_places ELSE places END
    WHERE resource_id = a_resource AND starts_at >= a_from AND ends_at <= a_to;
  IF a_by > 0 THEN
    INSERT INTO capacity_usage (tenant_id, resource_id, starts_at, ends_at, used, places)
      SELECT a_tenant, a_resource, gap.starts_at, COALESCE((SELECT min(later.starts_at)
          FROM capacity_usage later WHERE later.resource_id = a_resource
          AND later.starts_at > gap.starts_at AND later.starts_at < a_to), a_to), a_by, a_places
      FROM (SELECT a_from AS starts_at UNION SELECT ends_at FROM capacity_usage
            WHERE resource_id = a_resource AND ends_at > a_from AND ends_at < a_to) gap
      WHERE NOT EXISTS (SELECT 1 FROM capacity_usage here
          WHERE here.resource_id = a_resource AND here.starts_at = gap.starts_at);
  ELSE
    DELETE FROM capacity_usage WHERE resource_id = a_resource AND starts_at >= a_from
      AND ends_at <= a_to AND used = 0;
  END IF;
END $$";

/// Shared claims into the sums; and none where an exclusive claim lies, which a resource can have from
/// before it was shared.
const SHARED: &str = "CREATE FUNCTION booking_shared() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was boolean := TG_OP <> 'INSERT' AND NOT OLD.exclusive AND OLD.status IN {takes};
  is_now boolean := TG_OP <> 'DELETE' AND NOT NEW.exclusive AND NEW.status IN {takes};
BEGIN
  IF was AND is_now AND (OLD.resource_id, OLD.claim_start, OLD.claim_end, OLD.quantity, OLD.places)
      = (NEW.resource_id, NEW.claim_start, NEW.claim_end, NEW.quantity, NEW.places) THEN
    RETURN NULL;
  END IF;
  IF was THEN
    PERFORM change_usage(OLD.tenant_id, OLD.resource_id, OLD.claim_start, OLD.claim_end,
      -OLD.quantity, OLD.places);
  END IF;
  IF is_now THEN
    PERFORM change_usage(NEW.tenant_id, NEW.resource_id, NEW.claim_start, NEW.claim_end,
      NEW.quantity, NEW.places);
    IF EXISTS (SELECT 1 FROM booking WHERE resource_id = NEW.resource_id AND exclusive
        AND status IN {takes} AND claim_start < NEW.claim_end AND claim_end > NEW.claim_start) THEN
      RAISE EXCEPTION 'booking_no_overlap' USING ERRCODE = 'exclusion_violation';
    END IF;
  END IF;
  RETURN NULL;
END $$";

/// No exclusive claim where shared ones lie. The lock is taken before the row is there, in the order
/// of every other writer; writers of exclusive claims do not wait for one another by it.
const EXCLUSIVE: &str = "CREATE FUNCTION booking_exclusive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(NEW.tenant_id::text || NEW.resource_id::text, 0));
  IF EXISTS (SELECT 1 FROM capacity_usage WHERE resource_id = NEW.resource_id
      AND starts_at < NEW.claim_end AND ends_at > NEW.claim_start) THEN
    RAISE EXCEPTION 'booking_no_overlap' USING ERRCODE = 'exclusion_violation';
  END IF;
  RETURN NEW;
END $$";

const POSTGRES_TRIGGERS: [&str; 5] = [
    "CREATE TRIGGER booking_shared_insert AFTER INSERT ON booking FOR EACH ROW
     WHEN (NOT NEW.exclusive) EXECUTE FUNCTION booking_shared()",
    "CREATE TRIGGER booking_shared_update AFTER UPDATE ON booking FOR EACH ROW
     WHEN (NOT NEW.exclusive OR NOT OLD.exclusive) EXECUTE FUNCTION booking_shared()",
    "CREATE TRIGGER booking_shared_delete AFTER DELETE ON booking FOR EACH ROW
     WHEN (NOT OLD.exclusive) EXECUTE FUNCTION booking_shared()",
    "CREATE TRIGGER booking_exclusive_insert BEFORE INSERT ON booking FOR EACH ROW
     WHEN (NEW.exclusive AND NEW.status IN {takes}) EXECUTE FUNCTION booking_exclusive()",
    "CREATE TRIGGER booking_exclusive_update BEFORE UPDATE OF resource_id, claim_start, claim_end, status, exclusive
     ON booking FOR EACH ROW WHEN (NEW.exclusive AND NEW.status IN {takes} AND NOT (OLD.exclusive
       AND OLD.status IN {takes} AND OLD.resource_id = NEW.resource_id
       AND OLD.claim_start = NEW.claim_start AND OLD.claim_end = NEW.claim_end))
     EXECUTE FUNCTION booking_exclusive()",
];

const INDEXES: [&str; 4] = [
    "CREATE INDEX booking_holds ON booking (resource_id, expires_at) WHERE status = 'reservado'",
    "CREATE INDEX booking_of_series ON booking (series_id, series_index) WHERE series_id IS NOT NULL",
    "CREATE INDEX booking_of_group ON booking (group_id) WHERE group_id IS NOT NULL",
    "CREATE INDEX booking_to_finish ON booking (end_time) WHERE status IN ('pendente','confirmado')",
];

async fn postgres(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let run = |sql: String| async move { connection.execute_unprepared(&sql).await.map(drop) };
    for column in COLUMNS {
        run(format!("ALTER TABLE booking ADD COLUMN {column}")).await?;
    }
    run("UPDATE booking SET claim_start = start_time, claim_end = end_time".to_owned()).await?;
    let states =
        "'pendente','confirmado','reservado','cancelado','concluido','sem_dados','nao_compareceu'";
    for sql in [
        "ALTER TABLE booking ALTER COLUMN claim_start SET NOT NULL",
        "ALTER TABLE booking ALTER COLUMN claim_end SET NOT NULL",
        "ALTER TABLE booking ADD CONSTRAINT booking_claim CHECK (claim_start <= start_time AND claim_end >= end_time AND claim_end - claim_start <= interval '96 hours')",
        "ALTER TABLE booking DROP CONSTRAINT booking_status_check",
        "ALTER TABLE booking DROP CONSTRAINT booking_no_overlap",
        "DROP INDEX booking_active",
    ] {
        run(sql.to_owned()).await?;
    }
    run(format!(
        "ALTER TABLE booking ADD CONSTRAINT booking_status_check CHECK (status IN ({states}))"
    ))
    .await?;
    run(format!(
        "ALTER TABLE booking ADD CONSTRAINT booking_no_overlap EXCLUDE USING gist \
         (resource_id WITH =, tstzrange(claim_start, claim_end) WITH &&) \
         WHERE (exclusive AND status IN {TAKES})"
    ))
    .await?;
    run(format!(
        "CREATE INDEX booking_active ON booking (resource_id, claim_start) WHERE status IN {TAKES}"
    ))
    .await?;
    let typed = |sql: &str| sql.replace("{uuid}", "uuid").replace("{time}", "timestamptz");
    for sql in [USAGE, LIMIT] {
        run(typed(sql)).await?;
    }
    for sql in [CHANGE, SHARED, EXCLUSIVE].into_iter().chain(POSTGRES_TRIGGERS).chain(INDEXES) {
        run(sql.replace("{takes}", TAKES)).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            return postgres(connection).await;
        }
        let typed = |sql: &str| {
            sql.replace("{uuid}", "uuid_text").replace("{time}", "timestamp_with_timezone_text")
        };
        for sql in [USAGE, LIMIT] {
            connection.execute_unprepared(&typed(sql)).await?;
        }
        sqlite::rebuild(connection).await?;
        for sql in INDEXES {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    /// Shared claims, holds and who did not come are unknown to the schema before: holds go, the others
    /// are kept as cancelled or without data. Overlapping ones would not fit and end it with an error.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        if postgres {
            for trigger in [
                "shared_insert",
                "shared_update",
                "shared_delete",
                "exclusive_insert",
                "exclusive_update",
            ] {
                let sql = format!("DROP TRIGGER booking_{trigger} ON booking");
                connection.execute_unprepared(&sql).await?;
            }
            connection
                .execute_unprepared(
                    "DROP FUNCTION booking_shared(); DROP FUNCTION booking_exclusive(); \
                     DROP FUNCTION change_usage(uuid, uuid, timestamptz, timestamptz, integer, integer)",
                )
                .await?;
        }
        for sql in [
            "DELETE FROM booking WHERE status = 'reservado'",
            "UPDATE booking SET status = 'sem_dados' WHERE status = 'nao_compareceu'",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        for table in ["capacity_usage", "capacity_limit"] {
            connection.execute_unprepared(&format!("DROP TABLE {table}")).await?;
        }
        if !postgres {
            return sqlite::restore(connection).await;
        }
        for index in [
            "booking_holds",
            "booking_of_series",
            "booking_of_group",
            "booking_to_finish",
            "booking_active",
        ] {
            connection.execute_unprepared(&format!("DROP INDEX {index}")).await?;
        }
        for sql in [
            "ALTER TABLE booking DROP CONSTRAINT booking_no_overlap",
            "ALTER TABLE booking DROP CONSTRAINT booking_status_check",
            "ALTER TABLE booking DROP CONSTRAINT booking_claim",
            "ALTER TABLE booking ADD CONSTRAINT booking_status_check CHECK (status IN ('pendente','confirmado','cancelado','concluido','sem_dados'))",
            "ALTER TABLE booking ADD CONSTRAINT booking_no_overlap EXCLUDE USING gist (resource_id WITH =, tstzrange(start_time, end_time) WITH &&) WHERE (status IN ('pendente','confirmado'))",
            "CREATE INDEX booking_active ON booking (resource_id, start_time) WHERE status IN ('pendente','confirmado')",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        for column in COLUMNS {
            let name = column.split(' ').next().unwrap_or_default();
            connection
                .execute_unprepared(&format!("ALTER TABLE booking DROP COLUMN {name}"))
                .await?;
        }
        Ok(())
    }
}
