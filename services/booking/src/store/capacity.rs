//! What is counted of bookings: those of one person, and the places of a shared resource.

use chrono::{DateTime, Utc};
use common::db::Engine;
use contracts::BookingStatus;
use scheduling::Span;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use uuid::Uuid;

use super::{Booking, Store};
use crate::error::Error;

/// The bookings of one person that a limit counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) tenant: Uuid,
    pub(crate) user: Uuid,
    pub(crate) category: Option<Uuid>,
    pub(crate) resource: Option<Uuid>,
    /// Those that start in it.
    pub(crate) period: Option<Span>,
    /// Those that are not over then.
    pub(crate) not_over_at: Option<DateTime<Utc>>,
    /// Not this one.
    pub(crate) except: Uuid,
}

impl Store {
    /// How many bookings a person has, and how many seconds they last together. Holds that live at
    /// `now` count; what was cancelled, and what nobody came to, does not.
    pub(crate) async fn counted(
        &self,
        conn: &impl ConnectionTrait,
        what: &Counted,
        now: DateTime<Utc>,
    ) -> Result<(i64, i64), DbErr> {
        let backend = conn.get_database_backend();
        let length = match self.database().engine() {
            Engine::Postgres => "extract(epoch FROM end_time - start_time)::bigint",
            Engine::Sqlite => {
                "CAST(strftime('%s', end_time) AS integer) - CAST(strftime('%s', start_time) AS integer)"
            }
        };
        let mut values: Vec<Value> =
            vec![what.tenant.into(), what.user.into(), what.except.into(), now.into()];
        let mut more = String::new();
        let mut also = |condition: &str, value: Value| {
            values.push(value);
            more.push_str(&condition.replace("{}", &format!("${}", values.len())));
        };
        if let Some(category) = what.category {
            also(" AND category_id = {}", category.into());
        }
        if let Some(resource) = what.resource {
            also(" AND resource_id = {}", resource.into());
        }
        if let Some(period) = what.period {
            also(" AND start_time >= {}", period.start().into());
            also(" AND start_time < {}", period.end().into());
        }
        if let Some(then) = what.not_over_at {
            also(" AND end_time > {}", then.into());
            also(" AND status <> {}", BookingStatus::Concluido.as_str().into());
        }
        let sql = format!(
            "SELECT count(*) AS bookings, CAST(coalesce(sum({length}), 0) AS bigint) AS seconds \
             FROM booking WHERE tenant_id = $1 AND user_id = $2 AND id <> $3 \
             AND status NOT IN ('cancelado','nao_compareceu') \
             AND (status <> 'reservado' OR expires_at > $4){more}"
        );
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let row = conn.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("a count".to_owned()))?;
        Ok((row.try_get("", "bookings")?, row.try_get("", "seconds")?))
    }

    /// Obeys a lowering of the resource's capacity that is newer than the facts decided by.
    pub(crate) async fn obey_lowering(
        &self,
        conn: &impl ConnectionTrait,
        booking: &mut Booking,
        version: i64,
    ) -> Result<(), Error> {
        if booking.exclusive {
            return Ok(());
        }
        let sql = "SELECT places FROM capacity_limit WHERE resource_id = $1 AND version > $2 \
                   AND expires_at > $3";
        let values: [Value; 3] =
            [booking.resource_id.into(), version.into(), booking.updated_at.into()];
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        if let Some(row) = conn.query_one_raw(statement).await? {
            booking.places = booking.places.min(row.try_get("", "places")?);
        }
        Ok(())
    }
}
