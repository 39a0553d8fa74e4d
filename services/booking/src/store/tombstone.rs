//! What was deleted elsewhere. A booking for a deleted tenant, resource or user is refused by the
//! same statement that would store it; the near caches alone could be a moment late.

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::Tx;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use uuid::Uuid;

use super::Store;

/// What a deleted object was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    Tenant,
    Resource,
    User,
    /// A user whose name is to go as well.
    Erased,
}

impl Gone {
    const fn word(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Resource => "resource",
            Self::User => "user",
            Self::Erased => "erased",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        let all = [Self::Tenant, Self::Resource, Self::User, Self::Erased];
        all.into_iter().find(|gone| gone.word() == word)
    }

    /// Remembers that `id` of `tenant` was deleted. An erasure outdoes the deletion of the same user,
    /// whichever is heard of first.
    pub(crate) async fn remember(
        self,
        conn: &impl ConnectionTrait,
        tenant: Uuid,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), DbErr> {
        let sql = "INSERT INTO tombstone (id, kind, tenant_id, created_at) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, \
                   created_at = excluded.created_at \
                   WHERE tombstone.kind = 'user' AND excluded.kind = 'erased'";
        let values: [Value; 4] = [id.into(), self.word().into(), tenant.into(), now.into()];
        conn.execute_raw(Statement::from_sql_and_values(conn.get_database_backend(), sql, values))
            .await?;
        Ok(())
    }

    /// The first of `ids` that was deleted.
    pub(crate) async fn any(
        conn: &impl ConnectionTrait,
        ids: &[Uuid; 3],
    ) -> Result<Option<Self>, DbErr> {
        let sql = "SELECT kind FROM tombstone WHERE id IN ($1, $2, $3) LIMIT 1";
        let values: [Value; 3] = ids.map(Into::into);
        let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        let Some(row) = conn.query_one_raw(statement).await? else { return Ok(None) };
        Ok(Self::parse(&row.try_get::<String>("", "kind")?))
    }
}

impl Store {
    /// Forgets what was deleted before `before`.
    pub(crate) async fn forget_gone(&self, before: DateTime<Utc>) -> Result<(), DbErr> {
        let sql = "DELETE FROM tombstone WHERE created_at < $1";
        let forget = |tx: Tx| async move {
            let backend = tx.get_database_backend();
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, [before.into()])).await
        };
        // Housekeeping: every tenant's.
        self.database().transact(Scope::All, forget).await.map(drop)
    }

    /// What was deleted since `since` and still has bookings it should not have, at most 1,000.
    pub(crate) async fn recently_gone(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<(Gone, Uuid)>, DbErr> {
        let sql = "SELECT kind, id FROM tombstone t WHERE created_at >= $1 AND CASE kind \
              WHEN 'tenant' THEN EXISTS (SELECT 1 FROM booking b WHERE b.tenant_id = t.id) \
                OR EXISTS (SELECT 1 FROM waitlist_entry w WHERE w.tenant_id = t.id) \
                OR EXISTS (SELECT 1 FROM booking_link l WHERE l.tenant_id = t.id) \
                OR EXISTS (SELECT 1 FROM calendar_feed f WHERE f.tenant_id = t.id) \
              WHEN 'user' THEN EXISTS (SELECT 1 FROM booking b WHERE b.user_id = t.id \
                AND b.status IN ('reservado','pendente','confirmado')) \
                OR EXISTS (SELECT 1 FROM waitlist_entry w WHERE w.user_id = t.id) \
                OR EXISTS (SELECT 1 FROM booking_link l WHERE l.user_id = t.id) \
                OR EXISTS (SELECT 1 FROM calendar_feed f WHERE t.id IN (f.user_id, f.owner_id)) \
              WHEN 'erased' THEN EXISTS (SELECT 1 FROM booking b \
                WHERE b.user_id = t.id OR b.client_id = t.id OR b.cancelled_by = t.id) \
                OR EXISTS (SELECT 1 FROM waitlist_entry w WHERE w.user_id = t.id) \
                OR EXISTS (SELECT 1 FROM booking_link l \
                  WHERE l.user_id = t.id OR l.created_by = t.id) \
                OR EXISTS (SELECT 1 FROM calendar_feed f WHERE t.id IN (f.user_id, f.owner_id)) \
              ELSE EXISTS (SELECT 1 FROM booking b WHERE b.resource_id = t.id \
                AND b.status IN ('reservado','pendente','confirmado')) \
                OR EXISTS (SELECT 1 FROM waitlist_entry w WHERE w.resource_id = t.id) \
                OR EXISTS (SELECT 1 FROM calendar_feed f WHERE f.resource_id = t.id) END \
            ORDER BY created_at LIMIT 1000";
        // Housekeeping: every tenant's.
        let conn = self.database().read(Scope::All);
        let statement =
            Statement::from_sql_and_values(conn.get_database_backend(), sql, [since.into()]);
        let rows = conn.query_all_raw(statement).await?;
        let read = |row: &sea_orm::QueryResult| -> Result<Option<(Gone, Uuid)>, DbErr> {
            let id = row.try_get("", "id")?;
            Ok(Gone::parse(&row.try_get::<String>("", "kind")?).map(|gone| (gone, id)))
        };
        rows.iter().filter_map(|row| read(row).transpose()).collect()
    }
}
