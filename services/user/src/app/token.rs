//! The tokens of recovery mails: `mp_` and 32 random bytes. Only their hash is stored.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A new token.
pub(super) fn new() -> String {
    let secret: [u8; 32] = rand::random();
    format!("mp_{}", URL_SAFE_NO_PAD.encode(secret))
}

/// What is stored of a token: its SHA-256. It is too long to be guessed, so a fast hash will do.
pub(super) fn hash(token: &str) -> String {
    sha256(token)
}

/// The SHA-256 of a text, in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_one_shape_and_never_the_same() {
        let token = new();
        assert!(token.starts_with("mp_") && token.len() == 46, "{token}");
        assert_ne!(token, new());
        assert_eq!(hash(&token).len(), 64);
        assert_ne!(hash(&token), hash(&new()));
    }
}
