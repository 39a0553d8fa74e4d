//! The key itself: `mk_`, eight characters to tell it by, `_`, and 32 random bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::providers::hex;
use contracts::api_key::{API_KEY_PREFIX, SHOWN};
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use sha2::{Digest as _, Sha256};

/// A key that was just made. There is no `Debug`: it belongs into no log.
pub(super) struct Secret(String);

impl Secret {
    /// A new one.
    pub(super) fn new() -> Self {
        let shown = rand::rng().sample_iter(Alphanumeric).take(SHOWN - API_KEY_PREFIX.len());
        let shown: String = shown.map(char::from).collect();
        let random: [u8; 32] = rand::random();
        Self(format!("{API_KEY_PREFIX}{shown}_{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// What may be shown of it again.
    pub(super) fn prefix(&self) -> String {
        self.0.chars().take(SHOWN).collect()
    }

    /// What is stored of it. It is too long to be guessed, so a fast hash will do.
    pub(super) fn hash(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// The key, for the one answer it is in.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use contracts::api_key::is_api_key;

    use super::*;

    #[test]
    fn keys_are_of_one_shape_and_never_the_same() {
        let (one, other) = (Secret::new(), Secret::new());
        assert!(one.hash() != other.hash() && one.prefix() != other.prefix());
        assert_eq!((one.prefix().len(), one.hash().len()), (11, 64));
        assert!(one.prefix().chars().skip(3).all(|sign| sign.is_ascii_alphanumeric()));
        let text = one.into_text();
        assert!(is_api_key(&text), "{text}");
    }
}
