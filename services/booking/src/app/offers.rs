//! Passing freed places on to those who wait. What frees a place only leaves a note of it; a job does
//! the rest under the resource's lock, and another one looks everything over, so that no note has to
//! survive anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use common::auth::Scope;
use common::providers::UserLookup;
use common::secret;
use common::streams::Draft;
use contracts::BookingStatus;
use contracts::booking::PlaceBooking;
use contracts::facts::UserFacts;
use contracts::hold::HOLD_TOKEN_PREFIX;
use contracts::user::UserType;
use contracts::waitlist::WaitlistOffered;
use scheduling::{Span, TimeInput};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use tokio::sync::Notify;
use uuid::Uuid;

use super::claim::Wanted;
use super::holds::{keep_until, lasting};
use super::place::confirmation_code;
use super::{Bookings, Candidate, Offer};
use crate::error::Error;
use crate::store::{Entry, Gone, Inserted, Turn};

/// Steps of one run for one resource; what is left is for the next.
const MOST_STEPS: u32 = 200;
/// Batches of those who wait that are looked through for one who can be served.
const MOST_BATCHES: u32 = 20;
/// Who did it, in the events.
const TRACE: &str = "offer freed places";

/// Where places may have become free.
#[derive(Clone, Default)]
pub(crate) struct Freed {
    resources: Arc<Mutex<BTreeSet<(Uuid, Uuid)>>>,
    wake: Arc<Notify>,
}

impl Freed {
    /// Notes that a place of a resource may be free, and wakes who passes it on.
    pub(crate) fn mark(&self, tenant: Uuid, resource: Uuid) {
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        resources.insert((tenant, resource));
        drop(resources);
        self.wake.notify_one();
    }

