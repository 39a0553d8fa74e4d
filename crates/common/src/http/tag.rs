//! Entity tags made of what is answered: equal bytes have one tag, at every replica and after every
//! restart (RFC 9110, 8.8.3 and 13.1.2).

use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use sha2::{Digest as _, Sha256};

use crate::providers::hex;

/// The strong tag of some bytes: half of their SHA-256.
pub fn content_tag(bytes: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let (half, _) = hash.split_at(16);
    format!("\"{}\"", hex(half))
}

/// Whether a client says that it has what this tag stands for. Compared weakly, as the RFC asks: who
/// compressed the answer on its way may have made the tag weak.
pub fn has_it(headers: &HeaderMap, tag: &str) -> bool {
    let is_it = |given: &str| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag;
    let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|list| list.split(',')).any(|one| is_it(one.trim()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asks(list: &'static str, tag: &str) -> bool {
        has_it(&HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(list))]), tag)
    }

    #[test]
    fn equal_bytes_have_one_tag_and_others_another() {
        assert_eq!(content_tag(b"a"), content_tag(b"a"));
        assert_ne!(content_tag(b"a"), content_tag(b"b"));
        assert_eq!(content_tag(b"").len(), 34);
    }

    #[test]
    fn a_list_of_tags_strong_or_weak_is_looked_through() {
        let tag = "\"x\"";
        for list in ["\"x\"", "W/\"x\"", "\"a\", W/\"x\"", "*", "\"a\",\"x\""] {
            assert!(asks(list, tag), "{list}");
        }
        for list in ["\"a\"", "x", "", "W/\"y\""] {
            assert!(!asks(list, tag), "{list}");
        }
        assert!(!has_it(&HeaderMap::new(), tag));
    }
}
