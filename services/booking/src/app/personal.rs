//! What bookings hold about a person: told for an export, and erased so that the bookings still count.

use async_trait::async_trait;
use common::auth::Scope;
use common::http::{Outcome, PersonalData, PersonalQuery, Problem};
use contracts::page::{decode_cursor, encode_cursor};
use contracts::personal::{Part, PersonalPage};
use contracts::series::SeriesView;
use sea_orm::{DatabaseTransaction, DbErr};
use serde_json::Value;
use uuid::Uuid;

use super::Bookings;
use crate::store::Waiting;

/// More than a user can have waited for before it is forgotten.
const MOST_ENTRIES: u64 = 1_000;

/// How far an export has come: to which part, and after which id of it.
type Place = (Part, Option<Uuid>);

#[async_trait]
impl PersonalData for Bookings {
    /// The bookings made for the user or with the user as the client, then the user's series, by id; then
    /// what the user waits for, links, and calendars.
    async fn personal_data(&self, query: &PersonalQuery) -> Outcome<PersonalPage> {
        let place = query.cursor.as_deref().map(|cursor| {
            decode_cursor::<Place>(cursor)
                .ok_or_else(|| Problem::field("cursor", "format", "Cursor inválido."))
        });
        let (part, after) = place.transpose()?.unwrap_or((Part::Bookings, None));
        let mut page = self.page_of(part, after, query).await?;
        for fields in page.rows.iter_mut().filter_map(Value::as_object_mut) {
            fields.insert("kind".to_owned(), part.as_str().into());
        }
        Ok(page)
    }
}

impl Bookings {
    async fn page_of(
        &self,
        part: Part,
        after: Option<Uuid>,
        query: &PersonalQuery,
    ) -> Outcome<PersonalPage> {
        let PersonalQuery { tenant, user, limit, .. } = *query;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let (rows, next): (Vec<_>, Place) = match part {
            Part::Bookings => {
                let mut found = self.store.about(tenant, user, after, limit).await?;
                let more = found.len() > most;
                found.truncate(most);
                let last = found.last().filter(|_| more).map(|last| last.id);
                let now = self.clock.now();
                let rows = found.into_iter().map(|booking| serde_json::to_value(booking.view(now)));
                (rows.collect(), last.map_or((Part::Series, None), |id| (Part::Bookings, Some(id))))
            }
            Part::Series => {
                let mut found = self.store.series_of(tenant, user, after, limit).await?;
                let more = found.len() > most;
                found.truncate(most);
                let last = found.last().filter(|_| more).map(|last| last.id);
                let rows = found.into_iter().map(|series| rule(series.view())).collect();
                (rows, last.map_or((Part::Waitlist, None), |id| (Part::Series, Some(id))))
            }
            Part::Waitlist => return self.waited_for(tenant, user).await,
            Part::Links => return self.personal_links(tenant, user, after, limit).await,
            Part::Calendars => return self.calendars_about(tenant, user).await,
        };
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next: Some(encode_cursor(&next)) })
    }
}

/// What is told of a series: its rule. Its bookings are rows of their own.
fn rule(series: SeriesView) -> Result<Value, serde_json::Error> {
    let mut row = serde_json::to_value(series)?;
    if let Some(fields) = row.as_object_mut() {
        fields.remove("bookings");
    }
    Ok(row)
}

impl Bookings {
    /// The user's entries of the waiting list, on one page: there are only so many. Without tokens.
    async fn waited_for(&self, tenant: Uuid, user: Uuid) -> Outcome<PersonalPage> {
        let scope = Scope::Tenant(tenant);
        let filter = Waiting { user_id: Some(user), resource_id: None };
        let entries = self.store.entries(scope, &filter, None, MOST_ENTRIES).await?;
        let shown = self.all_shown(scope, entries, None).await?;
        let rows = shown.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let next = Some(encode_cursor(&(Part::Links, None::<Uuid>)));
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
