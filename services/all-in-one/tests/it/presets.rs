//! Presets: named sets of permissions, in every service, and who may hand them out.

use contracts::authority::Preset;
use contracts::user::Permissions;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, invalid, refused};
use crate::world::{World, login, person};

testkit::on_both_engines!(crate::world::guarded =>
    each_preset_grants_its_permissions_in_every_service_and_no_others,
    a_preset_adds_to_the_switches_and_can_be_taken_away,
    nobody_hands_out_a_preset_worth_more_than_himself,
    an_unknown_preset_is_refused,
);

const NO: &str = "Você não tem permissão para esta operação.";

/// A user with a preset.
struct Member {
    id: String,
    token: String,
}

/// One more user, made by the admin.
async fn join(app: &TestApp, w: &World, name: &str, preset: &str, switches: Value) -> Member {
    let email = format!("{name}@{}", w.domain);
    let mut body = person(&w.tenant, name, &email, "user");
    (body["preset"], body["permissions"]) = (json!(preset), switches);
    let made = w.admin(app).post("/users/", body).await.expect(201);
    assert_eq!(made.body["preset"], json!(preset));
    Member { id: made.id(), token: login(app, &w.tenant, &email).await }
}

/// What a user turns out to be able to do, by one route a permission; `day` has not been used yet,
/// and `theirs` is the booking of somebody else.
async fn powers(app: &TestApp, w: &World, who: &Member, day: usize, theirs: &str) -> Permissions {
    let (start, end) =
        (format!("2027-03-{day:02}T13:00:00Z"), format!("2027-03-{day:02}T14:00:00Z"));
    let mut booking = w.booking(&start, &end);
    booking["user_id"] = json!(who.id);
    let category = json!({ "tenant_id": w.tenant, "name": format!("C{day}"), "type": "fisico" });
    let may = |answer: testkit::app::Answer| {
        let status = answer.status.as_u16();
        assert!(matches!(status, 200 | 201 | 403), "{}", answer.text);
        status != 403
    };
    let by = by(app, &who.token);
    Permissions {
        can_book: may(by.post("/bookings/", booking).await),
        can_manage_resources: may(by.post("/categories/", category).await),
        can_manage_users: may(by.get("/users/").await),
        can_view_all_bookings: may(by.get(theirs).await),
    }
}

