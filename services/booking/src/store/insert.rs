//! Making a booking: the claim and its event, or neither.
//!
//! Postgres does both in one statement, so in one round trip. `ON CONFLICT DO NOTHING` without a
//! target covers the exclusion constraint and, unlike a caught 23P01, never deadlocks under a race.

use common::auth::Scope;
use common::db::{Engine, Fault, answer_lost, classify};
use common::streams::Draft;
use contracts::event::{BookingCreated, BookingEvent};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ConnectionTrait as _, DatabaseBackend, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, Statement, Value,
};
use uuid::Uuid;

use super::entity::Entity;
use super::{Booking, Gone, Store};
use crate::error::Error;

/// What became of an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// Stored, with its event.
    Stored,
    /// Refused by the database: the interval or the confirmation code is taken, or an object of it
    /// was deleted.
    Refused,
}

/// The tenant is set by the first part, and every other part is fed by its row: the inserted row comes
/// from it, the look at the tombstones is repeated for it (`OFFSET 0` keeps it from becoming a join),
/// and the outbox row comes from the inserted one.
const BOOKING: &str = "\
WITH held AS MATERIALIZED (SELECT set_config('marca.tenant', $21, true) AS tenant), b AS (
  INSERT INTO booking (id, tenant_id, resource_id, user_id, client_id, start_time, end_time, zone,
    wall_start, tzdb, status, notes, recurring_enabled, recurring_pattern, confirmation_code,
    cancellation_hours, version, created_at, updated_at, category_id, quantity, exclusive, places,
    claim_start, claim_end, no_show_minutes, expires_at, hold_secret)
  SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $17,
    $22, $23, true, 1, $24, $25, $26, $27, $28
  FROM held WHERE held.tenant IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM tombstone WHERE id IN ($2, $3, $4) AND held.tenant IS NOT NULL OFFSET 0)
  ON CONFLICT DO NOTHING RETURNING id)";
const EVENT: &str = "
INSERT INTO outbox (event_id, tenant_id, aggregate_id, sequence, event_type, payload, trace_id, created_at)
SELECT $18, $2, b.id, 1, 'booking.created', $19, $20, $17 FROM b";
/// From where a hold was made.
const CLIENT: &str = ", made AS (
  INSERT INTO hold_client (booking_id, tenant_id, client) SELECT b.id, $2, $29 FROM b)";

/// An exclusive booking and its event, and from where it was made if it is a hold that counts.
fn in_one(booking: &Booking, event_id: Uuid, trace_id: &str, mark: Option<&str>) -> Statement {
    let mut values: Vec<Value> = vec![
        booking.id.into(),
        booking.tenant_id.into(),
        booking.resource_id.into(),
        booking.user_id.into(),
        booking.client_id.into(),
        booking.start_time.into(),
        booking.end_time.into(),
        booking.zone.clone().into(),
        booking.wall_start.clone().into(),
        booking.tzdb.clone().into(),
        booking.status.clone().into(),
        booking.notes.clone().into(),
        booking.recurring_enabled.into(),
        booking.recurring_pattern.clone().into(),
        booking.confirmation_code.clone().into(),
        booking.cancellation_hours.into(),
        booking.created_at.into(),
        event_id.into(),
        created(booking).payload().to_string().into(),
        trace_id.into(),
        Scope::Tenant(booking.tenant_id).setting().into(),
        booking.category_id.into(),
        booking.quantity.into(),
        booking.claim_start.into(),
        booking.claim_end.into(),
        booking.no_show_minutes.into(),
        booking.expires_at.into(),
        booking.hold_secret.clone().into(),
    ];
    values.extend(mark.map(Value::from));
    let sql = [BOOKING, if mark.is_some() { CLIENT } else { "" }, EVENT].concat();
    Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, values)
}

impl Store {
    /// Stores a new booking and its event.
    pub(crate) async fn insert(
        &self,
        booking: &Booking,
        event_id: Uuid,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        match self.database().engine() {
            Engine::Postgres => self.insert_in_one(booking, event_id, trace_id).await,
            Engine::Sqlite => self.insert_in_transaction(booking, trace_id).await,
        }
    }

