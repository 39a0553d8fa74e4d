//! A forgotten password: the request, the mail, the new password.

use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::app::{Answer, Engine, TestApp};

use crate::ask::{invalid, names, refused};
use crate::passwords::{changes, sign_in};
use crate::world::{Marca, PASSWORD, World, person, tenant, twin};

testkit::on_both_engines!(crate::recovery::public =>
    a_mailed_code_sets_a_new_password_once,
    every_request_is_answered_alike_and_only_good_accounts_get_mail,
    a_mail_that_fails_is_tried_again_with_another_code,
    mails_are_not_tried_for_ever,
    an_account_has_three_requests_at_a_time,
    a_code_ends_after_thirty_minutes,
    a_refused_password_leaves_the_code_as_it_is,
    of_two_resets_at_once_one_wins,
    another_change_of_the_password_ends_the_codes,
    what_one_process_took_down_another_sends,
);

const NEW: &str = "nova senha 22";
const BAD: &str = "Código inválido, usado ou expirado.";

pub(crate) async fn public(engine: Engine) -> TestApp {
    let url = [("AUTH_MODE", "required"), ("PUBLIC_URL", "https://agenda.example/")];
    TestApp::start(&Marca, engine, &url).await
}

async fn recover(app: &TestApp, body: Value) -> Answer {
    app.post("/auth/password/recover", body).await.expect(202)
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post("/auth/password/reset", json!({ "token": token, "password": password })).await
}

async fn send(app: &TestApp) -> Result<(), String> {
    app.run_job("send recovery mails").await
}

/// Asks for a mail and reads the code in it.
async fn code(app: &TestApp, email: &str) -> String {
    recover(app, json!({ "email": email })).await;
    send(app).await.unwrap();
    let [mail] = &app.letters.empty()[..] else { panic!("one mail was expected") };
    assert_eq!(mail.to, email);
    code_of(&mail.text)
}

fn code_of(text: &str) -> String {
    text.lines().find(|line| line.starts_with("mp_")).unwrap().to_owned()
}

async fn a_mailed_code_sets_a_new_password_once(app: TestApp) {
    let w = World::new(&app, "lembra.example").await;
    recover(&app, json!({ "email": "JOAO@lembra.example", "domain": "lembra.example" })).await;
    assert!(app.letters.empty().is_empty(), "the request itself mails nothing");
    send(&app).await.unwrap();
    send(&app).await.unwrap();
    let [mail] = &app.letters.empty()[..] else { panic!("one mail was expected") };
    assert_eq!(mail.to, "joao@lembra.example");
    assert_eq!(mail.subject, "Nova senha - Academia Fit");
    let token = code_of(&mail.text);
    let link = format!("https://agenda.example/auth/password/reset?token={token}");
    assert!(mail.text.lines().any(|line| line == link), "{}", mail.text);
    sign_in(&app, "joao@lembra.example", PASSWORD).await.expect(200);
    reset(&app, &token, NEW).await.expect(204);
    sign_in(&app, "joao@lembra.example", PASSWORD).await.expect(401);
    sign_in(&app, "joao@lembra.example", NEW).await.expect(200);
    for bad in [token.as_str(), "mp_x", "x"] {
        refused(reset(&app, bad, PASSWORD).await, 400, "invalid_token", BAD);
    }
    let events = changes(&app).await;
    assert_eq!(
        names(&events),
        ["security.password_recovery_requested", "user.updated", "security.password_changed"]
    );
    assert_eq!(events[1].metadata.aggregate_id.to_string(), w.user);
    invalid(app.post("/auth/password/reset", json!({})).await, &["password", "token"]);
    invalid(
        app.post("/auth/password/recover", json!({ "tenant_id": 1 })).await,
        &["email", "tenant_id"],
    );
    app.stop().await;
}

