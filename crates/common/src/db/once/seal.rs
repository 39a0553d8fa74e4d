//! What an idempotency row tells to whom. The key a client sends is not stored. The row is found by a
//! hash of it; the body's fingerprint and the answer are under keys that are derived from it, so that
//! the table alone shows neither a password of a body nor a secret of an answer.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use sea_orm::DbErr;
use sha2::{Digest as _, Sha256};

use super::Asking;
use crate::providers::hex;

/// What is derived from a request with a key.
pub(super) struct Marks {
    /// Finds the row: of this key, author and route.
    pub(super) lookup: String,
    /// Tells another body under the same key.
    pub(super) fingerprint: String,
    seal: [u8; 32],
}

impl Marks {
    pub(super) fn of(asking: &Asking<'_>) -> Self {
        let Asking { key, author, route, path, query, body, now: _ } = asking;
        // None of the parts can hold a line end.
        let place = [*author, *route, *path, *key].join("\n");
        let lookup = hex(&Sha256::digest(place));
        let derived = |purpose: &str, more: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            let mut context = hmac::Context::with_key(&key);
            context.update(format!("{purpose}\n{lookup}\n").as_bytes());
            context.update(more);
            context.sign()
        };
        let sent = [query.as_bytes(), b"\n", body.as_slice()].concat();
        let fingerprint = hex(derived("marca idempotency body", &sent).as_ref());
        let mut seal = [0; 32];
        seal.copy_from_slice(derived("marca idempotency answer", b"").as_ref());
        Self { lookup, fingerprint, seal }
    }

    /// Nonce, ciphertext and tag of what only this key opens.
    pub(super) fn seal(&self, mut text: Vec<u8>) -> Result<Vec<u8>, DbErr> {
        let sealed = self
            .key()?
            .seal_in_place_append_tag(Aad::from(self.lookup.as_bytes()), &mut text)
            .map_err(|_| DbErr::Custom("an answer could not be sealed".to_owned()))?;
        Ok([sealed.as_ref().as_slice(), &text].concat())
    }

    /// The text that was sealed.
    pub(super) fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, DbErr> {
        let broken = || DbErr::Custom("a stored answer could not be opened".to_owned());
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut text = text.to_vec();
        let aad = Aad::from(self.lookup.as_bytes());
        let opened = self.key()?.open_in_place(nonce, aad, &mut text).map_err(|_| broken())?;
        Ok(opened.to_vec())
    }

    fn key(&self) -> Result<RandomizedNonceKey, DbErr> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.seal)
            .map_err(|_| DbErr::Custom("no key to seal answers with".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn marks(key: &str, path: &str, body: u8) -> Marks {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let (author, route, query, body) = ("nobody", "POST /x/{id}", "", &[body; 32]);
        Marks::of(&Asking { key, author, route, path, query, body, now })
    }

    #[test]
    fn a_row_is_of_one_key_and_place_whatever_the_body() {
        let one = marks("k", "/x/1", 1);
        assert_eq!(one.lookup, marks("k", "/x/1", 2).lookup);
        assert_ne!(one.fingerprint, marks("k", "/x/1", 2).fingerprint);
        for other in [marks("l", "/x/1", 1), marks("k", "/x/2", 1)] {
            assert!(other.lookup != one.lookup && other.fingerprint != one.fingerprint);
        }
    }

    #[test]
    fn an_answer_is_opened_by_its_key_alone() {
        let one = marks("k", "/x/1", 1);
        let sealed = one.seal(b"secret".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(sealed, one.seal(b"secret".to_vec()).unwrap(), "a nonce of its own each time");
        assert_eq!(marks("k", "/x/1", 2).open(&sealed).unwrap(), b"secret");
        assert!(marks("l", "/x/1", 1).open(&sealed).is_err());
        assert!(marks("k", "/x/2", 1).open(&sealed).is_err());
        assert!(one.open(&sealed[..5]).is_err() && one.open(&sealed[1..]).is_err());
    }
}
