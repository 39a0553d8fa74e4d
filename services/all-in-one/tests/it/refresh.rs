//! Refresh tokens: traded once, given again to who lost the answer, and the end of the family when
//! somebody else presents one. The clock stands still unless a test moves it.

use chrono::TimeDelta;
use contracts::Service;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{by, invalid, names, refused, security_events};
use crate::tokens::{accepted_everywhere, claims, refused_everywhere};
use crate::world::{PASSWORD, World};

testkit::on_both_engines!(crate::world::guarded =>
    a_token_is_traded_for_the_next_pair,
    a_lost_answer_is_given_again_for_ten_seconds,
    reuse_ends_the_family_and_is_told,
    once_the_successor_is_used_there_is_no_grace,
    of_parallel_refreshes_one_succeeds_and_nobody_is_locked_out,
    a_refresh_that_fails_half_way_has_not_happened,
    what_runs_out_cannot_be_traded,
    whoever_may_not_sign_in_may_not_go_on,
    a_bad_token_is_refused_alike,
);

/// Somebody signed in.
pub(crate) struct Signed {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

impl Signed {
    /// From an answer whose refresh token travels in the body.
    #[track_caller]
    pub(crate) fn of(answer: Answer) -> Self {
        let answer = answer.expect(200);
        let text = |field: &str| answer.body[field].as_str().unwrap().to_owned();
        let access = text("access_token");
        let session = claims(&access)["sid"].as_str().unwrap().to_owned();
        Self { access, refresh: text("refresh_token"), session }
    }
}

/// Signs in with the tests' password.
pub(crate) async fn sign_in(app: &TestApp, tenant: &str, email: &str) -> Signed {
    let body = json!({ "email": email, "password": PASSWORD, "tenant_id": tenant });
    Signed::of(app.post("/users/login?transport=body", body).await)
}

/// Presents a refresh token.
pub(crate) async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post("/auth/refresh?transport=body", json!({ "refresh_token": token })).await
}

#[track_caller]
pub(crate) fn over(answer: Answer) {
    refused(answer, 401, "unauthorized", "Sessão inválida ou expirada.");
}

#[track_caller]
fn in_progress(answer: Answer) {
    let message = "A sessão já está sendo renovada. Tente novamente.";
    let answer = refused(answer, 409, "refresh_in_progress", message);
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.headers.contains_key("set-cookie"));
}

async fn a_token_is_traded_for_the_next_pair(app: TestApp) {
    let w = World::new(&app, "troca.example").await;
    let first = sign_in(&app, &w.tenant, "joao@troca.example").await;
    let mut last = first.refresh.clone();
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(20));
        let answer = refresh(&app, &last).await.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store");
        let next = Signed::of(answer);
        assert_ne!(next.refresh, last);
        assert!(next.refresh.starts_with("mr_") && next.refresh.len() == 46);
        let (old, new) = (claims(&first.access), claims(&next.access));
        for claim in ["sid", "auth_time", "sub", "tenant_id"] {
            assert_eq!(old[claim], new[claim], "{claim}");
        }
        assert!(new["exp"].as_i64() > old["exp"].as_i64());
        accepted_everywhere(&app, &w, &next.access).await;
        last = next.refresh;
    }
    app.stop().await;
}

async fn a_lost_answer_is_given_again_for_ten_seconds(app: TestApp) {
    let w = World::new(&app, "perdida.example").await;
    let first = sign_in(&app, &w.tenant, "joao@perdida.example").await;
    let next = Signed::of(refresh(&app, &first.refresh).await);
    in_progress(refresh(&app, &first.refresh).await);
    app.clock.advance(TimeDelta::milliseconds(999));
    in_progress(refresh(&app, &first.refresh).await);
    for milliseconds in [1, 5_000, 4_000] {
        app.clock.advance(TimeDelta::milliseconds(milliseconds));
        let again = Signed::of(refresh(&app, &first.refresh).await);
        assert_eq!(again.refresh, next.refresh, "the identical successor");
    }
    let after = Signed::of(refresh(&app, &next.refresh).await);
    accepted_everywhere(&app, &w, &after.access).await;
    app.stop().await;
}

