//! Which bookings have come to an end, and ending them.

use chrono::{DateTime, TimeDelta, Utc};
use common::auth::Scope;
use contracts::event::BookingEvent;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseBackend,
    DatabaseTransaction, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    Statement, Value,
};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::insert::draft;
use super::{Booking, Store};

/// Bookings of one batch.
const BATCH: u32 = 100;

/// A booking that has come to its end, to be looked at again under its locks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) tenant: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) id: Uuid,
}

/// A batch of them.
pub(crate) struct DueBatch {
    pub(crate) bookings: Vec<Due>,
    /// Whether there may be more.
    pub(crate) is_full: bool,
}

const NOBODY_CAME: &str = "SELECT id, tenant_id, resource_id FROM booking \
    WHERE status = 'confirmado' AND no_show_minutes IS NOT NULL AND checked_in_at IS NULL \
    AND start_time <= $1 AND {late} ORDER BY start_time, id LIMIT $2";
const OVER: &str = "SELECT id, tenant_id, resource_id FROM booking \
    WHERE status IN ('pendente','confirmado') AND end_time <= $1 AND claim_end <= $1 \
    ORDER BY end_time, id LIMIT $2";

impl Store {
    /// Bookings that have come to their end at `now`, of every tenant.
    pub(crate) async fn due(&self, now: DateTime<Utc>) -> Result<DueBatch, DbErr> {
        // Housekeeping: every tenant's.
        let conn = self.database().read(Scope::All);
        let backend = conn.get_database_backend();
        let late = match backend {
            DatabaseBackend::Postgres => "start_time + no_show_minutes * interval '1 minute' <= $1",
            DatabaseBackend::MySql | DatabaseBackend::Sqlite | _ => {
                "CAST(strftime('%s', start_time) AS integer) + no_show_minutes * 60 \
                 <= CAST(strftime('%s', $1) AS integer)"
            }
        };
        let mut bookings = Vec::new();
        let mut is_full = false;
        for sql in [NOBODY_CAME.replace("{late}", late), OVER.to_owned()] {
            let values: [Value; 2] = [now.into(), i64::from(BATCH).into()];
            let rows =
                conn.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
            is_full |= u32::try_from(rows.len()).is_ok_and(|found| found == BATCH);
            for row in rows {
                bookings.push(Due {
                    tenant: row.try_get("", "tenant_id")?,
                    resource: row.try_get("", "resource_id")?,
                    id: row.try_get("", "id")?,
                });
            }
        }
        Ok(DueBatch { bookings, is_full })
    }

    /// Stores a changed booking and its event if it is still what it was.
    pub(crate) async fn exchange(
        &self,
        tx: &DatabaseTransaction,
        old: &Booking,
        new: &Booking,
        event: &BookingEvent,
        trace_id: &str,
    ) -> Result<bool, DbErr> {
        let done = Entity::update_many()
            .set(new.clone().into_active_model().reset_all())
            .filter(Column::Id.eq(old.id))
            .filter(Column::Status.eq(old.status.as_str()))
            .filter(Column::Version.eq(old.version))
            .exec(tx)
            .await?;
        if done.rows_affected == 0 {
            return Ok(false);
        }
        self.outbox().append(tx, trace_id, &[draft(new, event)]).await?;
        Ok(true)
    }
}

impl Booking {
    /// When it is given up because nobody checked in; never later than its end.
    pub(crate) fn no_show_at(&self) -> Option<DateTime<Utc>> {
        let minutes = self.no_show_minutes.filter(|_| self.checked_in_at.is_none())?;
        Some((self.start_time + TimeDelta::minutes(i64::from(minutes))).min(self.end_time))
    }
}
