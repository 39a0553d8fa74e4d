use std::sync::Arc;

use async_trait::async_trait;
use common::auth::{Keys, Verifier};
use common::clock::ManualClock;
use common::settings::{Env, Topology};
use contracts::Service;
use contracts::client::{Answer, Clients, Transport, Unreachable};
use contracts::user::{CreateUser, Permissions, UserType};
use tokio_util::task::TaskTracker;

use super::*;

const SESSION: Session =
    Session { id: Uuid::from_u128(4), auth_time: 1_800_000_000, impersonator: None };

/// The user service's key route, and nothing else.
struct Neighbour(Vec<u8>);

#[async_trait]
impl Transport for Neighbour {
    async fn get(&self, service: Service, path: &str) -> Result<Answer, Unreachable> {
        assert_eq!((service, path), (Service::User, "/auth/.well-known/jwks.json"));
        Ok(Answer { status: 200, body: self.0.clone().into() })
    }
}

fn settings(pem: &str) -> Settings {
    let env = Env::from_iter([("SIGNING_KEY_PEM", pem), ("ACCESS_TOKEN_TTL", "900")]);
    Settings::read(&env, Topology::Single(Service::User)).unwrap_or_else(|_| panic!("valid"))
}

/// The text of a ring of one, made at `made`.
fn fresh(made: DateTime<Utc>) -> String {
    Ring::of(Member::fresh(made).unwrap()).to_text()
}

fn signer() -> Signer {
    Signer::load(&settings(&fresh(now()))).unwrap()
}

fn verifier(signer: &Signer, clock: &Arc<ManualClock>, issuer: &str) -> Verifier {
    let body = serde_json::to_vec(&signer.published().jwks).unwrap();
    let clock: Arc<dyn common::Clock> = Arc::<ManualClock>::clone(clock);
    let clients = Clients::new(Arc::new(Neighbour(body)));
    let keys = Keys::new(clients, Arc::clone(&clock), TaskTracker::new());
    Verifier::new(keys, clock, issuer, "marca")
}

