//! What bookings hold about a person: told for an export, and erased so that the bookings still count.

use async_trait::async_trait;
use common::auth::Scope;
use common::http::{Outcome, PersonalData, PersonalQuery, Problem};
use contracts::page::{decode_cursor, encode_cursor};
use contracts::personal::PersonalPage;
use sea_orm::{DatabaseTransaction, DbErr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Bookings;
use crate::store::Waiting;

/// More than a user can have waited for before it is forgotten.
const MOST_ENTRIES: u64 = 1_000;

#[async_trait]
impl PersonalData for Bookings {
    /// The bookings made for the user or with the user as the client, by id; then what the user waits
    /// for; then calendars.
    async fn personal_data(&self, query: &PersonalQuery) -> Outcome<PersonalPage> {
        let PersonalQuery { tenant, user, ref cursor, limit } = *query;
        let after = cursor.as_deref().map(|cursor| {
            decode_cursor::<(Part, Uuid)>(cursor)
                .ok_or_else(|| Problem::field("cursor", "format", "Cursor inválido."))
        });
        let (part, after) = match after.transpose()? {
            Some((part, after)) => (part, Some(after)),
            None => (Part::Bookings, None),
        };
        match part {
            Part::Bookings => {}
            Part::Waitlist => return self.waited_for(tenant, user).await,
            Part::Calendars => return self.calendars_about(tenant, user).await,
        }
        let mut found = self.store.about(tenant, user, after, limit).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map(|last| (Part::Bookings, last.id));
        let next = Some(encode_cursor(&last.unwrap_or((Part::Waitlist, user))));
        let now = self.clock.now();
        let rows = found.into_iter().map(|booking| serde_json::to_value(booking.view(now)));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next })
    }
}

/// What a page is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Bookings,
    Waitlist,
    Calendars,
}

impl Bookings {
    /// The user's entries of the waiting list, on one page: there are only so many. Without tokens.
    async fn waited_for(&self, tenant: Uuid, user: Uuid) -> Outcome<PersonalPage> {
        let scope = Scope::Tenant(tenant);
        let filter = Waiting { user_id: Some(user), resource_id: None };
        let entries = self.store.entries(scope, &filter, None, MOST_ENTRIES).await?;
        let shown = self.all_shown(scope, entries, None).await?;
        let rows = shown.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let next = Some(encode_cursor(&(Part::Calendars, user)));
        Ok(PersonalPage { rows: rows.map_err(Problem::internal)?, next })
    }

    /// Makes a user's bookings nobody's. They keep their version: for others they are what they were,
    /// and the versions of a booking are the numbers of its events. Returns how many there were.
    pub(super) async fn make_nameless(
        &self,
        tx: &DatabaseTransaction,
        user: Uuid,
    ) -> Result<u64, DbErr> {
        // Random, and written nowhere but into these bookings: nothing leads back.
        let nobody = Uuid::new_v4();
        let own = self.store.forget_person(tx, user, nobody).await?;
        if own > 0 {
            self.store.forget_words(tx, nobody).await?;
        }
        Ok(own)
    }
}