/// The path of a booking of the plain user.
async fn theirs(app: &TestApp, w: &World) -> String {
    let made = w.book(app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await.expect(201);
    format!("/bookings/{}", made.id())
}

fn json_of(permissions: Permissions) -> Value {
    serde_json::to_value(permissions).unwrap()
}

async fn each_preset_grants_its_permissions_in_every_service_and_no_others(app: TestApp) {
    let w = World::new(&app, "papeis.example").await;
    let theirs = theirs(&app, &w).await;
    for (at, word) in Preset::WORDS.iter().enumerate() {
        let expected = Preset::parse(word).unwrap().permissions();
        let who = join(&app, &w, word, word, json!({})).await;
        assert_eq!(powers(&app, &w, &who, 3 + at, &theirs).await, expected, "{word}");
        // The token says so too, for the time when nobody can be asked.
        let claims = super::tokens::claims(&who.token);
        assert_eq!(claims["permissions"], json_of(expected), "{word}");
        let facts = app.platform.clients.user(who.id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((facts.permissions, facts.preset), (expected, Preset::parse(word)), "{word}");
        // The switches themselves stay as they are.
        let seen = w.admin(&app).get(&format!("/users/{}", who.id)).await.expect(200);
        assert_eq!(seen.body["permissions"], json_of(Permissions::NONE), "{word}");
    }
    app.stop().await;
}

async fn a_preset_adds_to_the_switches_and_can_be_taken_away(app: TestApp) {
    let w = World::new(&app, "soma.example").await;
    let theirs = theirs(&app, &w).await;
    let who = join(&app, &w, "vera", "viewer", json!({ "can_book": true })).await;
    let books = Permissions { can_book: true, ..Permissions::NONE };
    let both = Permissions { can_view_all_bookings: true, ..books };
    assert_eq!(powers(&app, &w, &who, 3, &theirs).await, both);
    let path = format!("/users/{}", who.id);
    let edits = [
        (json!({ "name": "Vera" }), json!("viewer"), both),
        (json!({ "preset": null }), Value::Null, books),
        (json!({ "preset": "owner" }), json!("owner"), Permissions::ALL),
        (json!({ "permissions": { "can_book": false } }), json!("owner"), Permissions::ALL),
        (json!({ "preset": null }), Value::Null, Permissions::NONE),
    ];
    for (at, (edit, preset, expected)) in edits.into_iter().enumerate() {
        let edited = w.admin(&app).put(&path, edit).await.expect(200);
        assert_eq!(edited.body["preset"], preset, "edit {at}");
        app.settle().await;
        assert_eq!(powers(&app, &w, &who, 4 + at, &theirs).await, expected, "edit {at}");
    }
    app.stop().await;
}

async fn nobody_hands_out_a_preset_worth_more_than_himself(app: TestApp) {
    let w = World::new(&app, "limite.example").await;
    let people = json!({ "can_manage_users": true });
    let (_, manager) = w.join(&app, "gestora", "user", people).await;
    let views = json!({ "can_manage_users": true, "can_view_all_bookings": true });
    let (seer_id, seer) = w.join(&app, "vidente", "user", views).await;
    let owner = join(&app, &w, "dona", "owner", json!({})).await;
    let coordinator = join(&app, &w, "coord", "coordinator", json!({})).await;
    for (word, by_seer) in
        [("scanner", true), ("viewer", true), ("coordinator", false), ("owner", false)]
    {
        let callers = [
            ("nobody", "", false, false),
            ("a plain user", w.user_token.as_str(), false, false),
            ("a coordinator", &coordinator.token, false, false),
            ("a manager", &manager, false, false),
            ("one who sees all", &seer, by_seer, by_seer),
            ("an owner", &owner.token, true, true),
            ("an admin", &w.admin_token, true, true),
        ];
        for (at, (caller, token, makes, gives)) in callers.into_iter().enumerate() {
            let mut body = person(&w.tenant, "x", &format!("{word}{at}@x.example"), "user");
            body["preset"] = json!(word);
            let made = by(&app, token).post("/users/", body).await;
            assert_eq!(made.status == 201, makes, "{word} made by {caller}: {}", made.text);
            let (plain, _) = w.join(&app, &format!("p{word}{at}"), "user", json!({})).await;
            let path = format!("/users/{plain}");
            if !token.is_empty() {
                let given = by(&app, token).put(&path, json!({ "preset": word })).await;
                assert_eq!(given.status == 200, gives, "{word} given by {caller}: {}", given.text);
            }
        }
        // Not to himself either.
        let own =
            by(&app, &seer).put(&format!("/users/{seer_id}"), json!({ "preset": word })).await;
        refused(own, 403, "forbidden", NO);
    }
    // What an admin gave, a manager may leave and take away, but not turn into switches.
    let path = format!("/users/{}", coordinator.id);
    by(&app, &manager).put(&path, json!({ "name": "Coord" })).await.expect(200);
    let keep = json!({ "permissions": { "can_manage_resources": true } });
    refused(by(&app, &manager).put(&path, keep).await, 403, "forbidden", NO);
    by(&app, &manager).put(&path, json!({ "preset": null })).await.expect(200);
    let back = by(&app, &manager).put(&path, json!({ "preset": "coordinator" })).await;
    refused(back, 403, "forbidden", NO);
    app.stop().await;
}

async fn an_unknown_preset_is_refused(app: TestApp) {
    let w = World::new(&app, "estranho.example").await;
    for preset in [json!("boss"), json!("Owner"), json!(1), json!(["owner"])] {
        let mut body = person(&w.tenant, "x", "x@estranho.example", "user");
        body["preset"] = preset.clone();
        invalid(w.admin(&app).post("/users/", body).await, &["preset"]);
        let path = format!("/users/{}", w.user);
        invalid(w.admin(&app).put(&path, json!({ "preset": preset })).await, &["preset"]);
    }
    app.stop().await;
}
