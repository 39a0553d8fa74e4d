//! Who calls. A token is verified here, locally, against the user service's public keys; whether its
//! user may still act is read from the user's facts, which events keep fresh.

mod caller;
mod jwks;
mod token;

pub use caller::{Authenticator, Caller, Identity, MaybeCaller, Scope};
pub use jwks::{Keys, Unverifiable};
pub use token::{Claims, Verifier};
