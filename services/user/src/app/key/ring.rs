//! Several keys at once: the first signs, all are published, so that one can follow another without a
//! token becoming worthless. As text: PEM blocks, with comments before each.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use utoipa::ToSchema;

use super::KeyError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// How long a key goes on verifying once another one signs: far longer than any token lives (1 h).
const KEPT: TimeDelta = TimeDelta::days(1);

/// The public keys tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Jwks {
    keys: Vec<PublicKey>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PublicKey {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: &'static str,
    /// The key itself, base64url.
    pub(super) x: String,
    /// What a token's header names it by.
    pub(super) kid: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(rename = "use", example = "sig")]
    purpose: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: &'static str,
}

/// A key with both halves.
pub(super) struct Member {
    /// PKCS#8, DER.
    der: Vec<u8>,
    /// Signs.
    pub(super) key: EncodingKey,
    /// The header of its tokens.
    pub(super) header: Header,
    /// The half that is published.
    pub(super) public: PublicKey,
    /// When it was made, if its comment says so.
    pub(super) made: Option<DateTime<Utc>>,
}

impl Member {
    fn new(der: Vec<u8>, made: Option<DateTime<Utc>>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| KeyError::NotEd25519)?;
        let public = pair.public_key().as_ref();
        let jwk = Jwk::from_decoding_key(&DecodingKey::from_ed_der(public), Some(Algorithm::EdDSA));
        let kid = jwk.and_then(|jwk| jwk.thumbprint(ThumbprintHash::SHA256));
        let kid = kid.map_err(|_| KeyError::NotEd25519)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(kid.clone());
        let x = URL_SAFE_NO_PAD.encode(public);
        let public = PublicKey { kty: "OKP", crv: "Ed25519", x, kid, purpose: "sig", alg: "EdDSA" };
        Ok(Self { key: EncodingKey::from_ed_der(&der), der, header, public, made })
    }

    /// A key nobody has had before.
    pub(super) fn fresh(made: DateTime<Utc>) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new());
        Self::new(pair.map_err(|_| KeyError::NoRandomness)?.as_ref().to_vec(), Some(made))
    }
}

/// The keys, the one in front first; never none.
pub(super) struct Ring(Vec<Member>);

impl Ring {
    /// A ring of one.
    pub(super) fn of(member: Member) -> Self {
        Self(vec![member])
    }

    /// Reads PEM blocks. What stands between them is comment.
    pub(super) fn parse(text: &str) -> Result<Self, KeyError> {
        let (mut members, mut rest) = (Vec::<Member>::new(), text);
        while let Some((comment, behind)) = rest.split_once(BEGIN) {
            let (body, behind) = behind.split_once(END).ok_or(KeyError::NotEd25519)?;
            only_comment(comment)?;
            let body: String = body.split_whitespace().collect();
            let der = STANDARD.decode(body).map_err(|_| KeyError::NotEd25519)?;
            let member = Member::new(der, made(comment))?;
            // The same key twice is the same key.
            if members.iter().all(|other| other.public.kid != member.public.kid) {
                members.push(member);
            }
            rest = behind;
        }
        only_comment(rest)?;
        if members.is_empty() { Err(KeyError::NotEd25519) } else { Ok(Self(members)) }
    }

    /// As it is stored.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for member in &self.0 {
            let made = member.made.map(|made| made.to_rfc3339_opts(SecondsFormat::Secs, true));
            let made = made.map(|made| format!(" made={made}")).unwrap_or_default();
            let (kid, body) = (&member.public.kid, STANDARD.encode(&member.der));
            // Writing to a string cannot fail.
            let _ = write!(text, "# kid={kid}{made}\n{BEGIN}\n{body}\n{END}\n");
        }
        text
    }

    /// With `fresh` in front. Of the others only those stay whose successor was made less than a day
    /// before; `written` is when the ring was stored, and so the latest time any of them was made.
    pub(super) fn rotated(self, fresh: Member, now: DateTime<Utc>, written: DateTime<Utc>) -> Self {
        let mut members = vec![fresh];
        for mut member in self.0 {
            let successor = members.last().and_then(|successor| successor.made);
            if successor.is_some_and(|made| now - made >= KEPT) {
                break;
            }
            member.made.get_or_insert(written);
            members.push(member);
        }
        Self(members)
    }

    /// The keys in order.
    pub(super) fn members(&self) -> &[Member] {
        &self.0
    }

    /// The key that signs. Usually the one in front; while the ring was `written` only just now, and the
    /// others may not know that one, the first behind it that was there `delay` before.
    pub(super) fn signer(&self, written: Option<DateTime<Utc>>, delay: TimeDelta) -> &Member {
        let (front, behind) = (&self.0[0], &self.0[1..]);
        let Some(written) = written else { return front };
        let known = |member: &&Member| member.made.is_none_or(|made| made <= written - delay);
        behind.iter().find(known).or(behind.last()).unwrap_or(front)
    }

    /// What is published of it.
    pub(super) fn publish(&self) -> Published {
        let jwks = Jwks { keys: self.0.iter().map(|member| member.public.clone()).collect() };
        let names: Vec<&str> = jwks.keys.iter().map(|key| key.kid.as_str()).collect();
        let tag = URL_SAFE_NO_PAD.encode(digest(&SHA256, names.join(" ").as_bytes()));
        Published { jwks, etag: format!("\"{tag}\"") }
    }
}

/// The public halves, and a name for exactly this set of them.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The answer's body.
    pub(crate) jwks: Jwks,
    /// The answer's strong entity tag, quotes included.
    pub(crate) etag: String,
}

/// Refuses blocks of other kinds: silently left out they would be missed too late.
fn only_comment(text: &str) -> Result<(), KeyError> {
    if text.contains("-----BEGIN ") { Err(KeyError::NotEd25519) } else { Ok(()) }
}

/// When the key below a comment was made.
fn made(comment: &str) -> Option<DateTime<Utc>> {
    let lines = comment.lines().filter(|line| line.trim_start().starts_with('#'));
    let mut words =
        lines.flat_map(str::split_whitespace).filter_map(|word| word.strip_prefix("made="));
    DateTime::parse_from_rfc3339(words.next_back()?).ok().map(|made| made.to_utc())
}
