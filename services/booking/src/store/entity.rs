//! The `booking` table.

use contracts::BookingStatus;
use contracts::booking::BookingView;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "booking")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub resource_id: Uuid,
    pub user_id: Uuid,
    pub client_id: Option<Uuid>,
    pub start_time: DateTimeUtc,
    pub end_time: DateTimeUtc,
    /// The zone, the wall-clock start in it and the tz database it was made with.
    pub zone: String,
    pub wall_start: String,
    pub tzdb: String,
    pub status: String,
    pub notes: Option<String>,
    pub recurring_enabled: bool,
    pub recurring_pattern: Option<String>,
    pub confirmation_code: String,
    /// The policy that applied when the booking was made.
    pub cancellation_hours: i32,
    /// Its category when it was made: what limits of a category count.
    pub category_id: Option<Uuid>,
    pub quantity: i32,
    /// Whether it excludes every other claim, or shares `places`.
    pub exclusive: bool,
    pub places: i32,
    /// Start and end with the room before and after, as the policy was when it was made or moved.
    pub claim_start: DateTimeUtc,
    pub claim_end: DateTimeUtc,
    pub no_show_minutes: Option<i32>,
    /// Of a hold: its end, the hash of the secret that confirms it, and whether it was extended.
    pub expires_at: Option<DateTimeUtc>,
    pub hold_secret: Option<String>,
    pub hold_extended: bool,
    pub series_id: Option<Uuid>,
    pub series_index: Option<i32>,
    pub original_start_time: Option<DateTimeUtc>,
    pub group_id: Option<Uuid>,
    pub checked_in_at: Option<DateTimeUtc>,
    pub checked_in_by: Option<Uuid>,
    pub cancellation_reason: Option<String>,
    pub cancelled_at: Option<DateTimeUtc>,
    pub cancelled_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn status(&self) -> BookingStatus {
        BookingStatus::parse(&self.status).unwrap_or(BookingStatus::SemDados)
    }

    /// When it stops to count, if it is a hold.
    pub(crate) fn hold_ends(&self) -> Option<DateTimeUtc> {
        self.expires_at.filter(|_| self.status() == BookingStatus::Reservado)
    }

    pub(crate) fn cancellation_hours(&self) -> u32 {
        u32::try_from(self.cancellation_hours).unwrap_or(0)
    }

    pub(crate) fn can_cancel(&self, now: DateTimeUtc) -> bool {
        self.status().is_active()
            && scheduling::can_cancel(self.start_time, self.cancellation_hours(), now)
    }

    pub(crate) fn view(self, now: DateTimeUtc) -> BookingView {
        let (status, can_cancel) = (self.status(), self.can_cancel(now));
        let Self {
            id,
            tenant_id,
            resource_id,
            user_id,
            client_id,
            start_time,
            end_time,
            zone: _,
            wall_start: _,
            tzdb: _,
            status: _,
            notes,
            recurring_enabled,
            recurring_pattern,
            confirmation_code,
            cancellation_hours: _,
            category_id: _,
            quantity,
            exclusive: _,
            places: _,
            claim_start: _,
            claim_end: _,
            no_show_minutes: _,
            expires_at,
            hold_secret: _,
            hold_extended: _,
            series_id,
            series_index: _,
            original_start_time,
            group_id,
            checked_in_at,
            checked_in_by: _,
            cancellation_reason,
            cancelled_at,
            cancelled_by,
            version,
            created_at,
            updated_at,
        } = self;
        BookingView {
            id,
            tenant_id,
            resource_id,
            user_id,
            client_id,
            start_time,
            end_time,
            status,
            notes,
            recurring_enabled,
            recurring_pattern: recurring_pattern.and_then(|text| serde_json::from_str(&text).ok()),
            quantity: u32::try_from(quantity).unwrap_or(1),
            expires_at,
            series_id,
            original_start_time,
            group_id,
            checked_in_at,
            confirmation_code,
            cancellation_reason,
            cancelled_at,
            cancelled_by,
            version,
            created_at,
            updated_at,
            can_cancel,
        }
    }
}
