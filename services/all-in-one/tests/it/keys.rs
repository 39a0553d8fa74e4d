//! Signing keys: rotated by the command under a running app, and how they are published.

use std::fs::File;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use common::settings::SigningKey;
use serde_json::Value;
use testkit::app::TestApp;

use crate::ask::by;
use crate::tokens::{accepted_everywhere, refused_everywhere};
use crate::world::{World, login};

testkit::on_both_engines!(crate::world::guarded =>
    a_key_is_rotated_without_a_token_becoming_worthless,
    a_key_that_became_known_is_dropped_with_its_tokens,
    the_keys_are_cached_by_their_tag,
);

const JWKS: &str = "/auth/.well-known/jwks.json";

/// `marca keys …`, on the folder of the app.
fn marca(app: &TestApp, arguments: &[&str], more: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marca"));
    command.env("DATA_DIR", &app.platform.settings.data_dir).envs(more.iter().copied());
    command.arg("keys").args(arguments).output().unwrap()
}

/// The lines it answers with.
#[track_caller]
fn keys(app: &TestApp, arguments: &[&str]) -> Vec<String> {
    let done = marca(app, arguments, &[]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The names of the published keys.
async fn published(app: &TestApp) -> Vec<String> {
    let answer = app.get(JWKS).await.expect(200);
    let keys = answer.body["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key.get("d").is_none()), "no private half");
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// What the running service does every two seconds.
async fn look(app: &TestApp) {
    let jobs = app.running.services().iter().flat_map(|service| &service.jobs);
    let mut looks = jobs.filter(|job| job.name == "look for changed signing keys");
    (looks.next().unwrap().run)().await.unwrap();
}

/// The key file becomes older than the time a new key waits, and so do the verifiers' keys.
fn settle(app: &TestApp) {
    let SigningKey::File(path) = &app.platform.settings.signing_key else { panic!("a file") };
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(11)).unwrap();
    app.clock.advance(TimeDelta::seconds(11));
}

async fn a_key_is_rotated_without_a_token_becoming_worthless(app: TestApp) {
    let w = World::new(&app, "chaves.example").await;
    let old = kid(&w.user_token);
    assert_eq!(published(&app).await, [old.as_str()]);
    accepted_everywhere(&app, &w, &w.user_token).await;

    let lines = keys(&app, &["rotate"]);
    let new = lines[0].strip_suffix(" new").unwrap().to_owned();
    assert_eq!(lines[1], format!("{old} verifies only, soon"));
    look(&app).await;
    assert_eq!(published(&app).await, [new.as_str(), old.as_str()]);
    let email = "joao@chaves.example";
    assert_eq!(kid(&login(&app, &w.tenant, email).await), old, "others may not know it yet");
    let listed = keys(&app, &["list"]);
    assert!(listed[0].starts_with(&new) && listed[0].ends_with(" verifies only"), "{listed:?}");
    assert!(listed[1].starts_with(&old) && listed[1].ends_with(" signs"), "{listed:?}");

    settle(&app);
    look(&app).await;
    let token = login(&app, &w.tenant, email).await;
    assert_eq!(kid(&token), new);
    accepted_everywhere(&app, &w, &token).await;
    accepted_everywhere(&app, &w, &w.user_token).await;
    assert!(keys(&app, &["list"])[0].ends_with(" signs"));

    // The verifiers' own refresh takes nothing away.
    app.clock.advance(TimeDelta::minutes(5));
    accepted_everywhere(&app, &w, &w.user_token).await;
    accepted_everywhere(&app, &w, &token).await;
    app.stop().await;
}

async fn a_key_that_became_known_is_dropped_with_its_tokens(app: TestApp) {
    let w = World::new(&app, "vazou.example").await;
    let old = kid(&w.user_token);
    accepted_everywhere(&app, &w, &w.user_token).await;
    let lines = keys(&app, &["rotate", "--drop-old"]);
    let new = lines[0].strip_suffix(" new").unwrap().to_owned();
    assert_eq!(lines[1..], [format!("{old} dropped")]);
    look(&app).await;
    assert_eq!(published(&app).await, [new.as_str()]);
    let token = login(&app, &w.tenant, "joao@vazou.example").await;
    assert_eq!(kid(&token), new, "there is no other to sign with");
    // Verified once and remembered: it stops all the same.
    app.clock.advance(TimeDelta::seconds(46));
    refused_everywhere(&app, &w, &w.user_token).await;
    accepted_everywhere(&app, &w, &token).await;
    app.stop().await;
}

async fn the_keys_are_cached_by_their_tag(app: TestApp) {
    let answer = app.get(JWKS).await.expect(200);
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{tag}");
    let ask = async |tag: &str| by(&app, "").raw("GET", JWKS, &[("if-none-match", tag)], "").await;
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let answer = ask(&known).await.expect(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", tag.as_str()));
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
    }
    for other in ["\"x\"", "", "x", tag.trim_matches('"')] {
        let answer = ask(other).await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
    }
    keys(&app, &["rotate"]);
    look(&app).await;
    assert_ne!(ask(&tag).await.expect(200).header("etag"), tag);

    // In a variable the keys are another's to change, and nothing secret is shown in saying so.
    let SigningKey::File(path) = &app.platform.settings.signing_key else { panic!("a file") };
    let pem = std::fs::read_to_string(path).unwrap();
    let done = marca(&app, &["rotate"], &[("SIGNING_KEY_PEM", &pem)]);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && said.contains("in front"), "{said}");
    let listed = marca(&app, &["list"], &[("SIGNING_KEY_PEM", &pem)]);
    assert!(listed.status.success());
    for output in [said, String::from_utf8_lossy(&listed.stdout)] {
        let secret = pem.lines().filter(|line| line.starts_with('M')).collect::<Vec<_>>();
        assert!(secret.iter().all(|line| !output.contains(line)), "a private key is shown");
    }
    app.stop().await;
}
