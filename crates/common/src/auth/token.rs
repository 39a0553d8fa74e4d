//! Access tokens: `EdDSA` only, every claim required.

use std::sync::Arc;
use std::time::Duration;

use contracts::user::{Permissions, UserType};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::jwks::Keys;
use crate::clock::Clock;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The user's tenant.
    pub tenant_id: Uuid,
    /// Admin or user, when it was issued.
    pub user_type: UserType,
    /// What the user might do, when it was issued.
    pub permissions: Permissions,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Expires at, seconds since 1970.
    pub exp: i64,
    /// The token's own id.
    pub jti: Uuid,
    /// Who issued it.
    pub iss: String,
    /// For whom.
    pub aud: String,
}

/// Verifies access tokens. A token once verified is remembered by its hash until it expires, so the
/// warm path checks no signature.
pub struct Verifier {
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    validation: Validation,
    seen: Cache<[u8; 32], Arc<Claims>>,
}

impl Verifier {
    /// A verifier of tokens by `issuer` for `audience`.
    pub fn new(keys: Arc<Keys>, clock: Arc<dyn Clock>, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are judged below, by our clock.
        validation.validate_exp = false;
        let seen =
            Cache::builder().max_capacity(20_000).time_to_live(Duration::from_mins(1)).build();
        Self { keys, clock, validation, seen }
    }

    /// The claims of a good token; `None` for any other.
    pub async fn verify(&self, token: &str) -> Option<Arc<Claims>> {
        if token.len() > 4_096 {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.seen.get(&hash) {
            return self.timely(&claims).then_some(claims);
        }
        let claims = Arc::new(self.check(token).await?);
        self.seen.insert(hash, Arc::clone(&claims));
        Some(claims)
    }

    async fn check(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::EdDSA {
            return None;
        }
        let key: Arc<DecodingKey> = self.keys.find(header.kid.as_deref()?).await?;
        let claims = decode::<Claims>(token, &key, &self.validation).ok()?.claims;
        self.timely(&claims).then_some(claims)
    }

    fn timely(&self, claims: &Claims) -> bool {
        let now = self.clock.now().timestamp();
        claims.exp > now && claims.iat <= now + 60
    }
}
