//! The command lines of the binaries: migrations, and what they refuse to start with.

use crate::cluster::{command, peers, secret, variable};
use crate::figures::beside_others;
use contracts::Service;
use std::time::Duration;
use testkit::servers::Redis;
use testkit::servers::postgres::{as_owner, as_service, drop_database, fresh_database};
use testkit::servers::redis::Persistence;
use testkit::servers::service::{Finished, ServiceCommand, binary};

const LIMIT: Duration = Duration::from_mins(1);

fn finish(command: ServiceCommand, arguments: &[&str]) -> Finished {
    let command = arguments.iter().fold(command, |command, argument| command.arg(argument));
    command.finish(LIMIT).expect("it ran")
}

#[tokio::test]
async fn every_service_migrates_up_and_down_on_postgres() {
    let _beside = beside_others().await;
    for service in Service::ALL {
        let name = service.name();
        let database = fresh_database(name).await;
        let run = |arguments: &[&str]| {
            let command = command(service)
                .env(&variable(service, "DATABASE_URL"), as_service(&database))
                .env(&variable(service, "MIGRATION_DATABASE_URL"), as_owner(&database));
            let done = finish(command, arguments);
            assert_eq!(done.code, Some(0), "{name} {arguments:?}: {}", done.output);
            done.output
        };
        let up_to_date = format!("{name}: up to date");
        let pending = format!("{name}: pending: ");
        assert!(run(&["migrate", "status"]).contains(&pending));
        assert!(run(&["migrate", "up"]).contains(&up_to_date));
        assert!(run(&["migrate", "status"]).contains(&up_to_date));
        assert!(run(&["migrate"]).contains(&up_to_date), "up again does nothing");
        assert!(run(&["migrate", "down", "--steps", "1"]).contains(&pending));
        assert!(run(&["migrate", "up"]).contains(&up_to_date));
        assert!(run(&["migrate", "down"]).contains(&pending));
        assert!(run(&["migrate", "up"]).contains(&up_to_date), "down leaves nothing in the way");
        drop_database(&database).await;
    }
}

/// Where somebody else migrates, a service without its tables says so instead of failing requests.
#[tokio::test]
async fn a_service_that_shall_not_migrate_waits_for_its_tables() {
    let _beside = beside_others().await;
    let database = fresh_database("booking").await;
    let settings = |command: ServiceCommand| {
        command
            .env("BOOKING_DATABASE_URL", as_service(&database))
            .env("BOOKING_MIGRATION_DATABASE_URL", as_owner(&database))
            .env("AUTO_MIGRATE", "false")
    };
    let mut process = settings(command(Service::Booking)).start_unready().expect("started");
    let api = crate::api::Api::new(process.url());
    testkit::wait::until(LIMIT, "it says what is missing", async || {
        let asked = api.attempt(reqwest::Method::GET, "/ready", &serde_json::Value::Null).await;
        asked.is_ok_and(|ready| {
            ready.status == 503
                && ready.body["checks"]["migrations"] == "down"
                && ready.body["checks"]["database"] == "ok"
        })
    })
    .await;
    let done = finish(settings(command(Service::Booking)), &["migrate", "up"]);
    assert_eq!(done.code, Some(0), "{}", done.output);
    process.wait_ready(LIMIT).expect("ready without a restart");
    drop(process);
    drop_database(&database).await;
}

#[tokio::test]
async fn every_binary_tells_its_version_and_its_usage() {
    let _beside = beside_others().await;
    let names = Service::ALL.map(|service| format!("marca-{}", service.name()));
    for name in names.iter().map(String::as_str).chain(["marca"]) {
        let command = || ServiceCommand::new(name, binary(name).expect("built"));
        let version = finish(command(), &["--version"]);
        assert_eq!(version.code, Some(0));
        assert!(version.output.contains(env!("CARGO_PKG_VERSION")), "{}", version.output);
        let help = finish(command(), &["--help"]);
        assert_eq!(help.code, Some(0));
        for word in ["serve", "migrate", "healthcheck", "openapi"] {
            assert!(help.output.contains(word), "{name} --help lacks {word}");
        }
        assert_ne!(finish(command(), &["destroy"]).code, Some(0), "an unknown command");
    }
}

#[tokio::test]
async fn production_refuses_everything_unsafe_at_once() {
    let _beside = beside_others().await;
    let unsafe_settings = |command: ServiceCommand| {
        command
            .env("ENVIRONMENT", "production")
            .env("AUTH_MODE", "optional")
            .env("CORS_ORIGINS", "*")
            .env("INTERNAL_TOKEN", "short")
            .env("PUBLIC_URL", "http://agenda.example")
            .env("TRUSTED_PROXIES", "::/0")
            .env("RATE_LIMIT_IP", "many")
            .env("DATA_DIR", "/proc/nowhere")
            .env("DEFAULT_BOOKING_INTERVAL", "3")
    };
    let names = Service::ALL.map(|service| format!("marca-{}", service.name()));
    for name in names.iter().map(String::as_str).chain(["marca"]) {
        let program = binary(name).expect("built");
        let done = finish(unsafe_settings(ServiceCommand::new(name, program)), &[]);
        assert!(done.code.is_some_and(|code| code != 0), "{name}: {done:?}");
        let mut offences = vec![
            "AUTH_MODE",
            "CORS_ORIGINS",
            "PUBLIC_URL",
            "TRUSTED_PROXIES",
            "RATE_LIMIT_IP",
            "INTERNAL_TOKEN",
            "DATABASE_URL",
            "DEFAULT_BOOKING_INTERVAL",
        ];
        if matches!(name, "marca-user" | "marca") {
            offences.extend(["SIGNING_KEY_FILE", "SMTP_URL", "MAIL_FROM"]);
        }
        if name != "marca" {
            offences.extend(["INTERNAL_PEERS", "REDIS_URL"]);
        }
        for offence in offences {
            assert!(
                done.output.contains(offence),
                "{name} does not name {offence}: {}",
                done.output
            );
        }
        assert!(!done.output.contains("panicked"), "{}", done.output);
    }
}