async fn reuse_ends_the_family_and_is_told(app: TestApp) {
    let w = World::new(&app, "roubo.example").await;
    let elsewhere = sign_in(&app, &w.tenant, "joao@roubo.example").await;
    let first = sign_in(&app, &w.tenant, "joao@roubo.example").await;
    let next = Signed::of(refresh(&app, &first.refresh).await);
    app.clock.advance(TimeDelta::milliseconds(10_001));
    over(refresh(&app, &first.refresh).await);
    over(refresh(&app, &next.refresh).await);
    app.settle().await;
    refused_everywhere(&app, &w, &next.access).await;
    refused_everywhere(&app, &w, &first.access).await;
    // Another sign-in of the same user is another family.
    accepted_everywhere(&app, &w, &elsewhere.access).await;
    refresh(&app, &elsewhere.refresh).await.expect(200);

    let mut told = security_events(&app).await;
    told.retain(|event| event.payload["session_id"] == json!(first.session));
    let expected = ["security.signed_in", "security.refresh_reused", "security.session_ended"];
    assert_eq!(names(&told), expected);
    for event in &told {
        assert_eq!(event.metadata.aggregate_id.to_string(), first.session);
        assert_eq!(event.payload["user_id"], json!(w.user));
        assert_eq!(event.payload["tenant_id"], json!(w.tenant));
    }
    assert_eq!(told[2].payload["reason"], "refresh_reused");
    app.stop().await;
}

async fn once_the_successor_is_used_there_is_no_grace(app: TestApp) {
    let w = World::new(&app, "uso.example").await;
    let first = sign_in(&app, &w.tenant, "joao@uso.example").await;
    let next = Signed::of(refresh(&app, &first.refresh).await);
    app.clock.advance(TimeDelta::seconds(2));
    let third = Signed::of(refresh(&app, &next.refresh).await);
    over(refresh(&app, &first.refresh).await);
    over(refresh(&app, &third.refresh).await);
    app.stop().await;
}

async fn of_parallel_refreshes_one_succeeds_and_nobody_is_locked_out(app: TestApp) {
    let w = World::new(&app, "paralelo.example").await;
    for round in 0..5 {
        let signed = sign_in(&app, &w.tenant, "joao@paralelo.example").await;
        let asked = (0..8).map(|_| refresh(&app, &signed.refresh));
        let (good, late): (Vec<Answer>, Vec<Answer>) = futures_util::future::join_all(asked)
            .await
            .into_iter()
            .partition(|answer| answer.status.as_u16() == 200);
        assert_eq!((good.len(), late.len()), (1, 7), "round {round}");
        late.into_iter().for_each(in_progress);
        let next = Signed::of(good.into_iter().next().unwrap());
        accepted_everywhere(&app, &w, &next.access).await;
        Signed::of(refresh(&app, &next.refresh).await);
        let count = format!(
            "UPDATE refresh_tokens SET issued_at = issued_at WHERE {}",
            of_session(&app, &signed.session)
        );
        let rows = app.execute(Service::User, &count).await;
        assert_eq!(rows, 3, "one successor each: of the first and of the second");
    }
    let told = security_events(&app).await;
    assert!(!names(&told).contains(&"security.refresh_reused"));
    app.stop().await;
}

/// A condition on the session, as each engine stores ids.
pub(crate) fn of_session(app: &TestApp, session: &str) -> String {
    let user = app.running.services().iter().find(|service| service.name == Service::User);
    match user.unwrap().database.engine() {
        common::db::Engine::Postgres => format!("session_id = '{session}'"),
        common::db::Engine::Sqlite => {
            format!("session_id = X'{}'", session.replace('-', ""))
        }
    }
}

