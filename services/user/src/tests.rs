//! The use cases by themselves, on both engines: what a route does not show, such as where a request
//! comes from.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::TimeDelta;
use common::Platform;
use common::clock::{ManualClock, SystemIds};
use common::db::Once;
use common::platform::Assembly;
use common::settings::{Env, Settings, Topology};
use contracts::Service;
use contracts::password::{RecoverPassword, RecoveryAccepted};
use contracts::session::Login;
use contracts::user::{CreateUser, Permissions, UserType};
use testkit::app::{Engine, epoch};
use testkit::mail::Letterbox;
use testkit::servers::postgres as servers;
use uuid::Uuid;

use crate::app::Users;
use crate::error::Error;
use crate::store::Migrator;

const TENANT: Uuid = Uuid::from_u128(1);
const PASSWORD: &str = "correct horse 1";

/// The service without neighbours: every tenant has the default rules.
struct Scene {
    users: Users,
    clock: Arc<ManualClock>,
    letters: Arc<Letterbox>,
    _folder: tempfile::TempDir,
}

async fn scene(engine: Engine) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let mut env = vec![("DATA_DIR".to_owned(), folder.path().display().to_string())];
    if engine == Engine::Postgres {
        env.push(("USER_DATABASE_URL".to_owned(), servers::fresh_database("user").await));
    }
    let settings = Settings::read(&Env::from_iter(env), Topology::Single(Service::User));
    let settings = settings.unwrap_or_else(|offences| panic!("{offences:?}"));
    let (clock, letters) = (Arc::new(ManualClock::at(epoch())), Arc::<Letterbox>::default());
    let platform =
        Platform::with_notifier(settings, clock.clone(), Arc::new(SystemIds), letters.clone());
    let platform = platform.unwrap();
    let assembly = Assembly::open(&platform, Service::User).await.unwrap();
    assembly.database.migrate::<Migrator>().await.unwrap();
    let users = crate::users(&platform, &assembly).unwrap();
    Scene { users, clock, letters, _folder: folder }
}

impl Scene {
    async fn join(&self, name: &str) {
        let profile = CreateUser {
            tenant_id: TENANT,
            name: name.to_owned(),
            email: format!("{name}@x.example"),
            phone: None,
            department: None,
            user_type: UserType::User,
            is_active: true,
            permissions: Permissions::default(),
            preset: None,
            metadata: serde_json::json!({}),
            password: Some(PASSWORD.to_owned()),
        };
        let made = self.users.create(None, &Once::unkeyed(), profile).await;
        made.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A sign-in from `client`: seconds to wait, or whether it was good.
    async fn sign_in(&self, name: &str, password: &str, client: &str) -> Result<bool, u64> {
        let login = Login {
            email: format!("{name}@x.example"),
            password: password.to_owned(),
            tenant_id: None,
            domain: None,
        };
        let client = crate::app::Client::new(client.parse().ok(), None);
        match self.users.login(login, &client, "trace").await {
            Ok(_) => Ok(true),
            Err(Error::BadCredentials) => Ok(false),
            Err(Error::Throttled(seconds)) => Err(seconds),
            Err(error) => panic!("{error}"),
        }
    }

    async fn recover(&self, name: &str, client: IpAddr) {
        let recover =
            RecoverPassword { email: format!("{name}@x.example"), tenant_id: None, domain: None };
        let told = RecoveryAccepted { success: true, message: String::new() };
        let (once, client) = (Once::unkeyed(), Some(client));
        let done = self.users.recover_password(&once, recover, &told, client, "test").await;
        done.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Runs each test on both engines.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::scene(testkit::app::Engine::Sqlite).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::scene(testkit::app::Engine::Postgres).await).await;
            })+
        }
    };
}

on_both_engines!(
    a_client_has_twenty_free_failures_over_all_accounts,
    a_blocked_client_makes_nobody_elses_wait_longer,
    own_successes_neither_cost_nor_buy_guesses,
    networks_of_sixty_four_bits_are_one_client,
    a_client_has_twenty_recoveries_an_hour,
);

const HERE: &str = "192.0.2.1";
const THERE: &str = "192.0.2.2";

