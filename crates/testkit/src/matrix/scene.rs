//! What the requests of the matrix are about: one tenant, and one of everything in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Days, NaiveDate};
use http::Method;
use serde_json::{Value, json};

use super::Front;

/// The password of everyone.
pub const PASSWORD: &str = "correct horse 1";
/// What callers change theirs to.
pub(super) const CHANGED: &str = "another horse 2";
/// The tenant of those who belong to none, where a sign-in has to name it.
pub(super) const PLATFORM: &str = "00000000-0000-0000-0000-000000000000";

/// A tenant with one of everything, of its admin's; nobody needs what the requests destroy.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// Its id.
    pub tenant: String,
    /// A domain nobody else has.
    pub domain: String,
    /// The admin, `ana@domain`.
    pub admin: String,
    /// A token of the admin's.
    pub admin_token: String,
    /// A user without a password.
    pub user: String,
    /// Another, who is nobody any more in the end.
    pub erased: String,
    /// The category of `resource`.
    pub category: String,
    /// What is booked.
    pub resource: String,
    /// A category without resources, and a resource without bookings.
    pub spare: [String; 2],
    /// A booking of the admin's.
    pub booking: String,
    /// A closure of the tenant.
    pub exception: String,
    /// Holds of the admin's, each with its token: one to confirm, one to give back.
    pub holds: [(String, String); 2],
    /// An entry of the admin's on the waiting list.
    pub entry: String,
    /// A booking of the admin's with a link, and the link's id and token.
    pub linked: [String; 3],
    /// A series of the admin's.
    pub series: String,
    /// A group of the admin's.
    pub group: String,
    /// A calendar of the admin's, and the last part of its address.
    pub calendar: (String, String),
    /// In whose name is booked: the caller's, or the admin's where that is nobody of the tenant.
    pub booker: String,
    /// An API key, and a session of the admin's.
    pub ends: [String; 2],
}

/// Every permission.
pub(crate) fn permissions() -> Value {
    json!({
        "can_book": true, "can_manage_resources": true, "can_manage_users": true,
        "can_view_all_bookings": true,
    })
}

/// Signs in.
pub(crate) async fn login(front: &impl Front, tenant: &str, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password, "tenant_id": tenant });
    let answer = front.ask(Method::POST, "/users/login", "", body).await.expect(200);
    answer.body["access_token"].as_str().expect("a token").to_owned()
}

/// A tenant that is open all day, every day.
pub(super) fn tenant(domain: &str) -> Value {
    json!({
        "name": "Academia Fit", "domain": domain, "plan": "profissional",
        "logo_url": "https://example.com/logo.png", "theme_primary_color": "#FF5722",
        "settings": {
            "business_type": "academia", "timezone": "UTC", "working_hours_start": "00:00",
            "working_hours_end": "23:00", "booking_interval": 60, "advance_booking_days": 30,
            "cancellation_hours": 0,
            "custom_labels": {
                "resource_singular": "Sala", "resource_plural": "Salas",
                "booking_label": "Aula", "user_label": "Aluno",
            },
        },
    })
}

/// A booking of `user`, so many days from today.
pub(super) fn slot(scene: &Scene, today: NaiveDate, days: u64, hour: u32, user: &str) -> Value {
    let day = today + Days::new(days);
    json!({
        "tenant_id": scene.tenant, "resource_id": scene.resource, "user_id": user,
        "start_time": format!("{day}T{hour:02}:00:00Z"),
        "end_time": format!("{day}T{:02}:00:00Z", hour + 1),
    })
}

impl Scene {
    /// A tenant with an admin, and nothing else.
    pub(crate) async fn bare(front: &impl Front, domain: &str) -> Self {
        let make = async |path: &str, body| front.ask(Method::POST, path, "", body).await;
        let id = make("/tenants/", tenant(domain)).await.expect(201).id();
        let email = format!("ana@{domain}");
        let admin = json!({
            "tenant_id": id, "name": "Ana", "email": email, "user_type": "admin",
            "password": PASSWORD,
        });
        let admin = make("/users/", admin).await.expect(201).id();
        let admin_token = login(front, &id, &email, PASSWORD).await;
        let domain = domain.to_owned();
        let booker = admin.clone();
        Self { tenant: id, domain, admin, booker, admin_token, ..Self::default() }
    }

    /// The whole of it.
    pub async fn new(front: &impl Front, domain: &str) -> Self {
        let mut scene = Self::bare(front, domain).await;
        scene.category = scene.make_category(front, "Salas").await;
        scene.resource = scene.make_resource(front, "Sala 1").await;
        scene.spare =
            [scene.make_category(front, "Sobra").await, scene.make_resource(front, "Sobra").await];
        let someone = |name: &str| {
            json!({
                "tenant_id": scene.tenant, "name": "Sobra", "email": format!("{name}@{domain}"),
                "user_type": "user",
            })
        };
        let (user, erased) = (someone("sobra"), someone("ninguem"));
        scene.user = scene.make(front, "/users/", user).await;
        scene.erased = scene.make(front, "/users/", erased).await;
        scene.booking = scene.make_booking(front, 2, "x").await;
        scene.exception = scene.make_exception(front, 20, "x").await;
        scene.holds = [scene.make_hold(front, 6).await, scene.make_hold(front, 7).await];
        let waits = slot(&scene, front.today(), 7, 13, &scene.admin);
        scene.linked = scene.make_link(front).await;
        scene.entry = scene.make(front, "/bookings/waitlist", waits).await;
        scene.series = scene.make_series(front).await;
        scene.group = scene.make_group(front).await;
        scene.calendar = scene.make_calendar(front).await;
        let other = login(front, &scene.tenant, &format!("ana@{domain}"), PASSWORD).await;
        scene.ends = [scene.key(front, json!({})).await.0, session(&other)];
        scene
    }

