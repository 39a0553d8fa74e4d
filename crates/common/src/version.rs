//! Versions of what is stored, and what a client says it has seen of them: `ETag` and `If-Match`
//! (RFC 9110, 8.8.3 and 13.1.1).

use std::fmt;

use thiserror::Error;

/// The version of an object. It is written as the strong entity tag `"t-7"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    kind: &'static str,
    number: i64,
}

impl Version {
    /// The version `number` of an object of `kind`, a letter that other kinds do not have.
    pub const fn new(kind: &'static str, number: i64) -> Self {
        Self { kind, number }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, number } = self;
        write!(f, "\"{kind}-{number}\"")
    }
}

/// What is shown of an object, and of which version.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// Its version.
    pub version: Version,
    /// What is shown.
    pub view: T,
}

impl<T> Versioned<T> {
    /// A `view` of this `version`.
    pub const fn new(version: Version, view: T) -> Self {
        Self { version, view }
    }
}

/// The versions an `If-Match` header allows to be changed; any without one.
///
/// It is to be checked in the transaction of the change, once the row is locked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precondition(Option<Vec<String>>);

/// The object is no longer what the client has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("another version is stored")]
pub struct Changed;

impl Precondition {
    /// Reads an `If-Match` header. `*` allows any version. A compressing proxy may have made a tag
    /// weak: that prefix says nothing here. What is no tag of ours matches nothing.
    pub fn parse(header: &str) -> Self {
        let tags = header.split(',').map(str::trim);
        if tags.clone().any(|tag| tag == "*") {
            return Self(None);
        }
        Self(Some(tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()).collect()))
    }

    /// Refuses the change of an object that is at another version.
    pub fn check(&self, current: Version) -> Result<(), Changed> {
        let current = current.to_string();
        match &self.0 {
            Some(tags) if !tags.contains(&current) => Err(Changed),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_lists_versions_and_a_foreign_tag_matches_none() {
        let allows = |header: &str, number| {
            Precondition::parse(header).check(Version::new("t", number)).is_ok()
        };
        let list = "\"t-7\", W/\"t-8\"";
        assert!(allows(list, 7) && allows(list, 8) && !allows(list, 9));
        assert!(allows("*", 1) && allows("\"x\", *", 1));
        for other in ["\"x\"", "", "t-7", "\"u-7\"", "\"t-7", "\"t-07\"", "W/", "\"t-7\"\"t-8\""] {
            assert!(!allows(other, 7), "{other}");
        }
        assert!(Precondition::default().check(Version::new("t", 1)).is_ok());
    }
}