    async fn insert_in_one(
        &self,
        booking: &Booking,
        event_id: Uuid,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        let statement = in_one(booking, event_id, trace_id, None);
        let done = match self.database().execute(statement).await {
            Err(error) if answer_lost(&error) => return self.look_up(booking, &error).await,
            // Shared claims lie there, from before the resource was exclusive.
            Err(error) if classify(&error) == Fault::Overlap => return Ok(Inserted::Refused),
            done => done?,
        };
        Ok(if done.rows_affected() == 1 { Inserted::Stored } else { Inserted::Refused })
    }

    /// Stores an exclusive booking and its event inside a transaction on Postgres, by one statement. A
    /// hold is remembered with the mark of who made it.
    pub(crate) async fn enter_in_one(
        &self,
        tx: &DatabaseTransaction,
        booking: &Booking,
        (event_id, trace_id): (Uuid, &str),
        mark: Option<&str>,
    ) -> Result<Inserted, Error> {
        let done = tx.execute_raw(in_one(booking, event_id, trace_id, mark)).await?;
        Ok(if done.rows_affected() == 1 { Inserted::Stored } else { Inserted::Refused })
    }

    async fn insert_in_transaction(
        &self,
        booking: &Booking,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        let scope = Scope::Tenant(booking.tenant_id);
        let stored = self.database().transact(scope, |tx| async move {
            let tx = &*tx;
            let ids = [booking.tenant_id, booking.resource_id, booking.user_id];
            if Gone::any(tx, &ids).await?.is_some() {
                return Ok(Inserted::Refused);
            }
            self.enter(tx, booking, trace_id).await
        });
        Self::refused_or(booking.id, stored.await)
    }

    /// Stores a new booking and its event inside a transaction. Whoever calls holds the resource's
    /// lock. What the database refuses by an error, rather than by no row, ends the transaction:
    /// [`Self::refused_or`] tells it from a failure.
    pub(crate) async fn enter(
        &self,
        tx: &DatabaseTransaction,
        booking: &Booking,
        trace_id: &str,
    ) -> Result<Inserted, Error> {
        let insert = Entity::insert(booking.clone().into_active_model());
        let rows = match self.database().engine() {
            // Beside inserts that hold no lock; a bare one would deadlock with them.
            Engine::Postgres => {
                let nothing = OnConflict::new().do_nothing().to_owned();
                match insert.on_conflict(nothing).exec_without_returning(tx).await {
                    Err(DbErr::RecordNotInserted) => 0,
                    rows => rows?,
                }
            }
            Engine::Sqlite => insert.exec_without_returning(tx).await?,
        };
        if rows == 0 {
            return Ok(Inserted::Refused);
        }
        self.outbox().append(tx, trace_id, &[draft(booking, &created(booking))]).await?;
        Ok(Inserted::Stored)
    }

    /// The outcome of a transaction around [`Self::enter`].
    pub(crate) fn refused_or(id: Uuid, stored: Result<Inserted, Error>) -> Result<Inserted, Error> {
        match stored {
            Err(Error::Database(error)) => match classify(&error) {
                Fault::Overlap | Fault::Unique(_) => Ok(Inserted::Refused),
                Fault::ForeignKey | Fault::Unavailable | Fault::Retryable | Fault::Other => {
                    Err(Error::from(error).of_write(id))
                }
            },
            done => done,
        }
    }

    /// The connection was lost under the statement: perhaps it was carried out all the same.
    async fn look_up(&self, booking: &Booking, cause: &DbErr) -> Result<Inserted, Error> {
        match self.find(Scope::Tenant(booking.tenant_id), booking.id).await {
            Ok(Some(_)) => Ok(Inserted::Stored),
            // Not there yet is not never: the server may still be at it.
            Ok(None) | Err(_) => {
                Err(Error::OutcomeUnknown { id: booking.id, cause: cause.to_string() })
            }
        }
    }
}

pub(super) fn created(booking: &Booking) -> BookingEvent {
    BookingEvent::Created(BookingCreated {
        booking_id: booking.id,
        user_id: booking.user_id,
        resource_id: booking.resource_id,
        tenant_id: booking.tenant_id,
        status: booking.status(),
        start_time: booking.start_time,
        end_time: booking.end_time,
    })
}

/// An event of a booking as its outbox row.
pub(crate) fn draft(booking: &Booking, event: &BookingEvent) -> Draft {
    Draft {
        tenant_id: booking.tenant_id,
        aggregate_id: booking.id,
        sequence: booking.version,
        event_type: event.event_type(),
        payload: event.payload(),
    }
}
