//! Refresh tokens themselves: `mr_` and 256 bits. Only their hashes are stored.
//!
//! The successor of a token is made from the token and a nonce that is stored beside its hash. So the
//! very same successor can be handed out again to a client that lost the answer, and yet nobody can
//! make it from what the database holds.

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::providers::hex;

const PREFIX: &str = "mr_";

fn spelled(secret: &[u8]) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret))
}

/// The first token of a session.
pub(super) fn fresh() -> String {
    spelled(&rand::random::<[u8; 32]>())
}

/// What a successor is made with.
pub(super) fn nonce() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// The successor of `token` by `nonce`.
pub(super) fn successor(token: &str, nonce: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    spelled(hmac::sign(&key, nonce.as_bytes()).as_ref())
}

/// What is stored of a token: it is too long to be guessed, so a fast hash will do.
pub(super) fn hash(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_one_shape_and_never_the_same() {
        let (token, nonce) = (fresh(), nonce());
        let next = successor(&token, &nonce);
        for token in [&token, &next] {
            assert!(token.starts_with(PREFIX) && token.len() == 46, "{token}");
        }
        assert!(token != next && token != fresh());
        assert_eq!(hash(&token).len(), 64);
    }

    #[test]
    fn a_successor_needs_the_token_and_the_nonce_and_is_always_the_same() {
        let (token, nonce) = (fresh(), nonce());
        assert_eq!(successor(&token, &nonce), successor(&token, &nonce));
        assert_ne!(successor(&token, &nonce), successor(&fresh(), &nonce));
        assert_ne!(successor(&token, &nonce), successor(&token, &super::nonce()));
    }
}
