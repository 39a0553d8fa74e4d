//! What is counted of bookings: those of one person, and the places of a shared resource.

use chrono::{DateTime, Utc};
use common::db::Engine;
use common::providers::Bookable;
use contracts::BookingStatus;
use scheduling::Span;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use uuid::Uuid;

use super::queries::LONGEST_CLAIM;
use super::{Booking, Reach, Store};
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

/// A shared resource that is about to take fewer bookings at one instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lowered {
    pub(crate) tenant: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) places: i32,
    /// The version that its facts will have.
    pub(crate) version: i64,
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

    /// The most places that are counted at one instant of a stretch: what is taken, and dead holds that
    /// nobody has buried yet. `None`: an exclusive claim from before the resource was shared is in it.
    pub(crate) async fn counted_places(
        &self,
        conn: &impl ConnectionTrait,
        reach: &Reach,
    ) -> Result<Option<u64>, DbErr> {
        // No row is longer than a claim, so that neither index need be read from its beginning.
        let sql = "SELECT CAST(COALESCE((SELECT max(used) FROM capacity_usage WHERE tenant_id = $1 \
                   AND resource_id = $2 AND starts_at > $5 AND starts_at < $4 AND ends_at > $3), 0) \
                   AS bigint) AS used, EXISTS (SELECT 1 FROM booking WHERE tenant_id = $1 \
                   AND resource_id = $2 AND exclusive AND status IN ('reservado','pendente','confirmado') \
                   AND claim_start > $5 AND claim_start < $4 AND claim_end > $3) AS excluded";
        let Reach { tenant, resource, from, to, .. } = *reach;
        let first = from - LONGEST_CLAIM;
        let values: [Value; 5] =
            [tenant.into(), resource.into(), from.into(), to.into(), first.into()];
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        let row = conn.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("a sum".to_owned()))?;
        let used: i64 = row.try_get("", "used")?;
        let excluded: bool = row.try_get("", "excluded")?;
        Ok(u64::try_from(used).ok().filter(|_| !excluded))
    }

    /// Obeys a lowering of the resource's capacity that the facts decided by may not know of: it has a
    /// newer version than they, and they were asked for before it can be said to have failed.
    pub(crate) async fn obey_lowering(
        &self,
        conn: &impl ConnectionTrait,
        booking: &mut Booking,
        facts: &Bookable,
    ) -> Result<(), Error> {
        if booking.exclusive {
            return Ok(());
        }
        let sql = "SELECT places FROM capacity_limit WHERE resource_id = $1 AND version > $2 \
                   AND expires_at > $3";
        let values: [Value; 3] =
            [booking.resource_id.into(), facts.version.into(), facts.asked_at.into()];
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        if let Some(row) = conn.query_one_raw(statement).await? {
            booking.places = booking.places.min(row.try_get("", "places")?);
        }
        Ok(())
    }

    /// The bookings that need more than `places` of a shared resource after `now`, by start, at most
    /// `most`. Whoever asks holds the resource's lock and has buried its dead holds.
    pub(crate) async fn in_the_way_of_lowering(
        &self,
        conn: &impl ConnectionTrait,
        lowered: &Lowered,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Booking>, DbErr> {
        let Lowered { tenant, resource, places, .. } = *lowered;
        // At least one booking begins or ends with most stretches, so few of them name enough. One that
        // is gone may have left a cut: then fewer are told, and it is refused all the same.
        let sql = "SELECT starts_at, ends_at FROM capacity_usage WHERE tenant_id = $1 \
                   AND resource_id = $2 AND ends_at > $3 AND used > $4 ORDER BY starts_at LIMIT $5";
        let limit = i64::try_from(most.saturating_mul(2)).unwrap_or(i64::MAX);
        let values: [Value; 5] =
            [tenant.into(), resource.into(), now.into(), places.into(), limit.into()];
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        let mut found: Vec<Booking> = Vec::new();
        for row in conn.query_all_raw(statement).await? {
            if found.len() >= most {
                break;
            }
            let (from, to) = (row.try_get("", "starts_at")?, row.try_get("", "ends_at")?);
            let reach = Reach { tenant, resource, from, to, except: None };
            for booking in self.claims(conn, &reach).await?.found {
                if !booking.exclusive && !found.iter().any(|known| known.id == booking.id) {
                    found.push(booking);
                }
            }
        }
        found.sort_by_key(|booking| (booking.start_time, booking.id));
        found.truncate(most);
        Ok(found)
    }

    /// Notes a lowering, for those who decide by older facts. One that is still under way beside it
    /// counts as well.
    pub(crate) async fn note_lowering(
        &self,
        conn: &impl ConnectionTrait,
        lowered: &Lowered,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let sql = "INSERT INTO capacity_limit (resource_id, tenant_id, places, version, expires_at) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (resource_id) DO UPDATE SET \
                   places = CASE WHEN capacity_limit.expires_at > $6 \
                     AND capacity_limit.places < excluded.places \
                     THEN capacity_limit.places ELSE excluded.places END, \
                   version = CASE WHEN capacity_limit.version > excluded.version \
                     THEN capacity_limit.version ELSE excluded.version END, \
                   expires_at = excluded.expires_at";
        let values: [Value; 6] = [
            lowered.resource.into(),
            lowered.tenant.into(),
            lowered.places.into(),
            lowered.version.into(),
            expires_at.into(),
            now.into(),
        ];
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        conn.execute_raw(statement).await.map(drop)
    }
}
