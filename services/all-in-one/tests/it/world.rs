//! The world most tests begin with: one tenant, its admin, a plain user, a category, a resource.

use axum::Router;
use common::platform::{BuildError, Platform, Service};
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Answer, Build, Engine, TestApp};

use crate::ask::{By, by};

/// The all-in-one, as the tests build it.
pub(crate) struct Marca;

impl Build for Marca {
    async fn assemble(&self, platform: &Platform) -> Result<Vec<Service>, BuildError> {
        marca::assemble(platform).await
    }

    fn root(&self, platform: &Platform, services: &[Service]) -> Router {
        marca::root(platform, services)
    }
}

/// An app in which a request without a token may do everything.
pub(crate) async fn open(engine: Engine) -> TestApp {
    TestApp::start(&Marca, engine, &[("AUTH_MODE", "optional")]).await
}

/// An app in which every request needs a token.
pub(crate) async fn guarded(engine: Engine) -> TestApp {
    TestApp::start(&Marca, engine, &[("AUTH_MODE", "required")]).await
}

/// A second Marca on the databases and the key of `app`, with empty caches; `variables` differ.
pub(crate) async fn twin(app: &TestApp, variables: &[(&str, &str)]) -> TestApp {
    let settings = &app.platform.settings;
    let folder = settings.data_dir.display().to_string();
    let mut all = vec![
        ("DATA_DIR", folder.as_str()),
        ("AUTH_MODE", "required"),
        ("TENANT_DATABASE_URL", settings.database(contracts::Service::Tenant)),
        ("USER_DATABASE_URL", settings.database(contracts::Service::User)),
        ("RESOURCE_DATABASE_URL", settings.database(contracts::Service::Resource)),
        ("BOOKING_DATABASE_URL", settings.database(contracts::Service::Booking)),
    ];
    all.extend_from_slice(variables);
    // The databases are named: the engine decides only who migrates, and there is nothing left to.
    TestApp::start(&Marca, Engine::Sqlite, &all).await
}

/// The password of everyone a test makes.
pub(crate) const PASSWORD: &str = "correct horse 1";

/// A tenant of the contract's walk-through, with its settings overlaid by `settings`.
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

/// One tenant with people and things. Made without tokens on an open app, by bootstrap on a guarded one.
pub(crate) struct World {
    pub(crate) tenant: String,
    pub(crate) domain: String,
    pub(crate) admin: String,
    pub(crate) user: String,
    pub(crate) category: String,
    pub(crate) resource: String,
    /// The admin's token; on an open app it may be left unused.
    pub(crate) admin_token: String,
    /// The plain user's token; the user may book.
    pub(crate) user_token: String,
}

impl World {
    /// A world with the walk-through's settings.
    pub(crate) async fn new(app: &TestApp, domain: &str) -> Self {
        Self::with(app, domain, json!({}), json!({})).await
    }

    /// A world with other settings and another schedule.
    pub(crate) async fn with(
        app: &TestApp,
        domain: &str,
        settings: Value,
        schedule: Value,
    ) -> Self {
        let made = app.post("/tenants/", tenant(domain, &settings)).await.expect(201);
        let tenant = made.id();
        let admin = person(&tenant, "Ana Admin", &format!("ana@{domain}"), "admin");
        let admin = app.post("/users/", admin).await.expect(201).id();
        let admin_token = login(app, &tenant, &format!("ana@{domain}")).await;
        let mut user = person(&tenant, "João Silva", &format!("joao@{domain}"), "user");
        user["permissions"] = json!({ "can_book": true });
        let user = app.call(Method::POST, "/users/", &admin_token, user).await.expect(201).id();
        let user_token = login(app, &tenant, &format!("joao@{domain}")).await;
        let category = json!({
            "tenant_id": tenant, "name": "Salas de Aula", "type": "fisico", "icon": "room", "color": "#4CAF50",
        });
        let category =
            app.call(Method::POST, "/categories/", &admin_token, category).await.expect(201).id();
        let resource = json!({
            "tenant_id": tenant, "category_id": category, "name": "Sala 1 - Spinning", "capacity": 20,
            "availability_schedule": schedule,
        });
        let resource =
            app.call(Method::POST, "/resources/", &admin_token, resource).await.expect(201).id();
        let domain = domain.to_owned();
        Self { tenant, domain, admin, user, category, resource, admin_token, user_token }
    }

