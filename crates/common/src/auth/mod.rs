//! Who calls. A token is verified here, locally, against the user service's public keys; whether its
//! user and session may still act is read from their facts, which events keep fresh.

mod authenticator;
mod author;
mod caller;
mod extract;
mod jwks;
mod token;

pub use crate::db::Scope;
pub use authenticator::Authenticator;
pub use author::Author;
pub use caller::{Caller, Credential, Identity, Operator, Principal, Session};
pub use extract::{MaybeCaller, MaybePrincipal};
pub use jwks::{Keys, Unverifiable};
pub use token::{Actor, Claims, Verifier};
