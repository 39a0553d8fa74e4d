//! Several days at once, explained days, and answers that the client has already.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{invalid, keys, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    days_in_a_row_are_those_asked_for_alone,
    every_slot_that_is_not_free_says_why,
    an_answer_has_a_tag_and_is_sent_once,
);

async fn ask(app: &TestApp, w: &World, query: &str, tag: &str) -> Answer {
    let path = format!("/resources/{}/availability?{query}", w.resource);
    w.user(app).raw("GET", &path, &[("if-none-match", tag)], "").await
}

async fn days_in_a_row_are_those_asked_for_alone(app: TestApp) {
    let w = World::new(&app, "dias.example").await;
    w.book(&app, "2027-03-03T10:00:00", "2027-03-03T12:00:00").await.expect(201);
    app.settle().await;
    for warm in [false, true] {
        let range = ask(&app, &w, "date=2027-03-02&days=3", "").await.expect(200);
        assert_eq!(keys(&range.body), ["days", "resource_id", "tenant_id"]);
        let mut alone = Vec::new();
        for date in ["2027-03-02", "2027-03-03", "2027-03-04"] {
            alone.push(w.day(&app, date).await.expect(200).body);
        }
        assert_eq!(range.body["days"], json!(alone), "warm: {warm}");
    }
    // They end with the tenant's window, thirty days from Monday.
    let last = ask(&app, &w, "date=2027-03-20&days=31", "").await.expect(200);
    let dates: Vec<&str> = last.body["days"].as_array().unwrap().iter().map(date).collect();
    assert_eq!((dates.len(), dates[11]), (12, "2027-03-31"));
    let explained = ask(&app, &w, "date=2027-03-02&days=2&explain=true", "").await.expect(200);
    assert!(explained.body["days"][1]["refused"].is_array());
    for (query, field) in [("days=0", "days"), ("days=32", "days"), ("explain=x", "explain")] {
        invalid(ask(&app, &w, &format!("date=2027-03-02&{query}"), "").await, &[field]);
    }
    let past = ask(&app, &w, "date=2027-02-28&days=3", "").await;
    refused(past, 400, "date_in_past", "Data deve ser igual ou posterior a hoje.");
    app.stop().await;
}

fn date(day: &Value) -> &str {
    day["date"].as_str().unwrap()
}

async fn every_slot_that_is_not_free_says_why(app: TestApp) {
    let schedule = json!({ "monday": ["06:00-22:00"], "tuesday": ["08:00-12:00"] });
    let w = World::with(&app, "porque.example", json!({}), schedule).await;
    w.book(&app, "2027-03-02T09:00:00", "2027-03-02T11:00:00").await.expect(201);
    app.settle().await;
    let plain = w.day(&app, "2027-03-02").await.expect(200);
    let day = ask(&app, &w, "date=2027-03-02&explain=true", "").await.expect(200);
    assert_eq!(day.body["slots"], plain.body["slots"]);
    let refused = day.body["refused"].as_array().unwrap();
    assert_eq!(refused.len() + day.body["slots"].as_array().unwrap().len(), 16);
    let told = |start: &str| {
        let slot = refused.iter().find(|slot| slot["start_time"].as_str().unwrap().contains(start));
        let slot = slot.unwrap();
        let part = |name: &str| slot[name].as_str().unwrap_or_default().to_owned();
        (part("layer"), part("rule"), part("until"))
    };
    let word = |layer: &str, rule: &str, until: &str| {
        (layer.to_owned(), rule.to_owned(), until.to_owned())
    };
    assert_eq!(told("T09:00"), word("busy", "conflict", "2027-03-02T11:00:00-03:00"));
    assert_eq!(told("T06:00"), word("open", "outside_schedule", "2027-03-02T08:00:00-03:00"));
    // The nearest that are free, the day before included; each is told as the answer about it lists it.
    let nine =
        refused.iter().find(|slot| slot["start_time"] == "2027-03-02T09:00:00-03:00").unwrap();
    let near: Vec<&str> = nine["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|slot| slot["start_time"].as_str().unwrap())
        .collect();
    assert_eq!(
        near,
        ["2027-03-02T08:00:00-03:00", "2027-03-02T11:00:00-03:00", "2027-03-01T21:00:00-03:00"]
    );
    let monday = w.starts(&app, "2027-03-01").await;
    assert!(monday.iter().any(|start| start == near[2]), "{monday:?}");
    // It is Monday, nine o'clock.
    let today = ask(&app, &w, "date=2027-03-01&explain=true", "").await.expect(200);
    let first = &today.body["refused"][0];
    assert_eq!((&first["layer"], &first["rule"]), (&json!("policy"), &json!("not_in_future")));
    assert_eq!(w.day(&app, "2027-03-02").await.expect(200).body["refused"], Value::Null);
    app.stop().await;
}

async fn an_answer_has_a_tag_and_is_sent_once(app: TestApp) {
    let w = World::new(&app, "etiqueta.example").await;
    for query in ["date=2027-03-02", "date=2027-03-02&days=2", "date=2027-03-02&explain=true"] {
        let first = ask(&app, &w, query, "").await.expect(200);
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        for had in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = ask(&app, &w, query, &had).await.expect(304);
            assert_eq!((again.text.as_str(), again.header("etag")), ("", tag.as_str()));
        }
        ask(&app, &w, query, "\"x\"").await.expect(200);
        // A cancelled booking restores the very answer, and so its tag.
        let made = w.book(&app, "2027-03-02T10:00:00", "2027-03-02T11:00:00").await.expect(201);
        app.settle().await;
        let other = ask(&app, &w, query, &tag).await.expect(200);
        assert_ne!(other.header("etag"), tag);
        let path = format!("/bookings/{}/status?status_param=sem_dados", made.id());
        w.user(&app).patch(&path, Value::Null).await.expect(200);
        app.settle().await;
        ask(&app, &w, query, &tag).await.expect(304);
    }
    app.stop().await;
}