async fn every_request_is_answered_alike_and_only_good_accounts_get_mail(app: TestApp) {
    let w = World::new(&app, "alike.example").await;
    let closed = World::new(&app, "fechada.example").await;
    let off = json!({ "is_active": false });
    closed.admin(&app).put(&format!("/tenants/{}", closed.tenant), off.clone()).await.expect(200);
    app.settle().await;
    w.admin(&app).put(&format!("/users/{}", w.user), off).await.expect(200);
    let other = app.post("/tenants/", tenant("dois.example", &json!({}))).await.expect(201).id();
    let double = person(&other, "Ana", "ana@alike.example", "admin");
    app.post("/users/", double).await.expect(201);
    let mut bodies = Vec::new();
    for (body, mails) in [
        (json!({ "email": "ninguem@alike.example" }), 0),
        (json!({ "email": "joao@alike.example" }), 0),
        (json!({ "email": "ana@fechada.example" }), 0),
        (json!({ "email": "ana@alike.example" }), 0),
        (json!({ "email": "ana@alike.example", "domain": "tres.example" }), 0),
        (json!({ "email": "ana@alike.example", "domain": "alike.example" }), 1),
        (json!({ "email": "ana@alike.example", "tenant_id": other }), 1),
    ] {
        let answer = recover(&app, body.clone()).await;
        send(&app).await.unwrap();
        assert_eq!(app.letters.empty().len(), mails, "{body}");
        bodies.push(answer.body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    app.stop().await;
}

async fn a_mail_that_fails_is_tried_again_with_another_code(app: TestApp) {
    World::new(&app, "falha.example").await;
    app.letters.refuse(2);
    recover(&app, json!({ "email": "joao@falha.example" })).await;
    let said = send(&app).await.unwrap_err();
    assert_eq!(said, "the mail server does not answer");
    send(&app).await.unwrap();
    assert_eq!(app.letters.tried(), 1, "not at once");
    app.clock.advance(TimeDelta::minutes(1));
    send(&app).await.unwrap_err();
    app.clock.advance(TimeDelta::minutes(1));
    send(&app).await.unwrap();
    assert_eq!(app.letters.tried(), 2, "each pause is longer");
    app.clock.advance(TimeDelta::minutes(1));
    send(&app).await.unwrap();
    let [mail] = &app.letters.empty()[..] else { panic!("one mail was expected") };
    reset(&app, &code_of(&mail.text), NEW).await.expect(204);
    app.stop().await;
}

async fn mails_are_not_tried_for_ever(app: TestApp) {
    World::new(&app, "nunca.example").await;
    app.letters.refuse(100);
    recover(&app, json!({ "email": "joao@nunca.example" })).await;
    let mut failures = 0;
    for _ in 0..120 {
        failures += usize::from(send(&app).await.is_err());
        app.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!((failures, app.letters.tried()), (5, 5));
    app.stop().await;
}

async fn an_account_has_three_requests_at_a_time(app: TestApp) {
    World::new(&app, "tres.example").await;
    let body = json!({ "email": "joao@tres.example" });
    let burst = (0..10).map(|_| recover(&app, body.clone()));
    futures_util::future::join_all(burst).await;
    send(&app).await.unwrap();
    let mails = app.letters.empty();
    assert_eq!(mails.len(), 3);
    app.clock.advance(TimeDelta::minutes(29));
    recover(&app, body.clone()).await;
    send(&app).await.unwrap();
    assert!(app.letters.empty().is_empty());
    // A new password ends them all, and there is room again.
    reset(&app, &code_of(&mails[0].text), NEW).await.expect(204);
    for mail in &mails {
        refused(reset(&app, &code_of(&mail.text), NEW).await, 400, "invalid_token", BAD);
    }
    code(&app, "joao@tres.example").await;
    app.stop().await;
}

async fn a_code_ends_after_thirty_minutes(app: TestApp) {
    World::new(&app, "prazo.example").await;
    let token = code(&app, "joao@prazo.example").await;
    app.clock.advance(TimeDelta::minutes(30));
    refused(reset(&app, &token, NEW).await, 400, "invalid_token", BAD);
    let token = code(&app, "joao@prazo.example").await;
    app.clock.advance(TimeDelta::seconds(30 * 60 - 1));
    reset(&app, &token, NEW).await.expect(204);
    app.clock.advance(TimeDelta::days(2));
    app.run_job("prune failed sign-ins and recoveries").await.unwrap();
    app.stop().await;
}

async fn a_refused_password_leaves_the_code_as_it_is(app: TestApp) {
    World::new(&app, "fraca.example").await;
    let token = code(&app, "joao@fraca.example").await;
    for (password, code) in [("1", "too_short"), ("sem digito", "weak"), ("password1", "common")] {
        let answer = invalid(reset(&app, &token, password).await, &["password"]);
        assert_eq!(answer.body["fields"][0]["code"], code);
    }
    reset(&app, &token, NEW).await.expect(204);
    app.stop().await;
}

async fn of_two_resets_at_once_one_wins(app: TestApp) {
    World::new(&app, "corrida.example").await;
    let token = code(&app, "joao@corrida.example").await;
    let both = tokio::join!(reset(&app, &token, NEW), reset(&app, &token, "outra senha 3"));
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    let winner = if both.0.status.as_u16() == 204 { NEW } else { "outra senha 3" };
    sign_in(&app, "joao@corrida.example", winner).await.expect(200);
    app.stop().await;
}

async fn another_change_of_the_password_ends_the_codes(app: TestApp) {
    let w = World::new(&app, "outro.example").await;
    let token = code(&app, "joao@outro.example").await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW });
    w.user(&app).post("/auth/password/change", change).await.expect(204);
    refused(reset(&app, &token, PASSWORD).await, 400, "invalid_token", BAD);
    // So does an admin's edit, and leaving.
    let token = code(&app, "joao@outro.example").await;
    let path = format!("/users/{}", w.user);
    w.admin(&app).put(&path, json!({ "password": PASSWORD })).await.expect(200);
    refused(reset(&app, &token, NEW).await, 400, "invalid_token", BAD);
    let token = code(&app, "joao@outro.example").await;
    w.admin(&app).delete(&path).await.expect(204);
    refused(reset(&app, &token, NEW).await, 400, "invalid_token", BAD);
    app.stop().await;
}

async fn what_one_process_took_down_another_sends(app: TestApp) {
    World::new(&app, "morre.example").await;
    recover(&app, json!({ "email": "joao@morre.example" })).await;
    let other = twin(&app, &[]).await;
    // Both look at once: one sends.
    let (one, two) = tokio::join!(send(&app), send(&other));
    one.unwrap();
    two.unwrap();
    let mails = [app.letters.empty(), other.letters.empty()].concat();
    assert_eq!(mails.len(), 1);
    other.stop().await;
    app.stop().await;
}
