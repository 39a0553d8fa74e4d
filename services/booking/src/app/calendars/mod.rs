//! Calendars that other programs subscribe to: made, listed, revoked, and read by whoever has their
//! secret. What their files look like is in `scheduling::icalendar`.

mod fault;
mod feed;
mod free_busy;
mod sheet;

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::http::{Outcome, Problem};
use common::platform::Platform;
use common::secret;
use common::settings::AuthMode;
use contracts::calendar::{
    CALENDAR_SECRET_PREFIX, CALENDAR_SUFFIX, CalendarDetail, CalendarOf, CreateCalendar,
    CreatedCalendar,
};
use contracts::personal::PersonalPage;
use uuid::Uuid;

use super::Bookings;
use crate::error::Error;
use crate::store::{Age, Feed, FeedsOf, Gone};

pub(crate) use fault::CalendarFault;
pub(crate) use sheet::Sheet;

/// The most calendars of one user.
const MOST_OF_USER: u32 = 20;
/// More calendars than can show a user's bookings: 20 of the user, and those that admins made.
const MOST_ABOUT_USER: u64 = 10_000;

/// What calendars go by beside their rows.
#[derive(Debug, Clone)]
pub(crate) struct FeedRules {
    /// The address of clients, if it is known.
    public_url: Option<String>,
    /// Whether what the developer made counts.
    open: bool,
}

impl FeedRules {
    pub(crate) fn new(platform: &Platform) -> Self {
        let settings = &platform.settings;
        Self {
            public_url: settings.public_url.as_ref().map(ToString::to_string),
            open: settings.auth_mode == AuthMode::Optional,
        }
    }

    /// The address that shows a calendar to whoever has its secret.
    fn url(&self, origin: &str, secret: &str) -> String {
        let base = self.public_url.as_deref().unwrap_or(origin).trim_end_matches('/');
        format!("{base}/calendars/feeds/{secret}{CALENDAR_SUFFIX}")
    }
}

/// What a caller asks of the list of calendars.
pub(crate) struct Feeds {
    pub(crate) scope: Scope,
    pub(crate) after: Option<Age>,
    pub(crate) limit: u64,
    pub(crate) count: bool,
}

impl Bookings {
    /// Makes a calendar, once. Its address is in the answer and nowhere else; `origin` is where the
    /// client believes we are.
    pub(crate) async fn create_calendar(
        &self,
        caller: &Caller,
        once: &Once,
        asked: &CreateCalendar,
        origin: &str,
    ) -> Result<Answer, Error> {
        let of = asked.of().ok_or(CalendarFault::Unknown)?;
        let own = may_make(caller, of)?;
        let usual = if own { CalendarDetail::Full } else { CalendarDetail::Busy };
        let rest = async {
            match of {
                CalendarOf::User(user) => self.user_exists(asked.tenant_id, user).await?,
                CalendarOf::Resource(id) => drop(self.resource(asked.tenant_id, id).await?),
            }
            let secret = secret::new(CALENDAR_SECRET_PREFIX);
            let feed = &Feed {
                id: self.ids.next(),
                tenant_id: asked.tenant_id,
                owner_id: caller.user_id(),
                user_id: asked.user_id,
                resource_id: asked.resource_id,
                detail: asked.detail.unwrap_or(usual).as_str().to_owned(),
                secret_hash: secret::hash(&secret),
                created_at: self.clock.now(),
            };
            let url = self.feed_rules.url(origin, &secret);
            let made = &CreatedCalendar { url, calendar: feed.clone().view() };
            self.store_calendar(once, feed, made).await
        };
        let scope = Scope::Tenant(asked.tenant_id);
        once.unless_done(self.store.database(), scope, Box::pin(rest)).await
    }

    async fn store_calendar(
        &self,
        once: &Once,
        feed: &Feed,
        made: &CreatedCalendar,
    ) -> Result<Answer, Error> {
        let Feed { tenant_id: tenant, owner_id, user_id, resource_id, .. } = *feed;
        let whose = user_id.or(resource_id).unwrap_or_default();
        let owner = owner_id.unwrap_or(tenant);
        let add = |tx: Tx| async move {
            let tx = &*tx;
            self.store.lock_resources(tx, tenant, &mut [owner]).await?;
            if let Some(gone) = Gone::any(tx, &[tenant, whose, owner]).await? {
                return Err(gone.into());
            }
            if self.store.count_owned(tx, tenant, owner_id).await? >= u64::from(MOST_OF_USER) {
                return Err(CalendarFault::TooMany { most: MOST_OF_USER }.into());
            }
            self.store.add_feed(tx, feed).await?;
            Ok::<_, Error>((Answer::created(made)?, ()))
        };
        let done = once.run(self.store.database(), Scope::Tenant(tenant), add).await;
        Ok(done.map_err(|error: Error| error.of_write(feed.id))?.0)
    }

    /// A page of calendars by age, and how many there are if that was asked. Admins see all; everybody
    /// else what they made, and what shows their bookings.
    pub(crate) async fn calendars(
        &self,
        caller: &Caller,
        list: Feeds,
    ) -> Result<(Vec<Feed>, Option<u64>), Error> {
        let user = caller.user_id().filter(|_| !caller.is_admin());
        let wanted = FeedsOf { scope: list.scope, user };
        let rows = self.store.feeds(wanted, list.after, list.limit).await?;
        let total = if list.count { Some(self.store.count_feeds(wanted).await?) } else { None };
        Ok((rows, total))
    }

    /// Revokes a calendar: its address shows nothing any more.
    pub(crate) async fn delete_calendar(&self, caller: &Caller, id: Uuid) -> Result<(), Error> {
        let scope = caller.scope();
        let feed = self.store.feed(scope, id).await?.ok_or(CalendarFault::Unknown)?;
        let own = [feed.owner_id, feed.user_id].into_iter().flatten().any(|user| caller.is(user));
        if !own && !caller.is_admin() {
            return Err(Error::NotAllowed);
        }
        let dropped = self.store.database().transact(scope, |tx| async move {
            Ok::<_, Error>(self.store.drop_feed(&tx, id).await?)
        });
        let dropped = dropped.await.map_err(|error: Error| error.of_write(id))?;
        if dropped { Ok(()) } else { Err(CalendarFault::Unknown.into()) }
    }

    /// For an export: the calendars that a user made, and those of the user's bookings.
    pub(super) async fn calendars_about(&self, tenant: Uuid, user: Uuid) -> Outcome<PersonalPage> {
        let wanted = FeedsOf { scope: Scope::Tenant(tenant), user: Some(user) };
        let found = self.store.feeds(wanted, None, MOST_ABOUT_USER).await?;
        let rows = found.into_iter().map(|feed| serde_json::to_value(feed.view()));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
        Ok(PersonalPage { rows, next: None })
    }
}

/// Whether somebody may make a calendar of these bookings, and whether they are the caller's own. A user's
/// are seen by that user and by admins, a resource's by who may see all.
fn may_make(caller: &Caller, of: CalendarOf) -> Result<bool, Error> {
    let (own, may) = match of {
        CalendarOf::User(user) => (caller.is(user), caller.is(user) || caller.is_admin()),
        CalendarOf::Resource(_) => (false, caller.permissions().can_view_all_bookings),
    };
    if may { Ok(own) } else { Err(Error::NotAllowed) }
}