fn user() -> User {
    let profile = CreateUser {
        tenant_id: Uuid::from_u128(1),
        name: "Ana".to_owned(),
        email: "ana@example.com".to_owned(),
        phone: None,
        department: None,
        user_type: UserType::User,
        is_active: true,
        permissions: Permissions { can_book: true, ..Permissions::default() },
        preset: None,
        metadata: serde_json::json!({}),
        password: None,
    };
    User::new(Uuid::from_u128(2), profile, None, now())
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

#[tokio::test]
async fn what_is_signed_here_verifies_everywhere_until_it_expires() {
    let signer = signer();
    let token = signer.sign(&user(), SESSION, now(), Uuid::from_u128(3)).unwrap();
    let clock = Arc::new(ManualClock::at(now()));
    let verifier = verifier(&signer, &clock, "marca");
    let claims = verifier.verify(&token).await.unwrap().unwrap();
    assert_eq!((claims.sub, claims.tenant_id), (Uuid::from_u128(2), Uuid::from_u128(1)));
    assert_eq!((claims.exp - claims.iat, claims.jti), (900, Uuid::from_u128(3)));
    assert!(claims.permissions.can_book && !claims.permissions.can_manage_users);
    clock.advance(chrono::Duration::seconds(899));
    assert!(verifier.verify(&token).await.unwrap().is_some());
    clock.advance(chrono::Duration::seconds(1));
    assert!(verifier.verify(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_changed_token_another_key_and_another_issuer_are_refused() {
    let (one, other) = (signer(), signer());
    let clock = Arc::new(ManualClock::at(now()));
    let token = one.sign(&user(), SESSION, now(), Uuid::from_u128(3)).unwrap();
    let (head, signature) = token.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{flipped}{}", &signature[1..]);
    assert!(verifier(&one, &clock, "marca").verify(&forged).await.unwrap().is_none());
    assert!(verifier(&other, &clock, "marca").verify(&token).await.unwrap().is_none());
    assert!(verifier(&one, &clock, "someone-else").verify(&token).await.unwrap().is_none());
}

#[test]
fn the_key_id_is_the_thumbprint_of_rfc_8037() {
    // RFC 8037, appendix A.1 to A.3.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
               -----END PRIVATE KEY-----\n";
    let signer = Signer::load(&settings(pem)).unwrap();
    let held = signer.held();
    let key = &held.ring.members()[0].public;
    assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn other_keys_are_refused_by_name() {
    let good = fresh(now());
    for bad in [
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(),
        "# nothing but a comment".to_owned(),
        format!("{good}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        format!("{good}-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"),
        good[..good.len() - 10].to_owned(),
    ] {
        let error = Signer::load(&settings(&bad)).err();
        assert!(matches!(error, Some(KeyError::NotEd25519)), "{bad}");
    }
}

#[test]
fn several_blocks_are_several_keys_and_the_first_signs() {
    let (one, two) = (fresh(now()), fresh(now() - TimeDelta::hours(1)));
    let text = format!("written by hand\n{one}\n{two}\n{one}");
    let signer = Signer::load(&settings(&text.replace('\n', "\\n"))).unwrap();
    let told = signer.told();
    let made: Vec<_> = told.iter().map(|key| (key.made.unwrap(), key.signs)).collect();
    assert_eq!(made, [(now(), true), (now() - TimeDelta::hours(1), false)]);
    assert!(signer.held().ring.to_text().starts_with(&format!("# kid={} made=2027", told[0].kid)));
    let both = serde_json::to_string(&signer.published().jwks).unwrap();
    assert!(told.iter().all(|key| both.contains(&key.kid)));
}

#[test]
fn a_rotation_keeps_a_key_for_a_day_after_its_successor_came() {
    let day = TimeDelta::days(1);
    let rotate = |ring: Ring, at| ring.rotated(Member::fresh(at).unwrap(), at, now());
    let kid = |ring: &Ring, index: usize| ring.members()[index].public.kid.clone();
    // The first was made by hand: nobody knows when.
    let mut first = Member::fresh(now()).unwrap();
    first.made = None;
    let ring = Ring::of(first);
    let one = kid(&ring, 0);
    let ring = rotate(ring, now());
    assert_eq!((ring.members().len(), kid(&ring, 1)), (2, one.clone()));
    let two = kid(&ring, 0);
    let ring = rotate(ring, now() + day - TimeDelta::seconds(1));
    assert_eq!((kid(&ring, 1), kid(&ring, 2)), (two, one), "a second less than a day");
    let three = kid(&ring, 0);
    let ring = rotate(ring, now() + day);
    assert_eq!(ring.members().len(), 3, "the oldest was succeeded a day ago");
    assert_eq!(kid(&ring, 1), three);
    let ring = rotate(ring, now() + day + day + day);
    assert_eq!(ring.members().len(), 2);
}

/// The key in front signs once the ring is settled; before, the first that others know.
#[test]
fn a_key_signs_only_when_everybody_can_know_it() {
    let delay = TimeDelta::seconds(10);
    let ring = |ages: &[i64]| {
        let text: String = ages.iter().map(|age| fresh(now() - TimeDelta::seconds(*age))).collect();
        Ring::parse(&text).unwrap()
    };
    for (ages, fresh, settled) in [
        (vec![0], 0, 0),
        (vec![0, 3_600], 1, 0),
        (vec![0, 3, 3_600], 2, 0),
        (vec![0, 3, 5], 2, 0),
        (vec![0, 10, 3_600], 1, 0),
    ] {
        let ring = ring(&ages);
        let is =
            |member: &Member, index: usize| member.public.kid == ring.members()[index].public.kid;
        assert!(is(ring.signer(Some(now()), delay), fresh), "{ages:?}");
        assert!(is(ring.signer(None, delay), settled), "{ages:?}");
    }
}

mod on_disk;
