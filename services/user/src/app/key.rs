//! The key that signs access tokens (Ed25519, PKCS#8), and its public half as a JWKS (RFC 7517,
//! RFC 8037). Its `kid` is the thumbprint of the public half (RFC 7638), so a new key has a new one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use common::auth::{Actor, Claims, Session};
use common::settings::{Environment, Settings, SigningKey};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::User;

/// The longest life of a token by which an operator acts as a user.
pub(crate) const IMPERSONATION: std::time::Duration = std::time::Duration::from_mins(15);

/// The public keys tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Jwks {
    keys: Vec<PublicKey>,
}

impl Jwks {
    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.kid.as_str())
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct PublicKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// The key itself, base64url.
    x: String,
    /// What a token's header names it by.
    kid: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(rename = "use", example = "sig")]
    purpose: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
}

/// Why there is no signing key.
#[derive(Debug, Error)]
pub(crate) enum KeyError {
    /// The file.
    #[error("SIGNING_KEY_FILE {path}: {source}")]
    File {
        /// Where it was looked for.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is not the kind of key that is wanted.
    #[error(
        "the signing key must be an Ed25519 private key, PKCS#8 in PEM (openssl genpkey -algorithm ed25519)"
    )]
    NotEd25519,
}

/// Signs access tokens.
pub(crate) struct Signer {
    key: EncodingKey,
    header: Header,
    jwks: Jwks,
    issuer: String,
    audience: String,
    ttl: std::time::Duration,
}

impl Signer {
    /// The signer with the configured key. In development a missing file is made.
    pub(crate) fn load(settings: &Settings) -> Result<Self, KeyError> {
        let pem = match &settings.signing_key {
            SigningKey::Pem(pem) => pem.clone(),
            SigningKey::File(path) => {
                let make = settings.environment == Environment::Development;
                let read = read_or_make(path, make);
                read.map_err(|source| KeyError::File { path: path.display().to_string(), source })?
            }
        };
        Self::new(&pem, settings)
    }

    fn new(pem: &str, settings: &Settings) -> Result<Self, KeyError> {
        let bad = |_| KeyError::NotEd25519;
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(bad)?;
        let pair = Ed25519KeyPair::from_pkcs8(key.as_bytes()).map_err(|_| KeyError::NotEd25519)?;
        let public = pair.public_key().as_ref();
        let jwk = Jwk::from_decoding_key(&DecodingKey::from_ed_der(public), Some(Algorithm::EdDSA));
        let kid = jwk.and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256)).map_err(bad)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.clone());
        let x = URL_SAFE_NO_PAD.encode(public);
        let public = PublicKey { kty: "OKP", crv: "Ed25519", x, kid, purpose: "sig", alg: "EdDSA" };
        Ok(Self {
            key,
            header,
            jwks: Jwks { keys: vec![public] },
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            ttl: settings.token_ttl,
        })
    }

    /// An access token for `user` in a session, from `now` on.
    pub(crate) fn sign(
        &self,
        user: &User,
        session: Session,
        now: DateTime<Utc>,
        id: Uuid,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: user.id,
            tenant_id: user.profile.tenant_id,
            user_type: user.profile.user_type,
            permissions: user.profile.effective(),
            sid: session.id,
            auth_time: session.auth_time,
            act: session.impersonator.map(|sub| Actor { sub }),
            iat: now.timestamp(),
            exp: now.timestamp().saturating_add_unsigned(self.life(&session).as_secs()),
            jti: id,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
    }

    /// How long a token lives.
    pub(crate) fn ttl_seconds(&self) -> u64 {
        self.ttl.as_secs()
    }

    /// How long a token of this session lives.
    pub(crate) fn life(&self, session: &Session) -> std::time::Duration {
        match session.impersonator {
            Some(_) => self.ttl.min(IMPERSONATION),
            None => self.ttl,
        }
    }

    /// The public half.
    pub(crate) fn jwks(&self) -> &Jwks {
        &self.jwks
    }
}

fn read_or_make(path: &Path, make: bool) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
            publish(path, &new_pem()?)?;
            // Another process may have been first: its key counts.
            fs::read_to_string(path)
        }
        read => read,
    }
}

fn new_pem() -> io::Result<String> {
    let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(io::Error::other)?;
    let body = STANDARD.encode(key.as_ref());
    Ok(format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
}

/// Puts a whole file at `path`, for its owner alone, unless there is one by now.
fn publish(path: &Path, pem: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests;
