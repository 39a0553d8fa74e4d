//! `marca`: everything in one process, started in an empty folder.

use crate::api::Api;
use crate::figures::{beside_others, seed, tell};
use crate::load::{Load, Outcome, free_by_list};
use crate::walkthrough::walk;
use crate::world::{World, free};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use testkit::servers::service::{Finished, ServiceCommand, binary};
use testkit::servers::{ServiceProcess, WorkDir};
use testkit::wait::until;

const LIMIT: Duration = Duration::from_mins(1);

/// `marca` as a person starts it: in a folder, with no setting but the port.
fn marca(folder: &Path) -> ServiceCommand {
    let program = binary("marca").expect("built").display().to_string();
    let folder = format!("--chdir={}", folder.display());
    ServiceCommand::new("marca", "/usr/bin/env").arg(&folder).arg(&program)
}

fn refused(command: ServiceCommand) -> Finished {
    let done = command.finish(LIMIT).expect("it ran");
    assert!(done.code.is_some_and(|code| code != 0), "{done:?}");
    assert!(!done.output.contains("panicked"), "{}", done.output);
    done
}

fn started(command: ServiceCommand) -> (ServiceProcess, Api, Duration) {
    let began = Instant::now();
    let process = command.start().expect("marca");
    let (api, took) = (Api::new(process.url()), began.elapsed());
    (process, api, took)
}

#[tokio::test]
async fn an_empty_folder_becomes_a_running_platform() {
    let _beside = beside_others().await;
    let folder = WorkDir::new("marca").expect("a folder");
    let (mut process, api, cold) = started(marca(folder.path()));
    for service in ["tenant", "user", "resource", "booking"] {
        let database = folder.path().join("data").join(format!("{service}.db"));
        assert!(database.is_file(), "{}", database.display());
    }
    let log = process.log_text();
    assert!(log.contains(&format!("Marca is at http://localhost:{}", process.port())), "{log}");
    for said in ["/api-docs/bookings", "Auth is open", "admin@demo.example", "Data is in data"] {
        assert!(log.contains(said), "{said} is not in: {log}");
    }
    let demo = api.get("/tenants/").await.expect(200);
    let demo = &demo.body.as_array().unwrap()[..];
    assert_eq!(demo.len(), 1);
    assert_eq!(demo[0]["name"], "Empresa Demo");
    let login = json!({ "email": "admin@demo.example", "password": "demo-password-1" });
    let token = api.post("/users/login", login).await.expect(200).text("access_token");
    let me = api.with_token(&token).get("/users/me").await.expect(200);
    assert_eq!(me.body["user_type"], "admin");
    walk(&api).await;
    assert!(api.get("/").await.expect(200).body.as_str().unwrap().contains("lang=\"pt-BR\""));
    assert_eq!(api.get("/docs").await.expect(302).header("location"), "/");
    for inside in ["/internal/v1/outbox/booking", "/nothing"] {
        assert_eq!(api.get(inside).await.expect(404).error(), "not_found");
    }
    let exit = process.terminate(Duration::from_secs(30)).expect("it ends");
    assert!(!exit.forced && exit.status.code() == Some(0), "{exit:?}");
    let ended = exit.took;
    let began = Instant::now();
    process.restart().expect("marca");
    let warm = began.elapsed();
    let count = Api::new(process.url()).get("/tenants/").await.expect(200);
    assert_eq!(count.body.as_array().unwrap().len(), 2, "no second demo tenant");
    tell(&format!(
        "marca (debug): first start {:.2} s, warm start {:.2} s, SIGTERM to end {:.2} s",
        cold.as_secs_f64(),
        warm.as_secs_f64(),
        ended.as_secs_f64()
    ));
}

#[tokio::test]
async fn the_demo_can_be_left_out() {
    let _beside = beside_others().await;
    let folder = WorkDir::new("marca").expect("a folder");
    let (process, api, _) = started(marca(folder.path()).arg("--no-demo"));
    assert_eq!(api.get("/tenants/").await.expect(200).body, json!([]));
    assert!(!process.log_text().contains("demo.example"));
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let _beside = beside_others().await;
    let folder = WorkDir::new("marca").expect("a folder");
    let (process, api, _) = started(marca(folder.path()));
    // The port is taken.
    let elsewhere = WorkDir::new("marca").expect("a folder");
    let done = refused(marca(elsewhere.path()).on_port(process.port()));
    assert!(done.output.contains(&format!("cannot listen on 127.0.0.1:{}", process.port())));
    assert!(done.output.contains("APP_PORT"), "{}", done.output);
    // The folder is in use, by one that goes on undisturbed.
    let done = refused(marca(folder.path()));
    assert!(done.output.contains("another Marca uses the data folder"), "{}", done.output);
    api.get("/tenants/").await.expect(200);
    // A folder that cannot be made, and a file in its place.
    let done = refused(marca(elsewhere.path()).env("DATA_DIR", "/proc/nowhere/data"));
    assert!(done.output.contains("/proc/nowhere/data"), "{}", done.output);
    let file = elsewhere.write("occupied", "").expect("a file");
    let done = refused(marca(elsewhere.path()).env("DATA_DIR", file.display().to_string()));
    assert!(done.output.contains("occupied"), "{}", done.output);
    // A setting that cannot be.
    let done = refused(marca(elsewhere.path()).env("BOOKING_DATABASE_URL", "mysql://x"));
    assert!(done.output.contains("BOOKING_DATABASE_URL"), "{}", done.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_loses_nothing_that_was_acknowledged() {
    let _beside = beside_others().await;
    let folder = WorkDir::new("marca").expect("a folder");
    let (mut process, api, _) = started(marca(folder.path()).arg("--no-demo"));
    let world = World::dense(&api).await;
    let load = Load::start(&api, &world, 4, seed("marca kill -9")).await;
    for _ in 0..4 {
        load.more(60).await;
        process.kill();
        load.failures(4).await;
        process.restart().expect("marca");
    }
    load.more(40).await;
    let ledger = load.stop().await;
    let doubtful = ledger.judge(&api).await;
    until(Duration::from_secs(10), "availability agrees with the bookings", async || {
        for own in &ledger.worlds {
            let told = free(&own.availability(&api, 2).await.expect(200));
            if told != free_by_list(&api, own, 2).await {
                return false;
            }
        }
        true
    })
    .await;
    tell(&format!(
        "marca: 4 × kill -9 under {} operations on SQLite, {} without an answer ({doubtful} stored), \
         0 lost",
        ledger.operations.len(),
        ledger.count(|outcome| outcome == Outcome::Unknown),
    ));
    assert!(!process.log_text().contains("panicked at"));
}
