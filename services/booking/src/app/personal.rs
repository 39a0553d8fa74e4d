//! What bookings hold about a person: told for an export, and erased so that the bookings still count.

use async_trait::async_trait;
use common::http::{Outcome, PersonalData, PersonalQuery, Problem};
use contracts::page::{decode_cursor, encode_cursor};
use contracts::personal::{PersonalPage, SERIES};
use contracts::series::SeriesView;
use sea_orm::{DatabaseTransaction, DbErr};
use serde_json::Value;
use uuid::Uuid;

use super::Bookings;

/// How far an export has come: to the series after the bookings, and after which id.
type Place = (bool, Option<Uuid>);

#[async_trait]
impl PersonalData for Bookings {
    /// The bookings made for the user or with the user as the client, then the user's series, by id.
    async fn personal_data(&self, query: &PersonalQuery) -> Outcome<PersonalPage> {
        let PersonalQuery { tenant, user, ref cursor, limit } = *query;
        let place = cursor.as_deref().map(|cursor| {
            decode_cursor::<Place>(cursor)
                .ok_or_else(|| Problem::field("cursor", "format", "Cursor inválido."))
        });
        let (series, after) = place.transpose()?.unwrap_or((false, None));
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let (rows, next): (Vec<_>, Option<Place>) = if series {
            let mut found = self.store.series_of(tenant, user, after, limit).await?;
            let more = found.len() > most;
            found.truncate(most);
            let next = found.last().filter(|_| more).map(|last| (true, Some(last.id)));
            (found.into_iter().map(|series| rule(series.view())).collect(), next)
        } else {
            let mut found = self.store.about(tenant, user, after, limit).await?;
            let more = found.len() > most;
            found.truncate(most);
            let last = found.last().filter(|_| more).map(|last| last.id);
            let now = self.clock.now();
            let rows = found.into_iter().map(|booking| serde_json::to_value(booking.view(now)));
            (rows.collect(), Some((last.is_none(), last)))
        };
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next: next.map(|place| encode_cursor(&place)) })
    }
}

/// What is told of a series: its rule. Its bookings are rows of their own.
fn rule(series: SeriesView) -> Result<Value, serde_json::Error> {
    let mut row = serde_json::to_value(series)?;
    if let Some(fields) = row.as_object_mut() {
        fields.remove("bookings");
        fields.insert("kind".to_owned(), SERIES.into());
    }
    Ok(row)
}

impl Bookings {
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