    /// The body of a booking by this world's user.
    pub(crate) fn booking(&self, start: &str, end: &str) -> Value {
        json!({
            "tenant_id": self.tenant, "resource_id": self.resource, "user_id": self.user,
            "client_id": self.user, "start_time": start, "end_time": end,
        })
    }

    /// The admin, in front of the app.
    pub(crate) fn admin<'a>(&'a self, app: &'a TestApp) -> By<'a> {
        by(app, &self.admin_token)
    }

    /// The plain user, in front of the app.
    pub(crate) fn user<'a>(&'a self, app: &'a TestApp) -> By<'a> {
        by(app, &self.user_token)
    }

    /// Moves the clock on. Tokens may have expired by then: both sign in again.
    pub(crate) async fn wait(&mut self, app: &TestApp, time: chrono::TimeDelta) {
        app.clock.advance(time);
        self.admin_token = login(app, &self.tenant, &format!("ana@{}", self.domain)).await;
        self.user_token = login(app, &self.tenant, &format!("joao@{}", self.domain)).await;
    }

    /// One more user, made by the admin, and a token of theirs.
    pub(crate) async fn join(
        &self,
        app: &TestApp,
        name: &str,
        user_type: &str,
        permissions: Value,
    ) -> (String, String) {
        let email = format!("{name}@{}.example", self.tenant);
        let mut body = person(&self.tenant, name, &email, user_type);
        body["permissions"] = permissions;
        let id = self.admin(app).post("/users/", body).await.expect(201).id();
        (id, login(app, &self.tenant, &email).await)
    }

    /// An API key with these scopes, made by the admin: its id and the key.
    pub(crate) async fn key(&self, app: &TestApp, scopes: Value) -> (String, String) {
        let path = format!("/tenants/{}/api-keys", self.tenant);
        let body = json!({ "name": "Integração", "scopes": scopes });
        let made = self.admin(app).post(&path, body).await.expect(201);
        (made.id(), made.body["key"].as_str().unwrap().to_owned())
    }

    /// One more resource of the category, made by the admin.
    pub(crate) async fn room(&self, app: &TestApp, name: &str) -> String {
        let body = json!({ "tenant_id": self.tenant, "category_id": self.category, "name": name });
        self.admin(app).post("/resources/", body).await.expect(201).id()
    }

    /// Asks for a day's slots as the plain user.
    pub(crate) async fn day(&self, app: &TestApp, date: &str) -> Answer {
        let path = format!("/resources/{}/availability?date={date}", self.resource);
        self.user(app).get(&path).await
    }

    /// The starts of a day's slots, local, with offset.
    pub(crate) async fn starts(&self, app: &TestApp, date: &str) -> Vec<String> {
        let answer = self.day(app, date).await.expect(200);
        let slots = answer.body["slots"].as_array().unwrap();
        slots.iter().map(|slot| slot["start_time"].as_str().unwrap().to_owned()).collect()
    }

    /// Books as the plain user.
    pub(crate) async fn book(&self, app: &TestApp, start: &str, end: &str) -> Answer {
        app.call(Method::POST, "/bookings/", &self.user_token, self.booking(start, end)).await
    }
}

/// The body of a person with the tests' password.
pub(crate) fn person(tenant: &str, name: &str, email: &str, user_type: &str) -> Value {
    json!({ "tenant_id": tenant, "name": name, "email": email, "user_type": user_type, "password": PASSWORD })
}

/// The tenant of those who belong to none, where a sign-in has to name it.
pub(crate) const PLATFORM: &str = "00000000-0000-0000-0000-000000000000";

/// A platform operator, made as the command makes one, and a token of it.
pub(crate) async fn operator(app: &TestApp, email: &str) -> (String, String) {
    let made = marca_user::create_operator(&app.platform, email, "Olga Operadora", PASSWORD).await;
    (made.unwrap().to_string(), login(app, PLATFORM, email).await)
}

/// Signs in.
pub(crate) async fn login(app: &TestApp, tenant: &str, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "tenant_id": tenant });
    let answer = app.post("/users/login", body).await.expect(200);
    answer.body["access_token"].as_str().unwrap().to_owned()
}
