//! The edge of a service: what every request passes through, and the server itself.

mod client;
mod credentials;
mod docs;
mod edge;
mod extract;
mod gateway;
mod headers;
mod health;
mod idempotency;
mod internal;
mod page;
mod path;
mod personal;
mod problem;
mod rate;
mod serve;
mod tag;
mod transport;
mod version;

pub use client::ClientIp;
pub use credentials::Credentials;
pub use docs::{document, documentation};
pub use edge::{Context, finish};
pub use extract::{Body, FormOrJson, Id, OptionalBody, Params, Raw, decode_query, text_body};
pub use gateway::gateway;
pub use health::Probe;
pub use http::StatusCode;
pub use idempotency::IdempotencyKey;
pub use internal::internal_routes;
pub use page::{Origin, Page, PageQuery};
pub use personal::{NothingPersonal, PersonalData, PersonalQuery};
pub use problem::{Cause, Outcome, Problem, RefusedAt};
pub use rate::{Limits, Quota, Subject, TooMany};
pub use serve::{Bound, serve};
pub use tag::{content_tag, has_it};
pub use transport::{HttpTransport, LocalTransport, MixedTransport};
