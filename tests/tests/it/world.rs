//! The world that most tests begin with: a tenant, a user, a category, a resource.

use crate::api::{Api, Reply};
use crate::sql::Sql;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The password of everyone a test makes.
pub(crate) const PASSWORD: &str = "correct horse 1";
/// Slots of a day in the worlds of [`World::dense`]: 00:00 to 23:00 in quarters of an hour.
pub(crate) const SLOTS: usize = 92;

/// A tenant with people and things, made without tokens on an open platform.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) category: String,
    pub(crate) resource: String,
}

impl World {
    /// UTC, 00:00–23:00 every quarter of an hour, a year ahead, cancelling always allowed.
    pub(crate) async fn dense(api: &Api) -> Self {
        let settings = json!({
            "timezone": "UTC", "working_hours_start": "00:00", "working_hours_end": "23:00",
            "booking_interval": 15, "advance_booking_days": 365, "cancellation_hours": 0,
        });
        Self::with(api, &settings).await
    }

    /// With settings other than the walk-through's.
    pub(crate) async fn with(api: &Api, settings: &Value) -> Self {
        let tenant = api.post("/tenants/", tenant(&domain(), settings)).await.expect(201).id();
        let user = api.post("/users/", person(&tenant, "user")).await.expect(201).id();
        let category = api.post("/categories/", category(&tenant)).await.expect(201).id();
        let resource = api.post("/resources/", resource(&tenant, &category)).await.expect(201).id();
        Self { tenant, user, category, resource }
    }

    /// Another resource of the tenant.
    pub(crate) async fn another_resource(&self, api: &Api) -> String {
        api.post("/resources/", resource(&self.tenant, &self.category)).await.expect(201).id()
    }

    /// The same world seen from another resource.
    pub(crate) fn of_resource(&self, resource: &str) -> Self {
        Self { resource: resource.to_owned(), ..self.clone() }
    }

    /// The body of a booking.
    pub(crate) fn booking(&self, slot: Slot) -> Value {
        json!({
            "tenant_id": self.tenant, "resource_id": self.resource, "user_id": self.user,
            "client_id": self.user, "start_time": slot.start_text(), "end_time": slot.end_text(),
        })
    }

    pub(crate) async fn book(&self, api: &Api, slot: Slot) -> Reply {
        api.post("/bookings/", self.booking(slot)).await
    }

    /// The free slots of a day as the platform tells them.
    pub(crate) async fn availability(&self, api: &Api, day: u64) -> Reply {
        api.get(&self.availability_path(day)).await
    }

    pub(crate) fn availability_path(&self, day: u64) -> String {
        format!("/resources/{}/availability?date={}", self.resource, date(day))
    }

    /// The free slots of a day as they follow from the rules of [`World::dense`] and the database.
    pub(crate) async fn truth(&self, bookings: &Sql, day: u64) -> BTreeSet<DateTime<Utc>> {
        let sql = format!(
            "SELECT start_time, end_time FROM booking WHERE resource_id = '{}'
             AND status IN ('pendente','confirmado')",
            self.resource
        );
        let taken: Vec<(DateTime<Utc>, DateTime<Utc>)> = bookings
            .rows(&sql)
            .await
            .iter()
            .map(|row| {
                let at = |index| row.try_get_by_index(index).expect("an instant");
                (at(0), at(1))
            })
            .collect();
        let free = |slot: &Slot| {
            !taken.iter().any(|(start, end)| *start < slot.end() && slot.start < *end)
        };
        let slots = (0..SLOTS).map(|index| Slot::of(day, index));
        slots.filter(free).map(|slot| slot.start).collect()
    }

    /// Asserts that availability tells the truth on each of these days.
    pub(crate) async fn assert_availability(&self, api: &Api, bookings: &Sql, days: &[u64]) {
        for day in days {
            let told = free(&self.availability(api, *day).await.expect(200));
            let truth = self.truth(bookings, *day).await;
            assert_eq!(told, truth, "availability of {} on {}", self.resource, date(*day));
        }
    }
}

/// The starts of the slots in an availability answer.
pub(crate) fn free(reply: &Reply) -> BTreeSet<DateTime<Utc>> {
    let slots = reply.body["slots"].as_array().unwrap_or_else(|| panic!("{}", reply.body));
    let start = |slot: &Value| slot["start_time"].as_str()?.parse::<DateTime<Utc>>().ok();
    slots.iter().map(|slot| start(slot).expect("a start with offset")).collect()
}

/// A span of quarters of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) start: DateTime<Utc>,
    minutes: i64,
}

impl Slot {
    /// The quarter `index` of the day `day` days from today, UTC.
    pub(crate) fn of(day: u64, index: usize) -> Self {
        let minutes = i64::try_from(index).expect("small") * 15;
        let start = date(day).and_time(chrono::NaiveTime::MIN).and_utc();
        Self { start: start + TimeDelta::minutes(minutes), minutes: 15 }
    }

    /// The same start, but so many quarters long.
    pub(crate) fn long(self, quarters: i64) -> Self {
        Self { minutes: 15 * quarters, ..self }
    }

    pub(crate) fn end(&self) -> DateTime<Utc> {
        self.start + TimeDelta::minutes(self.minutes)
    }

    pub(crate) fn start_text(&self) -> String {
        self.start.to_rfc3339()
    }

    pub(crate) fn end_text(&self) -> String {
        self.end().to_rfc3339()
    }
}

/// The date so many days from today, UTC.
#[expect(clippy::disallowed_methods, reason = "real processes live by the machine's clock")]
pub(crate) fn date(days: u64) -> NaiveDate {
    // Read once: a run over midnight keeps its days, so tests begin with day 2.
    static TODAY: LazyLock<NaiveDate> = LazyLock::new(|| Utc::now().date_naive());
    *TODAY + Days::new(days)
}

/// A domain nobody else has.
pub(crate) fn domain() -> String {
    format!("t{}.example", uuid::Uuid::new_v4().simple())
}

/// The walk-through's tenant, its settings overlaid by `settings`.
pub(crate) fn tenant(domain: &str, settings: &Value) -> Value {
    let defaults = json!({
        "business_type": "academia", "timezone": "America/Sao_Paulo",
        "working_hours_start": "06:00", "working_hours_end": "22:00", "booking_interval": 60,
        "advance_booking_days": 30, "cancellation_hours": 24,
        "custom_labels": {
            "resource_singular": "Sala", "resource_plural": "Salas",
            "booking_label": "Aula", "user_label": "Aluno",
        },
    });
    json!({
        "name": "Academia Fit", "domain": domain, "logo_url": "https://example.com/logo.png",
        "theme_primary_color": "#FF5722", "plan": "profissional",
        "settings": contracts::form::merge(&defaults, settings, &["custom_labels"]),
    })
}

/// The walk-through's user with a password and an address nobody else has.
pub(crate) fn person(tenant: &str, user_type: &str) -> Value {
    json!({
        "tenant_id": tenant, "name": "João Silva", "email": format!("joao@{}", domain()),
        "user_type": user_type, "permissions": { "can_book": true }, "password": PASSWORD,
    })
}

/// The walk-through's category.
pub(crate) fn category(tenant: &str) -> Value {
    json!({
        "tenant_id": tenant, "name": "Salas de Aula", "type": "fisico", "icon": "room",
        "color": "#4CAF50",
    })
}

/// The walk-through's resource.
pub(crate) fn resource(tenant: &str, category: &str) -> Value {
    json!({
        "tenant_id": tenant, "category_id": category, "name": "Sala 1 - Spinning", "capacity": 20,
    })
}
