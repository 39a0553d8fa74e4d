//! The `waitlist_entry` table.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use common::auth::Scope;
use common::db::Tx;
use contracts::BookingStatus;
use contracts::waitlist::{WaitlistStatus, WaitlistView};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, ExprTrait as _};
use sea_orm::{
    DatabaseTransaction, FromQueryResult, IntoActiveModel as _, QueryOrder as _, QuerySelect as _,
    Statement, Value,
};
use serde::{Deserialize, Serialize};

use super::{Booking, Store};

/// Entries that one statement reads.
const BATCH: u64 = 200;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "waitlist_entry")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub resource_id: Uuid,
    pub user_id: Uuid,
    pub start_time: DateTimeUtc,
    pub end_time: DateTimeUtc,
    pub quantity: i32,
    /// The hold that was offered; without one it waits.
    pub booking_id: Option<Uuid>,
    pub hold_token: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The place of an entry in the order of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) since: DateTime<Utc>,
    pub(crate) id: Uuid,
}

impl Turn {
    pub(crate) fn of(entry: &Model) -> Self {
        Self { since: entry.created_at, id: entry.id }
    }

    fn later(self) -> Condition {
        let later = Column::CreatedAt.gt(self.since);
        let beside = Column::CreatedAt.eq(self.since).and(Column::Id.gt(self.id));
        Condition::any().add(later).add(beside)
    }
}

/// What a list of entries is narrowed to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting {
    pub(crate) resource_id: Option<Uuid>,
    pub(crate) user_id: Option<Uuid>,
}

impl Waiting {
    fn condition(&self, scope: Scope) -> Condition {
        let tenant = match scope {
            Scope::All => None,
            Scope::Tenant(tenant) => Some(tenant),
        };
        Condition::all()
            .add_option(tenant.map(|id| Column::TenantId.eq(id)))
            .add_option(self.resource_id.map(|id| Column::ResourceId.eq(id)))
            .add_option(self.user_id.map(|id| Column::UserId.eq(id)))
    }
}

/// How many wait for something of it, up to and with the entry itself.
const PLACES: &str = "SELECT e.id AS id, (SELECT count(*) FROM waitlist_entry b \
    WHERE b.resource_id = e.resource_id AND b.booking_id IS NULL \
    AND b.start_time < e.end_time AND b.end_time > e.start_time \
    AND (b.created_at, b.id) <= (e.created_at, e.id)) AS place \
    FROM waitlist_entry e WHERE e.booking_id IS NULL AND e.id IN ({ids})";

#[derive(FromQueryResult)]
struct Place {
    id: Uuid,
    place: i64,
}

/// What is known beside the entries themselves.
pub(crate) struct Beside {
    places: BTreeMap<Uuid, i64>,
    offers: BTreeMap<Uuid, Booking>,
    now: DateTime<Utc>,
}

impl Store {
    /// Adds an entry.
    pub(crate) async fn join(&self, tx: &DatabaseTransaction, entry: &Model) -> Result<(), DbErr> {
        Entity::insert(entry.clone().into_active_model()).exec_without_returning(tx).await.map(drop)
    }

    /// An entry of the scope.
    pub(crate) async fn entry(
        &self,
        conn: &impl ConnectionTrait,
        scope: Scope,
        id: Uuid,
    ) -> Result<Option<Model>, DbErr> {
        let own = Waiting::default().condition(scope);
        Entity::find_by_id(id).filter(own).one(conn).await
    }

    /// What a user waits for.
    pub(crate) async fn waited_for(
        &self,
        conn: &impl ConnectionTrait,
        user: Uuid,
    ) -> Result<Vec<Model>, DbErr> {
        let open = Column::UserId.eq(user).and(Column::BookingId.is_null());
        Entity::find().filter(open).limit(BATCH).all(conn).await
    }

