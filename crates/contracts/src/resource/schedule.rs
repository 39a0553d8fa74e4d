//! The two wire forms of a weekly schedule, for the documentation; `scheduling::Weekly` reads them.

use serde::Serialize;
use utoipa::ToSchema;

/// Weekly hours: by the names of the days, or as a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum WeeklySchedule {
    /// By the names of the days; `{}` = the tenant's working hours every day.
    Days(ScheduleOfDays),
    /// As a list.
    List(ScheduleList),
}

/// The hours of each day; as soon as a day is named, days not named are closed.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ScheduleOfDays {
    /// `08:00-12:00`, at most 50.
    #[schema(required = false, max_items = 50, example = json!(["08:00-12:00", "14:00-18:00"]))]
    pub monday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub tuesday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub wednesday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub thursday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub friday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub saturday: Vec<HourRange>,
    /// As Monday.
    #[schema(required = false, max_items = 50)]
    pub sunday: Vec<HourRange>,
}

/// `HH:MM-HH:MM`, seconds allowed; the end is later than the start and may be `24:00`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(
    pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?-(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)$"
)]
pub struct HourRange(pub String);

/// The hours as a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScheduleList {
    /// At most 50 of a day.
    pub schedule: Vec<ScheduleEntry>,
}

/// Open hours of one day of the week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScheduleEntry {
    /// 0 = Monday … 6 = Sunday.
    #[schema(minimum = 0, maximum = 6)]
    pub day_of_week: u8,
    /// `HH:MM[:SS]`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", example = "09:00")]
    pub start_time: String,
    /// `HH:MM[:SS]` or `24:00`, later than the start.
    #[schema(
        pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00(:00)?)$",
        example = "18:00"
    )]
    pub end_time: String,
}
