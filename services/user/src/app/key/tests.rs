use std::sync::Arc;

use async_trait::async_trait;
use common::auth::{Keys, Verifier};
use common::clock::ManualClock;
use common::settings::{Env, Topology};
use contracts::Service;
use contracts::client::{Answer, Clients, Transport, Unreachable};
use contracts::user::{CreateUser, Permissions, UserType};

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

fn signer() -> Signer {
    Signer::load(&settings(&new_pem().unwrap())).unwrap()
}

fn verifier(signer: &Signer, clock: &Arc<ManualClock>, issuer: &str) -> Verifier {
    let body = serde_json::to_vec(signer.jwks()).unwrap();
    let keys = Keys::new(Clients::new(Arc::new(Neighbour(body))));
    let clock: Arc<dyn common::Clock> = Arc::<ManualClock>::clone(clock);
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
fn the_key_file_is_made_once_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("marca-key-{:016x}", rand::random::<u64>()));
    let path = folder.join("signing-key.pem");
    assert!(read_or_make(&path, false).is_err(), "production makes no key");
    let made = read_or_make(&path, true).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read_or_make(&path, true).unwrap(), made);
    publish(&path, "late").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no draft is left behind");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_key_id_is_the_thumbprint_of_rfc_8037() {
    // RFC 8037, appendix A.1 to A.3.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
               -----END PRIVATE KEY-----\n";
    let signer = Signer::load(&settings(pem)).unwrap();
    let key = &signer.jwks().keys[0];
    assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn other_keys_are_refused_by_name() {
    let error =
        Signer::load(&settings("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"));
    assert!(matches!(error.err(), Some(KeyError::NotEd25519)));
}
