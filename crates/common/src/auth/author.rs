//! Whose request it is, where the requests of one must not meet those of another.

use super::caller::{Caller, Credential, Identity, Operator, Principal};

/// Who sends a request, as one word that nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author(String);

impl Author {
    /// Nobody known: all of them are one.
    pub fn nobody() -> Self {
        Self("nobody".to_owned())
    }

    /// The word.
    pub(crate) fn word(&self) -> &str {
        &self.0
    }

    fn developer() -> Self {
        Self("developer".to_owned())
    }
}

impl From<&Identity> for Author {
    fn from(identity: &Identity) -> Self {
        let id = identity.user_id;
        Self(match identity.credential {
            Credential::ApiKey => format!("key {id}"),
            Credential::Link(link) => format!("link {link}"),
            Credential::Session(session) => match session.impersonator {
                // What an operator does as a user is not what the user does.
                Some(operator) => format!("user {id} by {operator}"),
                None => format!("user {id}"),
            },
        })
    }
}

impl From<&Caller> for Author {
    fn from(caller: &Caller) -> Self {
        match caller {
            Caller::Developer => Self::developer(),
            Caller::User(identity) => identity.into(),
        }
    }
}

impl From<Option<&Caller>> for Author {
    fn from(caller: Option<&Caller>) -> Self {
        caller.map_or_else(Self::nobody, Self::from)
    }
}

impl From<&Principal> for Author {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::Developer => Self::developer(),
            Principal::Operator(Operator { user_id, .. }) => Self(format!("operator {user_id}")),
            Principal::User(identity) => identity.into(),
        }
    }
}
