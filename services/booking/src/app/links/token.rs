//! What stands in a link: which one it is, when it ends, and what proves both.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use contracts::link::{LINK_TOKEN_LENGTH, LINK_TOKEN_PREFIX};
use uuid::Uuid;

/// What every signature is over first, so that it is of no use anywhere else.
const PURPOSE: &[u8] = b"marca link 1\n";
const ID: usize = 16;
const END: usize = 8;
const SECRET: usize = 16;
/// Everything but the signature.
const BODY: usize = ID + END + SECRET;
const SIGNATURE: usize = 32;

/// A key that signs links.
#[derive(Clone)]
pub(super) struct Key(hmac::Key);

impl Key {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

/// What a token says, before or after it is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claims {
    /// The link.
    pub(super) link: Uuid,
    /// When it ends, in seconds since 1970.
    pub(super) end: i64,
    /// What the database knows only the hash of.
    secret: [u8; SECRET],
}

/// A token that was read and not yet proved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unproved {
    claims: Claims,
    body: [u8; BODY],
    signature: [u8; SIGNATURE],
}

impl Claims {
    /// Those of a new link.
    pub(super) fn new(link: Uuid, ends: DateTime<Utc>) -> Self {
        Self { link, end: ends.timestamp(), secret: rand::random() }
    }

    /// What is stored of the secret.
    pub(super) fn hash(&self) -> String {
        common::secret::hash(&URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// The token, signed.
    pub(super) fn signed(&self, key: &Key) -> String {
        let mut bytes = self.body().to_vec();
        let mut context = hmac::Context::with_key(&key.0);
        context.update(PURPOSE);
        context.update(&bytes);
        bytes.extend_from_slice(context.sign().as_ref());
        format!("{LINK_TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[..ID].copy_from_slice(self.link.as_bytes());
        body[ID..ID + END].copy_from_slice(&self.end.to_be_bytes());
        body[ID + END..].copy_from_slice(&self.secret);
        body
    }
}

impl Unproved {
    /// Reads what has the shape of a token. One token has one spelling: 72 bytes are 96 letters without a
    /// bit left over.
    pub(super) fn read(token: &str) -> Option<Self> {
        let text = token.strip_prefix(LINK_TOKEN_PREFIX)?;
        if text.len() != LINK_TOKEN_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, signature) = bytes.split_at_checked(BODY)?;
        let (link, rest) = body.split_at_checked(ID)?;
        let (end, secret) = rest.split_at_checked(END)?;
        let claims = Claims {
            link: Uuid::from_slice(link).ok()?,
            end: i64::from_be_bytes(end.try_into().ok()?),
            secret: secret.try_into().ok()?,
        };
        let (body, signature) = (body.try_into().ok()?, signature.try_into().ok()?);
        Some(Self { claims, body, signature })
    }

    /// When it says it ends. Only to find the key by.
    pub(super) const fn end(&self) -> i64 {
        self.claims.end
    }

    /// What it says, if `key` has signed it. Compared in a time that tells nothing.
    pub(super) fn proved(self, key: &Key) -> Option<Claims> {
        let signed = [PURPOSE, &self.body].concat();
        hmac::verify(&key.0, &signed, &self.signature).ok()?;
        Some(self.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims::new(Uuid::from_u128(7), DateTime::from_timestamp(1_900_000_000, 0).unwrap())
    }

    #[test]
    fn a_token_comes_back_under_its_key_alone() {
        let (key, other) = (Key::new(&[1; 32]), Key::new(&[2; 32]));
        let claims = claims();
        let token = claims.signed(&key);
        assert_eq!(token.len(), LINK_TOKEN_PREFIX.len() + LINK_TOKEN_LENGTH);
        let read = Unproved::read(&token).unwrap();
        assert_eq!(read.end(), 1_900_000_000);
        assert_eq!(read.proved(&key), Some(claims));
        assert_eq!(read.proved(&other), None);
        assert_ne!(claims.hash(), self::claims().hash(), "each has a secret of its own");
        assert!(!token.contains(&claims.hash()));
    }

    /// Whatever a single letter is changed to, at every place of the token.
    #[test]
    fn no_altered_token_is_good() {
        let key = Key::new(&[1; 32]);
        let token = claims().signed(&key);
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ .é";
        for place in 0..token.len() {
            for letter in letters.chars() {
                let altered: String = token
                    .chars()
                    .enumerate()
                    .map(|(at, own)| if at == place { letter } else { own })
                    .collect();
                let good = Unproved::read(&altered).and_then(|read| read.proved(&key));
                assert_eq!(good.is_some(), altered == token, "{altered}");
            }
            let (shorter, longer) = (&token[..place], format!("{token}{}", &token[..place]));
            assert!(Unproved::read(shorter).is_none());
            assert!(place == 0 || Unproved::read(&longer).is_none());
        }
    }
}
