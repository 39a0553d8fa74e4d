//! What bookings hold about a person: found for an export, taken out by an erasure.

use common::auth::Scope;
use contracts::event::BookingEvent;
use sea_orm::sea_query::Condition;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseBackend, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement, Value,
};
use uuid::Uuid;

use super::entity::{Column, Entity};
use super::{Booking, Store};

/// Rows that one statement of an erasure changes, so that it stays far below the statement timeout.
const BATCH: u64 = 500;

/// Takes the person out of a batch of the person's own bookings.
const OWN: &str = "UPDATE booking SET \
    user_id = CASE WHEN user_id = $1 THEN $2 ELSE user_id END, \
    client_id = CASE WHEN client_id = $1 THEN $2 ELSE client_id END, \
    cancelled_by = CASE WHEN cancelled_by = $1 THEN $2 ELSE cancelled_by END, \
    notes = NULL, cancellation_reason = NULL \
    WHERE id IN (SELECT id FROM booking WHERE user_id = $1 OR client_id = $1 LIMIT $3)";

/// Takes the person out of a batch of other people's bookings that the person cancelled.
const CANCELLED: &str = "UPDATE booking SET cancelled_by = $2 \
    WHERE id IN (SELECT id FROM booking WHERE cancelled_by = $1 LIMIT $3)";

/// Takes the person out of a batch of the person's series.
const SERIES: &str = "UPDATE booking_series SET user_id = $2 \
    WHERE id IN (SELECT id FROM booking_series WHERE user_id = $1 LIMIT $3)";

/// The events of the nameless bookings that may hold words of people.
const WORDS: &str = "SELECT id, event_type, payload FROM outbox \
    WHERE event_type IN ('booking.updated', 'booking.cancelled') AND id > $2 \
    AND aggregate_id IN (SELECT id FROM booking WHERE user_id = $1 OR client_id = $1) \
    ORDER BY id LIMIT $3";

impl Store {
    /// A page of the bookings made for a user or with the user as the client, one row longer than
    /// `limit` when there are more.
    pub(crate) async fn about(
        &self,
        tenant: Uuid,
        user: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Booking>, DbErr> {
        let whose = Condition::any().add(Column::UserId.eq(user)).add(Column::ClientId.eq(user));
        Entity::find()
            .filter(Column::TenantId.eq(tenant))
            .filter(whose)
            .filter(Condition::all().add_option(after.map(|after| Column::Id.gt(after))))
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(Scope::Tenant(tenant)))
            .await
    }

    /// Puts `nobody` in the place of `user` wherever a booking names the user, and takes out the words
    /// that people wrote to the user's own. Returns how many of the user's own there were.
    pub(crate) async fn forget_person(
        &self,
        tx: &DatabaseTransaction,
        user: Uuid,
        nobody: Uuid,
    ) -> Result<u64, DbErr> {
        let own = in_batches(tx, OWN, user, nobody).await?;
        in_batches(tx, CANCELLED, user, nobody).await?;
        in_batches(tx, SERIES, user, nobody).await?;
        Ok(own)
    }

    /// Takes the words that people wrote out of the events of `nobody`'s bookings.
    pub(crate) async fn forget_words(
        &self,
        tx: &DatabaseTransaction,
        nobody: Uuid,
    ) -> Result<(), DbErr> {
        let backend = tx.get_database_backend();
        let mut after = 0_i64;
        loop {
            let values: [Value; 3] = [nobody.into(), after.into(), BATCH.cast_signed().into()];
            let statement = Statement::from_sql_and_values(backend, WORDS, values);
            let rows = tx.query_all_raw(statement).await?;
            for row in &rows {
                after = row.try_get("", "id")?;
                let payload: String = row.try_get("", "payload")?;
                let mut payload: serde_json::Value = serde_json::from_str(&payload)
                    .map_err(|error| DbErr::Json(format!("payload in the outbox: {error}")))?;
                if BookingEvent::forget_words(&mut payload) {
                    rewrite(tx, backend, after, &payload).await?;
                }
            }
            if rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }
}

async fn in_batches(
    tx: &DatabaseTransaction,
    sql: &str,
    user: Uuid,
    nobody: Uuid,
) -> Result<u64, DbErr> {
    let mut total = 0;
    loop {
        let values: [Value; 3] = [user.into(), nobody.into(), BATCH.cast_signed().into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        let changed = tx.execute_raw(statement).await?.rows_affected();
        total += changed;
        if changed < BATCH {
            return Ok(total);
        }
    }
}

async fn rewrite(
    tx: &DatabaseTransaction,
    backend: DatabaseBackend,
    id: i64,
    payload: &serde_json::Value,
) -> Result<(), DbErr> {
    let sql = "UPDATE outbox SET payload = $1 WHERE id = $2";
    let values: [Value; 2] = [payload.to_string().into(), id.into()];
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.map(drop)
}
