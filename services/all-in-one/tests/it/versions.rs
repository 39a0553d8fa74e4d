//! `ETag` and `If-Match` on everything that can be changed; those of bookings: `booking_edit`.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{By, JSON, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    a_change_of_another_version_is_refused,
    a_removal_of_another_version_is_refused,
    of_changes_that_race_one_succeeds,
);

const STALE: &str = "O objeto foi alterado por outra requisição.";

async fn matching(who: By<'_>, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    who.raw(method, path, &[JSON, ("if-match", tag)], &text).await
}

/// Everything with a version, the letter of its tag, and a change of it.
fn all(w: &World) -> [(String, &'static str, Value, Value); 5] {
    let name = |name: &str| json!({ "name": name });
    [
        (format!("/tenants/{}", w.tenant), "t", name("Um"), name("Dois")),
        (
            format!("/tenants/{}/settings", w.tenant),
            "t",
            json!({ "cancellation_hours": 1 }),
            json!({ "cancellation_hours": 2 }),
        ),
        (format!("/users/{}", w.user), "u", name("Um"), name("Dois")),
        (format!("/categories/{}", w.category), "c", name("Um"), name("Dois")),
        (format!("/resources/{}", w.resource), "r", name("Um"), name("Dois")),
    ]
}

async fn a_change_of_another_version_is_refused(app: TestApp) {
    let w = World::new(&app, "versao.example").await;
    let admin = w.admin(&app);
    for (path, kind, one, two) in all(&w) {
        let before = admin.get(&path).await.expect(200);
        let seen = before.header("etag").to_owned();
        assert!(seen.starts_with(&format!("\"{kind}-")), "{seen}");
        let changed = matching(admin, "PUT", &path, &seen, &one).await.expect(200);
        let now = changed.header("etag").to_owned();
        assert_ne!(now, seen, "{path}");
        for stale in [seen.as_str(), "\"x\"", "", "x", "\"x-1\"", now.trim_matches('"')] {
            let answer = matching(admin, "PUT", &path, stale, &two).await;
            refused(answer, 412, "precondition_failed", STALE);
        }
        let after = admin.get(&path).await.expect(200);
        assert_eq!((after.header("etag"), &after.body), (now.as_str(), &changed.body), "{path}");
        // A proxy that compresses makes tags weak; several are a list; anything is anything.
        let list = format!("\"x\", W/{now}");
        let changed = matching(admin, "PUT", &path, &list, &two).await.expect(200);
        assert_ne!(changed.header("etag"), now);
        let same = matching(admin, "PUT", &path, "*", &two).await.expect(200);
        assert_eq!(same.header("etag"), changed.header("etag"), "a change of nothing");
        admin.put(&path, one).await.expect(200);
    }
    app.stop().await;
}

async fn a_removal_of_another_version_is_refused(app: TestApp) {
    let w = World::new(&app, "fim.example").await;
    let admin = w.admin(&app);
    for path in [
        format!("/resources/{}", w.resource),
        format!("/categories/{}", w.category),
        format!("/users/{}", w.user),
        format!("/tenants/{}", w.tenant),
    ] {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        let body = json!({ "name": "Outro" });
        let now = admin.put(&path, body).await.expect(200).header("etag").to_owned();
        let stale = matching(admin, "DELETE", &path, &seen, &Value::Null).await;
        refused(stale, 412, "precondition_failed", STALE);
        admin.get(&path).await.expect(200);
        matching(admin, "DELETE", &path, &format!("W/{now}"), &Value::Null).await.expect(204);
    }
    app.stop().await;
}

async fn of_changes_that_race_one_succeeds(app: TestApp) {
    let w = World::new(&app, "corrida.example").await;
    let admin = w.admin(&app);
    for (path, _, _, _) in all(&w) {
        let seen = admin.get(&path).await.expect(200).header("etag").to_owned();
        let (path, seen) = (path.as_str(), seen.as_str());
        let change = |number: usize| async move {
            let body = if path.ends_with("/settings") {
                json!({ "cancellation_hours": 100 + number })
            } else {
                json!({ "name": format!("Nome {number}") })
            };
            matching(admin, "PUT", path, seen, &body).await.status.as_u16()
        };
        let mut statuses = futures_util::future::join_all((0..12).map(change)).await;
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200, "{path}");
        assert!(statuses[1..].iter().all(|status| *status == 412), "{path}: {statuses:?}");
    }
    app.stop().await;
}
