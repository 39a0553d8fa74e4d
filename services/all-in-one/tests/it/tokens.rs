//! Who holds what token: forged, expired, revoked, of another tenant. The forgeries are in
//! `forgeries`.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{by, refused, well_refused};
use crate::forgeries::{Mint, table};
use crate::world::{World, login, twin};

testkit::on_both_engines!(crate::world::guarded =>
    without_a_token_only_public_routes_answer,
    what_is_forged_is_refused_everywhere,
    a_token_expires_to_the_second,
    a_token_for_another_audience_is_refused,
    the_token_of_a_deactivated_user_stops,
    the_token_of_a_deleted_user_stops,
);

/// What a token says.
pub(crate) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// Tokens with the claims of a good one, "signed" with a secret that is no signing key: with HMAC under
/// either header, and with the secret itself as signature.
pub(crate) fn signed_with(secret: &str, header: &str, claims: &str) -> [String; 3] {
    let with_hmac = encode(&json!({ "alg": "HS256", "typ": "JWT" }));
    let sign = |header: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mac = hmac::sign(&key, format!("{header}.{claims}").as_bytes());
        format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref()))
    };
    let raw = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(secret));
    [sign(&with_hmac), sign(header), raw]
}

/// One guarded route of each service.
fn routes(w: &World) -> [String; 4] {
    [
        format!("/tenants/{}/settings", w.tenant),
        "/users/me".to_owned(),
        "/resources/".to_owned(),
        "/bookings/".to_owned(),
    ]
}

pub(crate) async fn accepted_everywhere(app: &TestApp, w: &World, token: &str) {
    for path in routes(w) {
        by(app, token).get(&path).await.expect(200);
    }
}

pub(crate) async fn refused_everywhere(app: &TestApp, w: &World, token: &str) {
    for path in routes(w) {
        let answer = by(app, token).get(&path).await;
        let answer = refused(answer, 401, "unauthorized", "Token inválido ou expirado.");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
    }
    // A bad token is judged on public routes too.
    by(app, token).get("/tenants/").await.expect(401);
}

async fn without_a_token_only_public_routes_answer(app: TestApp) {
    let w = World::new(&app, "aberto.example").await;
    for path in routes(&w) {
        let answer = app.get(&path).await;
        let answer = refused(answer, 401, "unauthorized", "Autenticação necessária.");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
    }
    for path in ["/tenants/", &format!("/tenants/{}", w.tenant), "/auth/.well-known/jwks.json"] {
        app.get(path).await.expect(200);
    }
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", "bearer x", &w.user_token] {
        let headers = [("authorization", value)];
        by(&app, "").raw("GET", "/users/me", &headers, "").await.expect(401);
    }
    let lower = format!("bearer {}", w.user_token);
    by(&app, "").raw("GET", "/users/me", &[("authorization", &lower)], "").await.expect(200);
    app.stop().await;
}

/// Each row of the table in `forgeries`, at every service.
async fn what_is_forged_is_refused_everywhere(app: TestApp) {
    let w = World::new(&app, "forja.example").await;
    let mint = Mint::new(&app);
    for (name, token, good) in table(&mint, &w.user_token) {
        let judged = async || {
            if good {
                accepted_everywhere(&app, &w, &token).await;
            } else {
                refused_everywhere(&app, &w, &token).await;
            }
        };
        // The name of the row that fails is what the log ends with.
        eprintln!("forgery: {name}");
        judged().await;
    }
    accepted_everywhere(&app, &w, &w.user_token).await;
    app.stop().await;
}

async fn a_token_expires_to_the_second(app: TestApp) {
    let w = World::new(&app, "expira.example").await;
    let claims = claims(&w.user_token);
    let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    accepted_everywhere(&app, &w, &w.user_token).await;
    app.clock.advance(TimeDelta::seconds(lives - 1));
    accepted_everywhere(&app, &w, &w.user_token).await;
    app.clock.advance(TimeDelta::seconds(1));
    refused_everywhere(&app, &w, &w.user_token).await;
    app.stop().await;
}

/// A second Marca on the same databases with the same key: only the audience or the issuer differs.
async fn a_token_for_another_audience_is_refused(app: TestApp) {
    let w = World::new(&app, "publico.example").await;
    for (variable, value, good) in [
        ("JWT_AUDIENCE", "marca", true),
        ("JWT_AUDIENCE", "outra", false),
        ("JWT_ISSUER", "outra", false),
    ] {
        let other = twin(&app, &[(variable, value)]).await;
        let token = login(&other, &w.tenant, "joao@publico.example").await;
        accepted_everywhere(&other, &w, &token).await;
        if good {
            accepted_everywhere(&app, &w, &token).await;
        } else {
            refused_everywhere(&app, &w, &token).await;
        }
        other.stop().await;
    }
    app.stop().await;
}

async fn the_token_of_a_deactivated_user_stops(app: TestApp) {
    let w = World::new(&app, "para.example").await;
    accepted_everywhere(&app, &w, &w.user_token).await;
    let path = format!("/users/{}", w.user);
    w.admin(&app).put(&path, json!({ "is_active": false })).await.expect(200);
    app.settle().await;
    refused_everywhere(&app, &w, &w.user_token).await;
    let booking = w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    well_refused(booking, 401, "unauthorized");
    w.admin(&app).put(&path, json!({ "is_active": true })).await.expect(200);
    app.settle().await;
    // The session ended with it: the user signs in again.
    refused_everywhere(&app, &w, &w.user_token).await;
    let w = World { user_token: login(&app, &w.tenant, "joao@para.example").await, ..w };
    accepted_everywhere(&app, &w, &w.user_token).await;
    // A permission taken away is gone as well.
    let less = json!({ "permissions": { "can_book": false } });
    w.admin(&app).put(&path, less).await.expect(200);
    app.settle().await;
    let booking = w.book(&app, "2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z").await;
    refused(booking, 403, "forbidden", "Você não tem permissão para criar reservas.");
    app.stop().await;
}

async fn the_token_of_a_deleted_user_stops(app: TestApp) {
    let w = World::new(&app, "apaga.example").await;
    accepted_everywhere(&app, &w, &w.user_token).await;
    w.admin(&app).delete(&format!("/users/{}", w.user)).await.expect(204);
    app.settle().await;
    refused_everywhere(&app, &w, &w.user_token).await;
    // So do the tokens of a deleted tenant's people.
    accepted_everywhere(&app, &w, &w.admin_token).await;
    w.admin(&app).delete(&format!("/tenants/{}", w.tenant)).await.expect(204);
    app.settle().await;
    refused_everywhere(&app, &w, &w.admin_token).await;
    app.stop().await;
}
