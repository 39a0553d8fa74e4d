//! Looks sessions up.

use common::auth::Scope;
use contracts::facts::SessionFacts;
use uuid::Uuid;

use super::super::Users;
use super::Person;
use crate::error::Error;
use crate::store;
use crate::store::session::{Key, Session};

impl Users {
    /// What the neighbours may know of a session.
    pub(crate) async fn session_facts(&self, id: Uuid) -> Result<SessionFacts, Error> {
        // They know the id only, from a token.
        let found = store::session::find(&self.database.read(Scope::All), id).await?;
        Ok(found.ok_or(Error::Unknown)?.facts(self.clock.now()))
    }

    /// A part of the sessions of a person that go on, newest first, and, when wanted, how many.
    pub(crate) async fn sessions(
        &self,
        person: Person,
        after: Option<Key>,
        limit: u64,
        counted: bool,
    ) -> Result<(Vec<Session>, Option<u64>), Error> {
        let (db, now) = (&self.database.read(person.scope()), self.clock.now());
        let rows = store::session::list(db, person.id, now, after, limit).await?;
        let counting = store::session::count(db, person.id, now);
        let total = if counted { Some(counting.await?) } else { None };
        Ok((rows, total))
    }
}
