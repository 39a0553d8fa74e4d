//! The small world of a run: a tenant of its own with one of everything, and a foreign tenant.

use super::Who;
use crate::failure::Failure;
use chrono::{DateTime, Duration, SecondsFormat, SubsecRound as _, Utc};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::SystemTime;

const PASSWORD: &str = "fuzz-Senha-4711";

/// What the hooks have to know.
#[derive(Debug)]
pub(super) struct World {
    /// The admin's access token, for a run that has one.
    pub(super) token: Option<String>,
    base: String,
    admin: String,
    ids: Value,
    foreign: Value,
    arriving: String,
    taken: Value,
    credentials: Value,
}

impl World {
    /// Makes a tenant with an admin, a user, a category, a resource and a booking, and a foreign one.
    pub(super) async fn make(base: &str, name: &str, who: Who) -> Result<Self, Failure> {
        // An address of its own: that of the runs guesses passwords and is slowed down.
        let own = IpAddr::from([127, 0, 0, 8]);
        let client = reqwest::Client::builder().no_proxy().local_address(own).build()?;
        let mut house = House {
            client,
            base: base.to_owned(),
            token: None,
            arriving: String::new(),
            taken: Value::Null,
        };
        let (foreign, _) = house.furnish(&format!("{name}-foreign")).await?;
        house.token = None;
        let (own, admin) = house.furnish(name).await?;
        Ok(Self {
            token: house.token.filter(|_| who == Who::Admin),
            base: base.to_owned(),
            admin,
            ids: own,
            foreign,
            arriving: house.arriving,
            taken: house.taken,
            credentials: credentials(name),
        })
    }

    /// As the hooks read it.
    pub(super) fn to_json(&self) -> String {
        json!({
            "base": self.base, "token": self.token, "admin": self.admin, "ids": self.ids,
            "foreign": self.foreign, "arriving": self.arriving, "taken": self.taken, "credentials": self.credentials,
        })
        .to_string()
    }
}

/// Domains and addresses are unique to the run: a report tells whose they are.
fn credentials(name: &str) -> Value {
    json!({ "email": format!("admin@{name}.example.com"), "password": PASSWORD })
}

struct House {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
    arriving: String,
    taken: Value,
}

impl House {
    async fn furnish(&mut self, name: &str) -> Result<(Value, String), Failure> {
        let tenant = self.made("/tenants/", tenant(name)).await?;
        let mut admin = credentials(name);
        admin["tenant_id"] = json!(tenant);
        admin["name"] = json!("Fuzz Admin");
        admin["user_type"] = json!("admin");
        let admin = self.made("/users/", admin).await?;
        let signed_in = self.post("/users/login", credentials(name)).await?;
        self.token = signed_in["access_token"].as_str().map(str::to_owned);
        let user = json!({
            "tenant_id": tenant, "name": "Fuzz User", "email": format!("user@{name}.example.com"),
            "user_type": "user", "permissions": { "can_book": true },
        });
        let user = self.made("/users/", user).await?;
        let category = json!({ "tenant_id": tenant, "name": "Salas", "type": "fisico" });
        let category = self.made("/categories/", category).await?;
        let resource = json!({ "tenant_id": tenant, "category_id": category, "name": "Sala 1" });
        let resource = self.made("/resources/", resource).await?;
        let start = DateTime::<Utc>::from(SystemTime::now()) + Duration::days(2);
        let start = start.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let slot = |start: DateTime<Utc>| {
            json!({
                "tenant_id": tenant, "resource_id": resource, "user_id": user,
                "start_time": stamp(start), "end_time": stamp(start + Duration::minutes(30)),
            })
        };
        let booking = self.made("/bookings/", slot(start)).await?;
        self.taken = slot(start);
        self.arriving = self.made("/bookings/", slot(soon())).await?;
        let ids = json!({
            "tenants": tenant, "users": user, "categories": category, "resources": resource,
            "bookings": booking,
        });
        Ok((ids, admin))
    }

    async fn made(&self, path: &str, body: Value) -> Result<String, Failure> {
        let answer = self.post(path, body).await?;
        let id = answer["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Failure::new(format!("{path}: no id in {answer}")))
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        let mut request = self.client.post(format!("{}{path}", self.base)).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(Failure::new(format!("{path}: {status}: {text}")));
        }
        Ok(serde_json::from_str(&text)?)
    }
}

/// The next slot: whoever booked it may already come.
fn soon() -> DateTime<Utc> {
    let now = DateTime::<Utc>::from(SystemTime::now()) + Duration::seconds(30);
    let into = now.timestamp().rem_euclid(1_800);
    now.trunc_subsecs(0) + Duration::seconds(1_800 - into)
}

/// Open around the clock and far ahead, so that the rules refuse little.
fn tenant(name: &str) -> Value {
    json!({
        "name": name, "domain": format!("{name}.example.com"),
        "logo_url": "https://example.com/logo.png", "theme_primary_color": "#3B5BDB",
        "plan": "basico",
        "settings": {
            "business_type": "fuzz", "timezone": "UTC",
            "working_hours_start": "00:00", "working_hours_end": "24:00",
            "booking_interval": 30, "advance_booking_days": 365, "cancellation_hours": 0,
            "custom_labels": {
                "resource_singular": "Sala", "resource_plural": "Salas",
                "booking_label": "Reserva", "user_label": "Cliente",
            },
        },
    })
}