async fn a_client_has_twenty_free_failures_over_all_accounts(scene: Scene) {
    scene.join("ana").await;
    for number in 0..20 {
        let tried = scene.sign_in(&format!("n{number}"), "errada 1", HERE).await;
        assert_eq!(tried, Ok(false));
    }
    assert_eq!(scene.sign_in("ana", PASSWORD, HERE).await, Err(1));
    assert_eq!(scene.sign_in("ana", PASSWORD, THERE).await, Ok(true));
    // The wait doubles up to a minute.
    let mut waits = Vec::new();
    for number in 20..30 {
        let name = format!("n{number}");
        let Err(seconds) = scene.sign_in(&name, "errada 1", HERE).await else { panic!("blocked") };
        waits.push(seconds);
        scene.clock.advance(TimeDelta::seconds(i64::try_from(seconds).unwrap()));
        assert_eq!(scene.sign_in(&name, "errada 1", HERE).await, Ok(false));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
    scene.clock.advance(TimeDelta::seconds(60));
    assert_eq!(scene.sign_in("ana", PASSWORD, HERE).await, Ok(true));
}

async fn a_blocked_client_makes_nobody_elses_wait_longer(scene: Scene) {
    scene.join("ana").await;
    for number in 0..20 {
        assert_eq!(scene.sign_in(&format!("n{number}"), "errada 1", HERE).await, Ok(false));
    }
    for _ in 0..10 {
        assert_eq!(scene.sign_in("ana", "errada 1", HERE).await, Err(1));
    }
    // None of these was counted against the account.
    for _ in 0..5 {
        assert_eq!(scene.sign_in("ana", "errada 1", THERE).await, Ok(false));
    }
    assert_eq!(scene.sign_in("ana", "errada 1", THERE).await, Err(1));
}

/// Whoever guesses could sign in to an account of his own in between.
async fn own_successes_neither_cost_nor_buy_guesses(scene: Scene) {
    scene.join("own").await;
    for number in 0..20 {
        assert_eq!(scene.sign_in("own", PASSWORD, HERE).await, Ok(true));
        assert_eq!(scene.sign_in(&format!("n{number}"), "errada 1", HERE).await, Ok(false));
    }
    assert_eq!(scene.sign_in("own", PASSWORD, HERE).await, Err(1));
    scene.clock.advance(TimeDelta::seconds(1));
    // Good: the wait that it would have caused goes with it, the failures stay.
    assert_eq!(scene.sign_in("own", PASSWORD, HERE).await, Ok(true));
    assert_eq!(scene.sign_in("own", PASSWORD, HERE).await, Ok(true));
    assert_eq!(scene.sign_in("x", "errada 1", HERE).await, Ok(false));
    assert_eq!(scene.sign_in("own", PASSWORD, HERE).await, Err(2));
}

async fn networks_of_sixty_four_bits_are_one_client(scene: Scene) {
    for number in 0..20 {
        let client = format!("2001:db8:1:2::{number:x}");
        assert_eq!(scene.sign_in(&format!("n{number}"), "errada 1", &client).await, Ok(false));
    }
    assert_eq!(scene.sign_in("n", "errada 1", "2001:db8:1:2:ffff::1").await, Err(1));
    assert_eq!(scene.sign_in("n", "errada 1", "2001:db8:1:3::1").await, Ok(false));
}

async fn a_client_has_twenty_recoveries_an_hour(scene: Scene) {
    for name in ["ana", "bia", "caio"] {
        scene.join(name).await;
    }
    let [here, there]: [IpAddr; 2] = [HERE.parse().unwrap(), THERE.parse().unwrap()];
    scene.recover("ana", here).await;
    for number in 0..19 {
        scene.recover(&format!("n{number}"), here).await;
    }
    scene.recover("bia", here).await;
    scene.recover("caio", there).await;
    let sent = async || {
        scene.users.send_recovery_mails().await.unwrap_or_else(|error| panic!("{error}"));
        scene.letters.empty().into_iter().map(|mail| mail.to).collect::<Vec<_>>()
    };
    assert_eq!(sent().await, ["ana@x.example", "caio@x.example"]);
    scene.clock.advance(TimeDelta::hours(1));
    scene.recover("bia", here).await;
    assert_eq!(sent().await, ["bia@x.example"]);
}