/// The last statement of a refresh fails: all of it has not happened, and the token is good.
async fn a_refresh_that_fails_half_way_has_not_happened(app: TestApp) {
    let w = World::new(&app, "meio.example").await;
    let signed = sign_in(&app, &w.tenant, "joao@meio.example").await;
    let user = app.running.services().iter().find(|service| service.name == Service::User);
    let (break_it, mend_it): (&[&str], &str) = match user.unwrap().database.engine() {
        common::db::Engine::Sqlite => (
            &["CREATE TRIGGER stop BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END"],
            "DROP TRIGGER stop",
        ),
        common::db::Engine::Postgres => (
            &[
                "CREATE FUNCTION stop() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no'; END $$
                 LANGUAGE plpgsql",
                "CREATE TRIGGER stop BEFORE UPDATE ON sessions
                 FOR EACH ROW EXECUTE FUNCTION stop()",
            ],
            "DROP TRIGGER stop ON sessions",
        ),
    };
    for sql in break_it {
        app.execute(Service::User, sql).await;
    }
    refresh(&app, &signed.refresh).await.expect(500);
    by(&app, &signed.access).post("/auth/logout", Value::Null).await.expect(500);
    let rows = format!(
        "UPDATE refresh_tokens SET issued_at = issued_at WHERE used_at IS NULL AND {}",
        of_session(&app, &signed.session)
    );
    assert_eq!(app.execute(Service::User, &rows).await, 1);
    app.execute(Service::User, mend_it).await;
    let told = security_events(&app).await;
    assert!(!names(&told).contains(&"security.session_ended"), "nor was it told");
    let next = Signed::of(refresh(&app, &signed.refresh).await);
    accepted_everywhere(&app, &w, &next.access).await;
    app.stop().await;
}

async fn what_runs_out_cannot_be_traded(app: TestApp) {
    let w = World::new(&app, "prazo.example").await;
    let idle = sign_in(&app, &w.tenant, "joao@prazo.example").await;
    let busy = sign_in(&app, &w.tenant, "joao@prazo.example").await;
    let mut token = busy.refresh;
    for _ in 0..4 {
        app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        token = Signed::of(refresh(&app, &token).await).refresh;
    }
    over(refresh(&app, &idle.refresh).await);
    // Thirty days after the sign-in it is over, however often it was refreshed.
    app.clock.advance(TimeDelta::days(2));
    token = Signed::of(refresh(&app, &token).await).refresh;
    app.clock.advance(TimeDelta::seconds(4));
    over(refresh(&app, &token).await);
    app.stop().await;
}

async fn whoever_may_not_sign_in_may_not_go_on(app: TestApp) {
    let w = World::new(&app, "pare.example").await;
    let email = "joao@pare.example";
    let admin = w.admin(&app);
    let path = format!("/users/{}", w.user);
    // The user is put to sleep, and woken up: the session does not come back.
    let signed = sign_in(&app, &w.tenant, email).await;
    admin.put(&path, json!({ "is_active": false })).await.expect(200);
    over(refresh(&app, &signed.refresh).await);
    admin.put(&path, json!({ "is_active": true })).await.expect(200);
    over(refresh(&app, &signed.refresh).await);
    // The tenant is: nobody signs in or goes on meanwhile, and then everybody does.
    let signed = sign_in(&app, &w.tenant, email).await;
    let tenant = format!("/tenants/{}", w.tenant);
    admin.put(&tenant, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    over(refresh(&app, &signed.refresh).await);
    let body = json!({ "email": email, "password": PASSWORD, "tenant_id": w.tenant });
    let answer = app.post("/users/login", body).await;
    refused(answer, 401, "unauthorized", "Email ou senha inválidos");
    let active = "UPDATE tenants SET is_active = true, version = version + 1";
    app.execute(Service::Tenant, active).await;
    // The user is deleted.
    let fresh = crate::world::twin(&app, &[]).await;
    let signed = Signed::of(refresh(&fresh, &signed.refresh).await);
    w.admin(&fresh).delete(&path).await.expect(204);
    over(refresh(&fresh, &signed.refresh).await);
    fresh.stop().await;
    app.stop().await;
}

async fn a_bad_token_is_refused_alike(app: TestApp) {
    World::new(&app, "ruim.example").await;
    let unknown = format!("mr_{}", "A".repeat(43));
    for token in ["x", "mr_", unknown.as_str(), "' OR 1=1 --"] {
        over(refresh(&app, token).await);
    }
    app.post("/auth/refresh?transport=body", json!({})).await.expect(401);
    invalid(app.post("/auth/refresh?transport=pigeon", Value::Null).await, &["transport"]);
    // Without the word, the body is not looked at.
    let answer = app.post("/auth/refresh", json!({ "refresh_token": unknown })).await;
    over(answer);
    app.stop().await;
}
