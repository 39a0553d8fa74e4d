//! Secrets handed to somebody once: 256 random bits, of which only a hash is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::providers::hex;

/// A new secret behind `prefix`, in letters that need no escaping anywhere.
pub fn new(prefix: &str) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
}

/// What is stored of a secret: its SHA-256, hexadecimal. It is too long to be guessed, so a fast hash
/// will do.
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_one_shape_and_are_never_the_same() {
        let secret = new("mx_");
        assert!(secret.starts_with("mx_") && secret.len() == 46, "{secret}");
        assert_ne!(secret, new("mx_"));
        assert_eq!(hash(&secret).len(), 64);
        assert_ne!(hash(&secret), hash(&new("mx_")));
    }
}
