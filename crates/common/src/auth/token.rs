//! Access tokens: `EdDSA` only, every claim required.

use std::sync::Arc;
use std::time::Duration;

use contracts::user::{Permissions, UserType};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::jwks::{Keys, Unverifiable};
use crate::clock::Clock;

/// What an access token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The user's tenant; nil for a platform operator.
    pub tenant_id: Uuid,
    /// Admin or user, when it was issued.
    pub user_type: UserType,
    /// What the user might do, when it was issued.
    pub permissions: Permissions,
    /// The session it belongs to.
    pub sid: Uuid,
    /// When the user last gave the password, seconds since 1970.
    pub auth_time: i64,
    /// The operator who acts as the user (RFC 8693).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
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

/// Who really acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The operator.
    pub sub: Uuid,
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

    /// The claims of a good token; `None` for any other; an error if the keys cannot be had.
    pub async fn verify(&self, token: &str) -> Result<Option<Arc<Claims>>, Unverifiable> {
        if token.len() > 4_096 {
            return Ok(None);
        }
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(claims) = self.seen.get(&hash) {
            return Ok(self.timely(&claims).then_some(claims));
        }
        let header = decode_header(token).ok().filter(|header| header.alg == Algorithm::EdDSA);
        let Some(kid) = header.and_then(|header| header.kid) else { return Ok(None) };
        let Some(key) = self.keys.find(&kid).await? else { return Ok(None) };
        let Some(claims) = self.check(token, &key).map(Arc::new) else { return Ok(None) };
        self.seen.insert(hash, Arc::clone(&claims));
        Ok(Some(claims))
    }

    fn check(&self, token: &str, key: &DecodingKey) -> Option<Claims> {
        let claims = decode::<Claims>(token, key, &self.validation).ok()?.claims;
        self.timely(&claims).then_some(claims)
    }

    fn timely(&self, claims: &Claims) -> bool {
        let now = self.clock.now().timestamp();
        claims.exp > now && claims.iat <= now + 60
    }
}