/// With everything as it should be production does start.
#[tokio::test]
async fn production_starts_when_it_is_safe() {
    let _beside = beside_others().await;
    let database = fresh_database("tenant").await;
    let redis = Redis::start(Persistence::None).expect("Redis");
    let settings = |command: ServiceCommand| {
        command
            .env("ENVIRONMENT", "production")
            .env("CORS_ORIGINS", "https://agenda.example")
            .env("PUBLIC_URL", "https://agenda.example")
            .env("INTERNAL_TOKEN", secret(Service::Tenant))
            .env("INTERNAL_PEERS", peers())
            .env("REDIS_URL", redis.url())
            .env("TENANT_DATABASE_URL", as_service(&database))
            .env("TENANT_MIGRATION_DATABASE_URL", as_owner(&database))
    };
    let done = finish(settings(command(Service::Tenant)), &["migrate", "up"]);
    assert_eq!(done.code, Some(0), "{}", done.output);
    let process = settings(command(Service::Tenant)).start().expect("it starts");
    let api = crate::api::Api::new(process.url());
    let body = crate::world::tenant("safe.example", &serde_json::json!({}));
    let id = api.post("/tenants/", body).await.expect(201).id();
    let open = api.get(&format!("/tenants/{id}")).await.expect(200);
    assert!(open.body.get("settings").is_none(), "only what is public: {}", open.body);
    let settings = api.get(&format!("/tenants/{id}/settings")).await.expect(401);
    settings.error();
    assert!(settings.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(settings.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(settings.header("ratelimit-policy"), "\"ip\";q=3000;w=60");
    drop(process);
    drop_database(&database).await;
}

/// A role that row-level security does not hold back is refused by name, before a request is served.
#[tokio::test]
async fn production_refuses_a_role_that_the_policies_do_not_hold() {
    let _beside = beside_others().await;
    let database = fresh_database("tenant").await;
    let redis = Redis::start(Persistence::None).expect("Redis");
    let settings = |url: String| {
        command(Service::Tenant)
            .env("ENVIRONMENT", "production")
            .env("CORS_ORIGINS", "https://agenda.example")
            .env("PUBLIC_URL", "https://agenda.example")
            .env("INTERNAL_TOKEN", secret(Service::Tenant))
            .env("INTERNAL_PEERS", peers())
            .env("REDIS_URL", redis.url())
            .env("TENANT_DATABASE_URL", url)
    };
    let done = finish(settings(as_owner(&database)), &["migrate", "up"]);
    assert_eq!(done.code, Some(0), "{}", done.output);
    for (url, offence) in
        [(as_owner(&database), "owns the tables"), (database.clone(), "is a superuser")]
    {
        let done = finish(settings(url), &[]);
        assert_eq!(done.code, Some(1), "{}", done.output);
        assert!(done.output.contains(offence), "{}", done.output);
    }
    drop_database(&database).await;
}

/// Counted first, then removed, once; never shown.
#[tokio::test]
async fn leftover_tokens_are_counted_and_removed_by_command() {
    let _beside = beside_others().await;
    let database = fresh_database("user").await;
    let data = testkit::servers::WorkDir::new("data").expect("a folder");
    let run = |arguments: &[&str]| {
        let command = command(Service::User)
            .env("USER_DATABASE_URL", &database)
            .env("DATA_DIR", data.path().display().to_string());
        let done = finish(command, arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.output);
        done.output
    };
    run(&["migrate", "up"]);
    let sql = crate::sql::Sql::open(&database).await;
    for (id, ended, used) in [(1, "now() - interval '31 days'", "NULL"), (2, "NULL", "NULL")] {
        sql.run(&format!(
            "INSERT INTO sessions (id, tenant_id, user_id, created_at, last_used_at, expires_at,
                ended_at) SELECT md5('{id}')::uuid, md5('t')::uuid, md5('u')::uuid, now(), now(),
                now() + interval '30 days', {ended}"
        ))
        .await;
        sql.run(&format!(
            "INSERT INTO refresh_tokens (id, session_id, tenant_id, token_hash, issued_at,
                expires_at, used_at) SELECT md5('{id}')::uuid, md5('{id}')::uuid, md5('t')::uuid,
                'secret-{id}', now(), now() + interval '7 days', {used}"
        ))
        .await;
    }
    let dry = run(&["cleanup-tokens", "--dry-run"]);
    assert!(dry.contains("would remove 1 revoked refresh tokens"), "{dry}");
    assert!(dry.contains("would remove 1 ended sessions"), "{dry}");
    let kept = run(&["cleanup-tokens", "--keep-revoked-days", "40"]);
    assert!(kept.contains("removed 0 revoked refresh tokens"), "{kept}");
    let wet = run(&["cleanup-tokens"]);
    assert!(wet.contains("removed 1 revoked refresh tokens"), "{wet}");
    assert!(wet.contains("removed 1 ended sessions"), "{wet}");
    assert!(run(&["cleanup-tokens"]).contains("removed 0 ended sessions"), "once");
    assert!(!format!("{dry}{wet}").contains("secret"));
    assert_eq!(sql.number("SELECT count(*) FROM sessions").await, 1);
    drop(sql);
    drop_database(&database).await;
}
