//! What bookings hold about a person: told for an export, and erased so that the bookings still count.

use async_trait::async_trait;
use common::http::{Outcome, PersonalData, PersonalQuery, Problem};
use contracts::page::{decode_cursor, encode_cursor};
use contracts::personal::PersonalPage;
use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use super::Bookings;

#[async_trait]
impl PersonalData for Bookings {
    /// The bookings made for the user or with the user as the client, by id.
    async fn personal_data(&self, query: &PersonalQuery) -> Outcome<PersonalPage> {
        let PersonalQuery { tenant, user, ref cursor, limit } = *query;
        let after = cursor.as_deref().map(|cursor| {
            decode_cursor::<Uuid>(cursor)
                .ok_or_else(|| Problem::field("cursor", "format", "Cursor inválido."))
        });
        let mut found = self.store.about(tenant, user, after.transpose()?, limit).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| encode_cursor(&last.id));
        let now = self.clock.now();
        let rows = found.into_iter().map(|booking| serde_json::to_value(booking.view(now)));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next })
    }
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
