//! The authorization matrix of `testkit::matrix` and its sweep of ids, in the test's own process.

use chrono::NaiveDate;
use common::clock::Clock as _;
use common::settings::SigningKey;
use http::Method;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};
use testkit::matrix::{Caller, Front, judge};
use testkit::sweep::sweep;

use crate::ask::by;
use crate::world::{PASSWORD, World};

testkit::on_both_engines!(crate::world::guarded =>
    every_operation_answers_each_caller_as_its_row_says,
    a_request_that_names_another_tenant_is_refused,
    a_sweep_of_a_tenants_ids_finds_nothing,
);

/// The app, as the matrix asks it.
struct Inside<'a>(&'a TestApp);

impl Front for Inside<'_> {
    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        self.0.call(method, path, token, body).await
    }

    async fn operator(&self, email: &str) {
        let name = "Olga Operadora";
        marca_user::create_operator(&self.0.platform, email, name, PASSWORD).await.unwrap();
    }

    fn signing_key(&self) -> String {
        let SigningKey::File(path) = &self.0.platform.settings.signing_key else {
            panic!("a file")
        };
        std::fs::read_to_string(path).unwrap()
    }

    async fn settle(&self) {
        self.0.settle().await;
    }

    fn today(&self) -> NaiveDate {
        self.0.clock.now().date_naive()
    }
}

async fn every_operation_answers_each_caller_as_its_row_says(app: TestApp) {
    judge(&Inside(&app), "matriz.example", &Caller::ALL).await;
    app.stop().await;
}

async fn a_sweep_of_a_tenants_ids_finds_nothing(app: TestApp) {
    sweep(&Inside(&app), "varredura.example").await;
    app.stop().await;
}

/// In the body or in the query: 403, whatever the caller may do at home.
async fn a_request_that_names_another_tenant_is_refused(app: TestApp) {
    let w = World::new(&app, "casa.example").await;
    let other = World::new(&app, "alheio.example").await;
    for token in [&w.admin_token, &w.user_token] {
        for path in ["/users/", "/categories/", "/resources/", "/bookings/"] {
            let answer = by(&app, token).get(&format!("{path}?tenant_id={}", other.tenant)).await;
            assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
        }
    }
    let search = format!("/availability/?from=2027-03-02&to=2027-03-03&tenant_id={}", other.tenant);
    w.admin(&app).get(&search).await.expect(403);
    for (path, body) in [
        ("/users/", json!({ "name": "x", "email": "x@x.example", "user_type": "user" })),
        ("/categories/", json!({ "name": "x", "type": "fisico" })),
        ("/resources/", json!({ "name": "x", "category_id": other.category })),
        (
            "/bookings/",
            json!({
                "resource_id": other.resource, "user_id": other.user,
                "start_time": "2027-03-05T13:00:00Z", "end_time": "2027-03-05T14:00:00Z",
            }),
        ),
    ] {
        let mut body = body;
        body["tenant_id"] = json!(other.tenant);
        let answer = w.admin(&app).post(path, body).await;
        assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
    }
    for (path, field) in
        [("/resources/", &w.resource), ("/categories/", &w.category), ("/users/", &w.user)]
    {
        let edit = json!({ "tenant_id": other.tenant });
        let answer = w.admin(&app).put(&format!("{path}{field}"), edit).await;
        assert_eq!(answer.status.as_u16(), 403, "{path}: {}", answer.text);
    }
    // Nothing of either tenant shows in the other's lists.
    for path in ["/users/", "/categories/", "/resources/", "/bookings/"] {
        let list = w.admin(&app).get(path).await.expect(200);
        assert!(!list.text.contains(&other.tenant), "{path}");
    }
    app.stop().await;
}