    /// What the job waits for.
    pub(crate) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    fn take(&self) -> BTreeSet<(Uuid, Uuid)> {
        std::mem::take(&mut *self.resources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one step has come to.
enum Step {
    /// A place was offered; there may be another.
    Offered,
    /// Somebody else has to be looked for: not this one.
    Not(Uuid),
    /// Things changed under way.
    Again,
    /// Nobody who waits can be served.
    Done,
}

/// Those who wait for a resource, as they are looked through.
struct Queue<'a> {
    tenant: Uuid,
    offer: &'a Offer,
    /// Not to be served, whatever is free: limits, or a user who is no more.
    passed: BTreeSet<Uuid>,
}

impl Bookings {
    /// Passes on what the service's own writes have freed.
    pub(crate) async fn offer_freed(&self) -> Result<(), Error> {
        let mut failed = None;
        for (tenant, resource) in self.freed.take() {
            if let Err(error) = self.pass_on(tenant, resource).await {
                // Without waking anybody: the next turn is soon enough.
                failed = Some(error);
                let mut left = self.freed.resources.lock().unwrap_or_else(PoisonError::into_inner);
                left.insert((tenant, resource));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Looks over everything somebody waits for: holds that died, notes that were lost, other rules.
    pub(crate) async fn look_over_waitlist(&self) -> Result<(), Error> {
        self.store.tidy_waitlist(self.clock.now()).await?;
        let mut after = None;
        let mut failed = None;
        loop {
            let batch = self.store.wanted_resources(after).await?;
            let Some((_, last)) = batch.last().copied() else { break };
            for (tenant, resource) in batch {
                failed = self.pass_on(tenant, resource).await.err().or(failed);
            }
            after = Some(last);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Offers the free places of a resource to those who wait, the first who fits first.
    async fn pass_on(&self, tenant: Uuid, resource: Uuid) -> Result<(), Error> {
        let conn = &self.store.database().read(Scope::Tenant(tenant));
        if self.store.queue(conn, resource, None).await?.is_empty() {
            return Ok(());
        }
        let (rules, resource) =
            match (self.rules(tenant).await, self.resource(tenant, resource).await) {
                (Ok(rules), Ok(resource)) => (rules, resource),
                // What is gone is cleared by the event that tells of it.
                (Err(Error::NoTenant), _) | (_, Err(Error::NoResource)) => return Ok(()),
                (Err(error), _) | (_, Err(error)) => return Err(error),
            };
        if !rules.is_active {
            return Ok(());
        }
        let offer = Offer::new(&rules, &resource);
        let mut queue = Queue { tenant, offer: &offer, passed: BTreeSet::new() };
        for _ in 0..MOST_STEPS {
            match self.step(&queue).await? {
                Step::Offered => self.relay.wake(),
                Step::Again => {}
                Step::Not(entry) => {
                    queue.passed.insert(entry);
                }
                Step::Done => return Ok(()),
            }
        }
        Ok(())
    }

    async fn step(&self, queue: &Queue<'_>) -> Result<Step, Error> {
        let conn = &self.store.database().read(Scope::Tenant(queue.tenant));
        // Without a lock first: mostly nobody can be served.
        let Some((entry, _)) = self.first_who_fits(conn, queue).await? else {
            return Ok(Step::Done);
        };
        match self.people.find(entry.user_id).await {
            UserLookup::Known(facts) if may_book(&facts, queue.tenant) => {}
            UserLookup::Known(_) | UserLookup::Unknown => return Ok(Step::Not(entry.id)),
            UserLookup::Unreachable { .. } => return Err(Error::UserUnverifiable),
        }
        let (resource, entry) = (queue.offer.resource.id, &entry);
        let done = self.store.database().transact(Scope::Tenant(queue.tenant), |tx| async move {
            let tx = &*tx;
            let mut locks = [resource, entry.user_id];
            self.store.lock_resources(tx, queue.tenant, &mut locks).await?;
            self.bury(tx, &[resource], TRACE).await?;
            match self.first_who_fits(tx, queue).await? {
                None => Ok(Step::Done),
                Some((first, candidate)) if first.id == entry.id => {
                    self.offer_to(tx, &first, &candidate).await
                }
                Some(_) => Ok(Step::Again),
            }
        });
        match done.await {
            Err(Error::LimitExceeded(_)) => Ok(Step::Not(entry.id)),
            done => done,
        }
    }

    /// The first of those who wait whose time can be booked and is free.
    async fn first_who_fits(
        &self,
        conn: &impl ConnectionTrait,
        queue: &Queue<'_>,
    ) -> Result<Option<(Entry, Candidate)>, Error> {
        // Where so many places of a time are not free, more are not either.
        let mut refused: BTreeMap<Span, u32> = BTreeMap::new();
        let mut after = None;
        for _ in 0..MOST_BATCHES {
            let batch = self.store.queue(conn, queue.offer.resource.id, after).await?;
            let Some(last) = batch.last() else { return Ok(None) };
            after = Some(Turn::of(last));
            for entry in batch {
                if queue.passed.contains(&entry.id) {
                    continue;
                }
                let Some(candidate) = self.still_bookable(queue, &entry) else { continue };
                let quantity = u32::try_from(entry.quantity).unwrap_or(1);
                if refused.get(&candidate.span).is_some_and(|least| *least <= quantity) {
                    continue;
                }
                let wanted = Wanted::new(queue.tenant, &candidate, quantity);
                if self.obstacle(conn, &wanted).await?.is_none() {
                    return Ok(Some((entry, candidate)));
                }
                refused.insert(candidate.span, quantity);
            }
        }
        Ok(None)
    }

    fn still_bookable(&self, queue: &Queue<'_>, entry: &Entry) -> Option<Candidate> {
        let (start, end) =
            (TimeInput::Instant(entry.start_time), TimeInput::Instant(entry.end_time));
        let Offer { rules, resource, .. } = queue.offer;
        let candidate = self.window(rules, resource, &start, &end).ok()?;
        candidate.off_grid.is_none().then_some(candidate)
    }

    /// Holds a place for who waits. The locks of the resource and the user are held.
    async fn offer_to(
        &self,
        tx: &DatabaseTransaction,
        entry: &Entry,
        candidate: &Candidate,
    ) -> Result<Step, Error> {
        let ids = [entry.tenant_id, entry.resource_id, entry.user_id];
        if Gone::any(tx, &ids).await?.is_some() {
            return Ok(Step::Not(entry.id));
        }
        let request = as_booking(entry);
        let mut hold = self.new_booking(&request, candidate, BookingStatus::Reservado);
        self.check_limits(tx, &hold, &candidate.offer).await?;
        let token = secret::new(HOLD_TOKEN_PREFIX);
        let minutes = candidate.offer.rules.settings.hold_minutes;
        keep_until(&mut hold, self.store.now(tx).await? + lasting(minutes), &token);
        hold.confirmation_code = confirmation_code();
        self.store.obey_lowering(tx, &mut hold, &candidate.offer.resource).await?;
        match self.store.enter(tx, &hold, TRACE).await? {
            Inserted::Stored => {}
            // A twin of the code, or a booking that was made without the lock.
            Inserted::Refused => return Ok(Step::Again),
        }
        if !self.store.offer(tx, entry.id, hold.id, &token).await? {
            return Err(Error::Contended);
        }
        let told = offered(entry, hold.id, hold.expires_at.unwrap_or(hold.start_time));
        self.store.outbox().append(tx, TRACE, &[told]).await?;
        Ok(Step::Offered)
    }
}

/// The event of an offer. An entry has one in its life.
fn offered(entry: &Entry, hold: Uuid, expires_at: chrono::DateTime<chrono::Utc>) -> Draft {
    let event = WaitlistOffered {
        entry_id: entry.id,
        booking_id: hold,
        user_id: entry.user_id,
        resource_id: entry.resource_id,
        tenant_id: entry.tenant_id,
        quantity: u32::try_from(entry.quantity).unwrap_or(1),
        start_time: entry.start_time,
        end_time: entry.end_time,
        expires_at,
    };
    Draft {
        tenant_id: entry.tenant_id,
        aggregate_id: entry.id,
        sequence: 1,
        event_type: WaitlistOffered::EVENT_TYPE,
        payload: serde_json::to_value(event).unwrap_or_default(),
    }
}

/// Whether a user of the tenant still may book.
fn may_book(facts: &UserFacts, tenant: Uuid) -> bool {
    let may = facts.user_type == UserType::Admin || facts.permissions.can_book;
    facts.is_active && facts.tenant_id == tenant && may
}

fn as_booking(entry: &Entry) -> PlaceBooking {
    let Entry { tenant_id, resource_id, user_id, start_time, end_time, quantity, .. } = *entry;
    let time = (TimeInput::Instant(start_time), TimeInput::Instant(end_time));
    let quantity = u32::try_from(quantity).unwrap_or(1);
    PlaceBooking::plain(tenant_id, resource_id, user_id, time, quantity)
}
