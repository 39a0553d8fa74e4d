//! Sessions: one a sign-in, carried on by refresh tokens that are traded at every use, and ended.

mod cleanup;
mod client;
mod end;
mod follow;
mod me;
mod open;
mod read;
mod refresh;
mod secret;

use chrono::TimeDelta;
use common::auth::{Principal, Scope, Session};
use contracts::authority::PLATFORM;
use uuid::Uuid;

use crate::error::Error;

pub(crate) use cleanup::{Keep, cleanup};
pub(crate) use client::Client;
pub(crate) use end::{Ended, Why};
pub(crate) use open::Tokens;

/// A session ends so long after the sign-in, however often it is refreshed.
const LIFE: TimeDelta = TimeDelta::days(30);
/// How long a refresh token can be traded.
const REFRESH_LIFE: TimeDelta = crate::store::session::IDLE;
/// The most sessions of a user that go on.
const MOST: u64 = 100;

/// A person who calls, by a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// The user or operator.
    pub(crate) id: Uuid,
    /// Of which tenant; nil for an operator.
    tenant: Uuid,
    /// By which session.
    pub(crate) session: Session,
}

impl Person {
    /// 403 for API keys and the developer, who have no sessions.
    pub(crate) fn of(principal: &Principal) -> Result<Self, Error> {
        let tenant = match principal {
            Principal::Developer => return Err(Error::NotAllowed),
            Principal::Operator(_) => PLATFORM,
            Principal::User(identity) => identity.tenant_id,
        };
        match (principal.person(), principal.session()) {
            (Some(id), Some(session)) => Ok(Self { id, tenant, session }),
            (None, _) | (_, None) => Err(Error::NotAllowed),
        }
    }

    /// Whose rows are his.
    fn scope(&self) -> Scope {
        Scope::Tenant(self.tenant)
    }

    /// 403 besides for an operator who acts as the user: what must stay in the user's own hands.
    pub(crate) fn in_person(principal: &Principal) -> Result<Self, Error> {
        let person = Self::of(principal)?;
        if person.session.impersonator.is_some() { Err(Error::NotAllowed) } else { Ok(person) }
    }
}