    /// Makes something as the admin; its id.
    pub(crate) async fn make(&self, front: &impl Front, path: &str, body: Value) -> String {
        front.ask(Method::POST, path, &self.admin_token, body).await.expect(201).id()
    }

    pub(crate) async fn make_category(&self, front: &impl Front, name: &str) -> String {
        let body = json!({ "tenant_id": self.tenant, "name": name, "type": "fisico" });
        self.make(front, "/categories/", body).await
    }

    pub(crate) async fn make_resource(&self, front: &impl Front, name: &str) -> String {
        let body = json!({ "tenant_id": self.tenant, "category_id": self.category, "name": name });
        self.make(front, "/resources/", body).await
    }

    /// A booking of the admin's, so many days from today.
    pub(crate) async fn make_booking(&self, front: &impl Front, days: u64, notes: &str) -> String {
        let mut body = slot(self, front.today(), days, 13, &self.admin);
        body["notes"] = json!(notes);
        self.make(front, "/bookings/", body).await
    }

    /// A closure of the whole tenant, so many days from today.
    pub(crate) async fn make_exception(&self, front: &impl Front, days: u64, why: &str) -> String {
        let body = json!({
            "tenant_id": self.tenant, "level": "tenant", "kind": "holiday",
            "start_date": front.today() + Days::new(days), "reason": why,
        });
        self.make(front, "/exceptions/", body).await
    }

    /// A hold of the admin's, so many days from today, and its token.
    async fn make_hold(&self, front: &impl Front, days: u64) -> (String, String) {
        let body = slot(self, front.today(), days, 13, &self.admin);
        let made = front.ask(Method::POST, "/bookings/holds", &self.admin_token, body).await;
        let made = made.expect(201);
        (made.id(), made.body["hold_token"].as_str().expect("a token").to_owned())
    }

    /// A link to a booking of its own: the booking, the link and its token.
    async fn make_link(&self, front: &impl Front) -> [String; 3] {
        let booking = self.make_booking(front, 12, "x").await;
        let path = format!("/bookings/{booking}/links");
        let made = front.ask(Method::POST, &path, &self.admin_token, Value::Null).await;
        let made = made.expect(201);
        let token = made.body["token"].as_str().expect("a token").to_owned();
        [booking, made.id(), token]
    }

    /// A series of two bookings of the admin's.
    async fn make_series(&self, front: &impl Front) -> String {
        let mut body = slot(self, front.today(), 2, 17, &self.admin);
        body["rrule"] = json!("FREQ=DAILY;COUNT=2");
        self.made(front, "/bookings/series", body, "series_id").await
    }

    /// A group of one booking of the admin's.
    async fn make_group(&self, front: &impl Front) -> String {
        let mut body = slot(self, front.today(), 2, 19, &self.admin);
        body["items"] = json!([{ "resource_id": self.resource }]);
        body.as_object_mut().expect("an object").remove("resource_id");
        self.made(front, "/bookings/groups", body, "group_id").await
    }

    async fn made(&self, front: &impl Front, path: &str, body: Value, id: &str) -> String {
        let made = front.ask(Method::POST, path, &self.admin_token, body).await.expect(201);
        made.body[id].as_str().expect("an id").to_owned()
    }

    /// A calendar of the admin's bookings: its id, and the last part of its address.
    async fn make_calendar(&self, front: &impl Front) -> (String, String) {
        let body = json!({ "tenant_id": self.tenant, "user_id": self.admin });
        let made = front.ask(Method::POST, "/calendars/", &self.admin_token, body).await;
        let made = made.expect(201);
        let url = made.body["url"].as_str().expect("an address");
        (made.id(), url.rsplit('/').next().expect("a last part").to_owned())
    }

    /// One more person with a password.
    pub(crate) async fn join(
        &self,
        front: &impl Front,
        email: &str,
        user_type: &str,
        permissions: Value,
    ) -> String {
        let body = json!({
            "tenant_id": self.tenant, "name": "Eva", "email": email, "user_type": user_type,
            "password": PASSWORD, "permissions": permissions,
        });
        self.make(front, "/users/", body).await
    }

    /// An API key with these scopes: its id and the key.
    pub(crate) async fn key(&self, front: &impl Front, scopes: Value) -> (String, String) {
        let path = format!("/tenants/{}/api-keys", self.tenant);
        let body = json!({ "name": "Site", "scopes": scopes });
        let made = front.ask(Method::POST, &path, &self.admin_token, body).await.expect(201);
        (made.id(), made.body["key"].as_str().expect("a key").to_owned())
    }
}

/// The session of a token.
fn session(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("claims");
    let claims: Value = serde_json::from_slice(&claims).expect("claims");
    claims["sid"].as_str().expect("a session").to_owned()
}
