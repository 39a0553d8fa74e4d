//! Links: whoever has one sees one booking, and moves or cancels it by its owner's rules. How they are
//! made, listed and taken back; what is done by one is in `open`. ADR 0025 says why it is so.

mod free;
mod keys;
mod open;
mod refusal;
mod token;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::http::{Outcome, Problem};
use contracts::BookingStatus;
use contracts::link::{CreateLink, LinkAction, LinkView, NewLinkView};
use contracts::page::encode_cursor;
use contracts::personal::{Part, PersonalPage};
use scheduling::TimeInput;
use uuid::Uuid;

use self::keys::Keys;
use self::token::{Claims, Key};
use super::{Bookings, may_change};
use crate::error::Error;
use crate::store::{Booking, Gone, Link};

pub(crate) use open::Opened;
pub(crate) use refusal::LinkRefusal;

/// The most living links of one booking.
const MOST: u32 = 10;
/// The longest a link lasts, in days.
const LONGEST_DAYS: i64 = 90;
const LONGEST: TimeDelta = TimeDelta::days(LONGEST_DAYS);

/// What links are made and proved with.
pub(crate) struct Links {
    keys: Keys,
    /// The address of clients, if it is known.
    public_url: Option<String>,
}

impl Links {
    pub(crate) fn new(public_url: Option<&str>) -> Self {
        Self { keys: Keys::default(), public_url: public_url.map(str::to_owned) }
    }

    /// The address of a link: at `origin`, where the client came from, unless it is known better.
    fn url(&self, origin: &str, token: &str) -> String {
        let base = self.public_url.as_deref().unwrap_or(origin).trim_end_matches('/');
        format!("{base}/bookings/links/{token}")
    }
}

impl Bookings {
    /// Makes a link to a booking, once, for who may change it.
    pub(crate) async fn create_link(
        &self,
        caller: &Caller,
        id: Uuid,
        once: &Once,
        asked: &CreateLink,
        origin: &str,
    ) -> Result<Answer, Error> {
        let booking = self.changeable(caller, id).await?;
        let own = Scope::Tenant(booking.tenant_id);
        let rest = async {
            if booking.status() == BookingStatus::Reservado {
                return Err(Error::IsHold);
            }
            // A link that acts for nobody would be dead from the start.
            self.user_exists(booking.tenant_id, booking.user_id).await?;
            let now = self.clock.now();
            let ends = self.link_end(&booking, asked.expires_at.as_ref(), now).await?;
            let claims = Claims::new(self.ids.next(), ends);
            let link = new_link(&booking, caller, asked, &claims, (ends, now));
            let link = &link;
            let made = once.run(self.store.database(), own, |tx: Tx| async move {
                let key = self.store_link(&tx, link, now).await?;
                let token = claims.signed(&key);
                let url = self.links.url(origin, &token);
                let made = Answer::created(&NewLinkView { token, url, view: link.view() })?;
                Ok::<_, Error>((made, key))
            });
            let (answer, key) = made.await?;
            if let Some(key) = key {
                self.links.keys.learn(ends, key);
            }
            Ok(answer)
        };
        once.unless_done(self.store.database(), own, Box::pin(rest)).await
    }

    /// The links of a booking that have not ended, for who may change it.
    pub(crate) async fn links_of(&self, caller: &Caller, id: Uuid) -> Result<Vec<LinkView>, Error> {
        let booking = self.changeable(caller, id).await?;
        let conn = self.store.database().read(Scope::Tenant(booking.tenant_id));
        let found = self.store.living_links(&conn, id, self.clock.now(), u64::from(MOST)).await?;
        Ok(found.iter().map(Link::view).collect())
    }