    /// A page of a list, one row longer than `limit` when there are more.
    pub(crate) async fn entries(
        &self,
        scope: Scope,
        filter: &Waiting,
        after: Option<Turn>,
        limit: u64,
    ) -> Result<Vec<Model>, DbErr> {
        Entity::find()
            .filter(filter.condition(scope).add_option(after.map(Turn::later)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(&self.database().read(scope))
            .await
    }

    /// How many rows a list has.
    pub(crate) async fn count_entries(&self, scope: Scope, filter: &Waiting) -> Result<u64, DbErr> {
        Entity::find().filter(filter.condition(scope)).count(&self.database().read(scope)).await
    }

    /// Those who wait for a resource, in order; a batch.
    pub(crate) async fn queue(
        &self,
        conn: &impl ConnectionTrait,
        resource: Uuid,
        after: Option<Turn>,
    ) -> Result<Vec<Model>, DbErr> {
        let open = Column::ResourceId.eq(resource).and(Column::BookingId.is_null());
        Entity::find()
            .filter(Condition::all().add(open).add_option(after.map(Turn::later)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(conn)
            .await
    }

    /// The resources somebody waits for, of every tenant, by id; a batch of tenant and resource.
    pub(crate) async fn wanted_resources(
        &self,
        after: Option<Uuid>,
    ) -> Result<Vec<(Uuid, Uuid)>, DbErr> {
        // Housekeeping: every tenant's.
        let conn = self.database().read(Scope::All);
        Entity::find()
            .select_only()
            .columns([Column::TenantId, Column::ResourceId])
            .distinct()
            .filter(Column::BookingId.is_null())
            .filter(Condition::all().add_option(after.map(|id| Column::ResourceId.gt(id))))
            .order_by_asc(Column::ResourceId)
            .order_by_asc(Column::TenantId)
            .limit(BATCH)
            .into_tuple()
            .all(&conn)
            .await
    }

    /// Notes what an entry was offered. False: it does not wait any more.
    pub(crate) async fn offer(
        &self,
        tx: &DatabaseTransaction,
        entry: Uuid,
        hold: Uuid,
        token: &str,
    ) -> Result<bool, DbErr> {
        let done = Entity::update_many()
            .col_expr(Column::BookingId, Expr::value(hold))
            .col_expr(Column::HoldToken, Expr::value(token))
            .filter(Column::Id.eq(entry))
            .filter(Column::BookingId.is_null())
            .exec(tx)
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Takes an entry off the list.
    pub(crate) async fn leave(&self, tx: &DatabaseTransaction, id: Uuid) -> Result<(), DbErr> {
        Entity::delete_by_id(id).exec(tx).await.map(drop)
    }

    /// Takes everything off the list that belongs to what was deleted.
    pub(crate) async fn clear_waitlist(
        &self,
        tx: &DatabaseTransaction,
        column: Column,
        id: Uuid,
    ) -> Result<u64, DbErr> {
        Ok(Entity::delete_many().filter(column.eq(id)).exec(tx).await?.rows_affected)
    }

    /// Forgets entries whose time has begun, and the tokens of holds that are none any more.
    pub(crate) async fn tidy_waitlist(&self, now: DateTime<Utc>) -> Result<(), DbErr> {
        let stale = "UPDATE waitlist_entry SET hold_token = NULL WHERE hold_token IS NOT NULL \
            AND NOT EXISTS (SELECT 1 FROM booking WHERE booking.id = waitlist_entry.booking_id \
            AND booking.status = 'reservado')";
        let tidy = |tx: Tx| async move {
            Entity::delete_many().filter(Column::StartTime.lte(now)).exec(&*tx).await?;
            tx.execute_unprepared(stale).await
        };
        // Housekeeping: every tenant's.
        self.database().transact(Scope::All, tidy).await.map(drop)
    }

    /// What has to be known to show entries.
    pub(crate) async fn beside(
        &self,
        conn: &impl ConnectionTrait,
        entries: &[Model],
    ) -> Result<Beside, DbErr> {
        let mut beside =
            Beside { places: BTreeMap::new(), offers: BTreeMap::new(), now: self.clock.now() };
        let waiting: Vec<Uuid> =
            entries.iter().filter(|it| it.booking_id.is_none()).map(|it| it.id).collect();
        if !waiting.is_empty() {
            let ids: Vec<String> = (1..=waiting.len()).map(|place| format!("${place}")).collect();
            let sql = PLACES.replace("{ids}", &ids.join(","));
            let values: Vec<Value> = waiting.into_iter().map(Value::from).collect();
            let statement =
                Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
            for Place { id, place } in Place::find_by_statement(statement).all(conn).await? {
                beside.places.insert(id, place);
            }
        }
        let offered: Vec<Uuid> = entries.iter().filter_map(|it| it.booking_id).collect();
        if !offered.is_empty() {
            beside.now = self.now(conn).await?;
            let query = super::entity::Entity::find();
            let found = query.filter(super::entity::Column::Id.is_in(offered)).all(conn).await?;
            beside.offers = found.into_iter().map(|booking| (booking.id, booking)).collect();
        }
        Ok(beside)
    }
}

impl Model {
    /// The entry as `caller` may see it: the token is for who waits.
    pub(crate) fn view(self, beside: &Beside, caller: Option<Uuid>) -> WaitlistView {
        let status = match self.booking_id {
            None => WaitlistStatus::Aguardando,
            Some(id) => of_offer(beside.offers.get(&id), beside.now),
        };
        let living = status == WaitlistStatus::Oferecida;
        let Self {
            id,
            tenant_id,
            resource_id,
            user_id,
            start_time,
            end_time,
            quantity,
            booking_id,
            hold_token,
            created_at,
        } = self;
        let hold = booking_id.filter(|_| living).and_then(|id| beside.offers.get(&id));
        WaitlistView {
            id,
            tenant_id,
            resource_id,
            user_id,
            start_time,
            end_time,
            quantity: u32::try_from(quantity).unwrap_or(1),
            status,
            position: beside.places.get(&id).and_then(|place| u64::try_from(*place).ok()),
            booking_id,
            hold_token: hold_token.filter(|_| living && caller == Some(user_id)),
            expires_at: hold.and_then(Booking::hold_ends),
            created_at,
        }
    }
}

/// What became of an offer: nobody keeps a second record of it.
fn of_offer(offer: Option<&Booking>, now: DateTime<Utc>) -> WaitlistStatus {
    let Some(booking) = offer else { return WaitlistStatus::Perdida };
    match booking.status() {
        BookingStatus::Reservado if booking.hold_ends().is_some_and(|end| end > now) => {
            WaitlistStatus::Oferecida
        }
        BookingStatus::Reservado => WaitlistStatus::Perdida,
        // One that was confirmed and cancelled then has no end as a hold any more.
        BookingStatus::Cancelado if booking.expires_at.is_some() => WaitlistStatus::Perdida,
        BookingStatus::Cancelado
        | BookingStatus::Pendente
        | BookingStatus::Confirmado
        | BookingStatus::Concluido
        | BookingStatus::SemDados
        | BookingStatus::NaoCompareceu => WaitlistStatus::Aceita,
    }
}
