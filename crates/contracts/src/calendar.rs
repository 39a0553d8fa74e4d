//! Calendars that other programs subscribe to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Form, choice, uuid};

/// How every secret of a calendar begins.
pub const CALENDAR_SECRET_PREFIX: &str = "mc_";
/// How the path of every calendar ends.
pub const CALENDAR_SUFFIX: &str = ".ics";

/// How much a calendar tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CalendarDetail {
    /// What is booked, its code and its notes.
    Full,
    /// When, and nothing else.
    Busy,
}

impl CalendarDetail {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["full", "busy"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "full" => Some(Self::Full),
            "busy" => Some(Self::Busy),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Busy => "busy",
        }
    }
}

/// Whose bookings a calendar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CalendarOf {
    /// Those of a user.
    User(Uuid),
    /// Those of a resource.
    Resource(Uuid),
}

/// A new calendar.
#[derive(Debug, Clone, ToSchema)]
pub struct CreateCalendar {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The bookings of this user; this or `resource_id`.
    #[schema(value_type = Option<Uuid>)]
    pub user_id: Option<Uuid>,
    /// The bookings of this resource; this or `user_id`.
    #[schema(value_type = Option<Uuid>)]
    pub resource_id: Option<Uuid>,
    /// How much it tells; absent = `full` of one's own bookings, `busy` of others'.
    #[schema(value_type = Option<CalendarDetail>)]
    pub detail: Option<CalendarDetail>,
}

impl CreateCalendar {
    /// Whose bookings are wanted.
    pub fn of(&self) -> Option<CalendarOf> {
        self.user_id.map(CalendarOf::User).or_else(|| self.resource_id.map(CalendarOf::Resource))
    }
}

impl Decode for CreateCalendar {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let user_id = form.optional("user_id", uuid);
        let resource_id = form.optional("resource_id", uuid);
        let detail = form.optional("detail", choice(CalendarDetail::WORDS, CalendarDetail::parse));
        let (user_id, resource_id) = (user_id?, resource_id?);
        match (user_id, resource_id) {
            (None, None) => {
                form.fault("resource_id", "missing", "Obrigatório sem user_id.")?;
            }
            (Some(_), Some(_)) => {
                form.fault("resource_id", "combination", "Não se aplica com user_id.")?;
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        Some(Self { tenant_id: tenant_id?, user_id, resource_id, detail: detail? })
    }
}

/// A calendar, without the address that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalendarView {
    /// Its id.
    pub id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// Who made it: it is good for as long as this user may see what it shows.
    pub owner_id: Option<Uuid>,
    /// Whose bookings it shows, if they are a user's.
    pub user_id: Option<Uuid>,
    /// Whose bookings it shows, if they are a resource's.
    pub resource_id: Option<Uuid>,
    /// How much it tells.
    pub detail: CalendarDetail,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// The answer to the making of a calendar: the only one that its address is in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedCalendar {
    /// Where calendar programs find it. Who knows the address sees the calendar; it is never shown again.
    #[schema(
        example = "https://marca.example/calendars/feeds/mc_0bR6qk1yXh3vVt5nJc8wLz2sEd4fGa7uQo9iMp1xTkY.ics"
    )]
    pub url: String,
    /// The calendar.
    #[serde(flatten)]
    pub calendar: CalendarView,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form::decode;

    #[test]
    fn a_calendar_is_of_a_user_or_of_a_resource() {
        let id = "019b0a6c-5f7e-7c3a-9d2e-4b8f60a1c2d3";
        let read = |more: &[&str]| {
            let mut body = json!({ "tenant_id": id });
            for field in more {
                body[*field] = json!(id);
            }
            decode::<CreateCalendar>(&body)
        };
        assert!(matches!(read(&["user_id"]).unwrap().of(), Some(CalendarOf::User(_))));
        assert!(matches!(read(&["resource_id"]).unwrap().of(), Some(CalendarOf::Resource(_))));
        for (fields, code) in [(&[][..], "missing"), (&["user_id", "resource_id"], "combination")] {
            let faults = read(fields).unwrap_err();
            assert_eq!((faults[0].path.as_str(), faults[0].code.as_str()), ("resource_id", code));
        }
    }
}