    /// Takes a link back. It opens nothing from then on.
    pub(crate) async fn revoke_link(
        &self,
        caller: &Caller,
        id: Uuid,
        link: Uuid,
    ) -> Result<(), Error> {
        let booking = self.changeable(caller, id).await?;
        let own = Scope::Tenant(booking.tenant_id);
        let done = self.store.database().transact(own, |tx: Tx| async move {
            Ok::<_, Error>(self.store.remove_link(&tx, id, link).await?)
        });
        if done.await? { Ok(()) } else { Err(LinkRefusal::Unknown.into()) }
    }

    /// Keeps the keys, and forgets the links that have ended: their tokens tell that by themselves.
    pub(crate) async fn tend_links(&self) -> Result<(), Error> {
        let now = self.clock.now();
        self.links.keys.tend(&self.store, now).await?;
        Ok(self.store.prune_links(now).await?)
    }

    /// A page of the links about a person, without tokens: to the person's bookings, or made by the
    /// person.
    pub(super) async fn personal_links(
        &self,
        tenant: Uuid,
        user: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> Outcome<PersonalPage> {
        let mut found = self.store.links_about(tenant, user, after, limit).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| more).map(|last| last.id);
        let next = last.map_or((Part::Calendars, None), |id| (Part::Links, Some(id)));
        let rows = found.iter().map(|link| serde_json::to_value(link.view()));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next: Some(encode_cursor(&next)) })
    }

    async fn changeable(&self, caller: &Caller, id: Uuid) -> Result<Booking, Error> {
        let booking = self.visible(caller, id).await?;
        may_change(caller, booking.user_id)?;
        Ok(booking)
    }

    /// When a new link ends: a whole second, in the future, and not too far in it.
    async fn link_end(
        &self,
        booking: &Booking,
        asked: Option<&TimeInput>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Error> {
        let latest = (now + LONGEST).trunc_subsecs(0);
        let end = match asked {
            None => booking.start_time.min(latest),
            Some(TimeInput::Instant(end)) => *end,
            Some(local @ TimeInput::Local(_)) => {
                let rules = self.rules(booking.tenant_id).await?;
                local.resolve(&rules.rules.zone).map_err(|_| Error::NonexistentLocalTime)?
            }
        };
        let end = end.trunc_subsecs(0);
        if end <= now || end > latest { Err(LinkRefusal::End.into()) } else { Ok(end) }
    }

    /// Stores a link under the lock of its booking, and returns the key to sign it with.
    async fn store_link(&self, tx: &Tx, link: &Link, now: DateTime<Utc>) -> Result<Key, Error> {
        let own = Scope::Tenant(link.tenant_id);
        let booking = self.store.lock(tx, own, link.booking_id).await?.ok_or(Error::NoBooking)?;
        if booking.user_id != link.user_id {
            // Its owner is nobody any more.
            return Err(Error::NoUser);
        }
        let ids = [booking.tenant_id, booking.resource_id, booking.user_id];
        if let Some(gone) = Gone::any(&**tx, &ids).await? {
            return Err(gone.into());
        }
        let most = u64::from(MOST);
        let living = self.store.living_links(&**tx, booking.id, now, most).await?;
        if u32::try_from(living.len()).unwrap_or(u32::MAX) >= MOST {
            return Err(LinkRefusal::TooMany { most: MOST }.into());
        }
        self.store.add_link(tx, link).await?;
        self.links.keys.to_sign(&self.store, tx, link.expires_at, now).await
    }
}

fn new_link(
    booking: &Booking,
    caller: &Caller,
    asked: &CreateLink,
    claims: &Claims,
    (ends, now): (DateTime<Utc>, DateTime<Utc>),
) -> Link {
    let allows = |action| asked.allow.as_ref().is_none_or(|allow| allow.contains(&action));
    Link {
        id: claims.link,
        tenant_id: booking.tenant_id,
        booking_id: booking.id,
        user_id: booking.user_id,
        secret_hash: claims.hash(),
        expires_at: ends,
        may_move: allows(LinkAction::Move),
        may_cancel: allows(LinkAction::Cancel),
        created_by: caller.user_id(),
        created_at: now,
    }
}
