//! Groups: several resources at one time, all or none. Which resources of a category are taken is
//! decided by their names: the first that are free.

mod near;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use common::providers::{Bookable, TenantRules};
use contracts::booking::PlaceBooking;
use contracts::group::{GroupItem, GroupView, PlaceGroup};
use contracts::problem::UnmetItem;
use contracts::resource::ResourceStatus;
use scheduling::{Refusal, Span, TimeInput};
use uuid::Uuid;

use super::claim::Wanted;
use super::judge::Proposal;
use super::place::{authorize, first_status};
use super::series::{came_between, coded};
use super::{Bookings, Candidate, Offer, may_change};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne, Spot};
use crate::store::{Booking, Gone, Inserted, Together};

/// How often a group is chosen anew when somebody came between.
const ATTEMPTS: u32 = 6;

/// An item of a group and what could meet it, the best first.
struct Asked<'a> {
    item: &'a GroupItem,
    number: u32,
    candidates: Vec<Candidate>,
}

/// A resource chosen for an item.
struct Chosen<'a> {
    number: u32,
    candidate: &'a Candidate,
}

impl Bookings {
    /// Books all resources of a group once, or none.
    pub(crate) async fn place_group(
        &self,
        caller: &Caller,
        once: &Once,
        request: &PlaceGroup,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        authorize(caller, &single(request, Uuid::nil()))?;
        let rest = async {
            match self.try_group(request, once, trace_id).await {
                Err(error) => Err(self.explained_group(request, error).await),
                placed => placed,
            }
        };
        let own = Scope::Tenant(request.tenant_id);
        once.unless_done(self.store.database(), own, Box::pin(rest)).await
    }

    async fn try_group(
        &self,
        request: &PlaceGroup,
        once: &Once,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let asked = self.asked(request).await?;
        let id = self.ids.next();
        for _ in 0..ATTEMPTS {
            let chosen = self.choose(request, &asked).await?;
            match self.store_group(request, id, once, &chosen, trace_id).await {
                Ok(answer) => {
                    self.relay.wake();
                    return Ok(answer);
                }
                Err(error) if came_between(&error) => {}
                Err(error) => return Err(error.of_write(id)),
            }
        }
        Err(Error::Contended)
    }

    /// A group as clients see it.
    pub(crate) fn group(&self, id: Uuid, made: Vec<Booking>) -> GroupView {
        let now = self.clock.now();
        let bookings = made.into_iter().map(|booking| booking.view(now)).collect();
        GroupView { group_id: id, bookings }
    }

    /// What could meet each item, by the rules alone.
    async fn asked<'a>(&self, request: &'a PlaceGroup) -> Result<Vec<Asked<'a>>, Error> {
        let tenant = request.tenant_id;
        let mut found: Vec<Vec<Arc<Bookable>>> = Vec::new();
        for item in &request.items {
            found.push(self.resources_for(tenant, item).await?);
        }
        let (user, rules) =
            futures_util::join!(self.user_exists(tenant, request.user_id), self.rules(tenant));
        user?;
        let rules = rules?;
        if !rules.is_active {
            return Err(Error::TenantInactive);
        }
        let instant = |time: &TimeInput| {
            time.resolve(&rules.rules.zone).map_err(|_| Error::NonexistentLocalTime)
        };
        let (start, end) = (instant(&request.start_time)?, instant(&request.end_time)?);
        let span = Span::new(start, end).ok_or(Error::Refused(Refusal::EndBeforeStart))?;
        let mut asked = Vec::new();
        for ((item, found), number) in request.items.iter().zip(found).zip(0..) {
            let candidates = self.candidates(item, &found, &rules, span)?;
            asked.push(Asked { item, number, candidates });
        }
        Ok(asked)
    }

    /// The resources an item may mean, by name.
    async fn resources_for(
        &self,
        tenant: Uuid,
        item: &GroupItem,
    ) -> Result<Vec<Arc<Bookable>>, Error> {
        if let Some(id) = item.resource_id {
            let resource = self.resource(tenant, id).await?;
            if resource.status != ResourceStatus::Disponivel {
                return Err(Error::ResourceUnavailable);
            }
            return Ok(vec![resource]);
        }
        let category = item.category_id.unwrap_or_default();
        let found = self.resources.of_category(tenant, category).await;
        let found = found.map_err(|error| Error::Unverifiable(Arc::new(error)))?;
        let mut found = found.ok_or(Joint::NoCategory)?;
        let least = item.min_capacity.unwrap_or(0);
        found.retain(|it| it.status == ResourceStatus::Disponivel && it.size >= least);
        Ok(found)
    }

    /// The resources that the rules allow. If they allow none, the first one's refusal is told.
    fn candidates(
        &self,
        item: &GroupItem,
        found: &[Arc<Bookable>],
        rules: &Arc<TenantRules>,
        span: Span,
    ) -> Result<Vec<Candidate>, Error> {
        let mut refused = None;
        let mut candidates = Vec::new();
        for resource in found {
            match self.propose(&Offer::new(rules, resource), span) {
                // Of one resource a conflict is told before the grid; of any, it is one of the rules.
                Ok(candidate) if item.resource_id.is_some() => candidates.push(candidate),
                Ok(candidate) => match &candidate.off_grid {
                    Some(refusal) => refused = refused.or_else(|| Some(refusal.clone())),
                    None => candidates.push(candidate),
                },
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        match refused {
            Some(refusal) if candidates.is_empty() => Err(Error::Refused(refusal)),
            Some(_) | None => Ok(candidates),
        }
    }

    /// Chooses free resources for every item: named ones first, then of categories the items that ask for
    /// the most capacity, since what meets them meets the others too. By items, then by names.
    async fn choose<'a>(
        &self,
        request: &PlaceGroup,
        asked: &'a [Asked<'a>],
    ) -> Result<Vec<Chosen<'a>>, Error> {
        let in_the_way = self.in_the_way_of_group(request, asked).await?;
        let mut order: Vec<&Asked<'_>> = asked.iter().collect();
        order.sort_by_key(|it| by_need(it));
        let now = self.clock.now();
        let mut used = BTreeSet::new();
        let (mut chosen, mut unmet, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for it in order {
            let mut free = Vec::new();
            for candidate in &it.candidates {
                let wanted = Wanted::new(request.tenant_id, candidate, request.quantity);
                let near: Vec<Booking> = in_the_way
                    .iter()
                    .filter(|found| found.resource_id == wanted.resource)
                    .filter(|found| found.claim_start < wanted.claim.end())
                    .filter(|found| found.claim_end > wanted.claim.start())
                    .cloned()
                    .collect();
                match wanted.refusal(&near, now) {
                    None if !used.contains(&wanted.resource) => free.push(candidate),
                    Some(why) if it.item.resource_id.is_some() => {
                        let (start, resource) = (candidate.span.start(), Some(wanted.resource));
                        let asked = Some(spot(request, candidate));
                        refused.push(RefusedOne { start, booking: None, resource, asked, why });
                    }
                    None | Some(_) => {}
                }
            }
            let count = usize::try_from(it.item.count).unwrap_or(usize::MAX);
            if free.len() < count {
                let free = u32::try_from(free.len()).unwrap_or(u32::MAX);
                unmet.push(UnmetItem { item: it.number, wanted: it.item.count, free });
            }
            for candidate in free.into_iter().take(count) {
                used.insert(candidate.offer.resource.id);
                chosen.push(Chosen { number: it.number, candidate });
            }
        }
        if !unmet.is_empty() {
            unmet.sort_by_key(|item| item.item);
            return Err(Joint::Unmet { items: unmet, refused, near: Vec::new() }.into());
        }
        if let Some(refusal) = chosen.iter().find_map(|it| it.candidate.off_grid.clone()) {
            return Err(Error::Refused(refusal));
        }
        chosen.sort_by_key(|it| it.number);
        Ok(chosen)
    }

    /// Everything that lies around the candidates' claims.
    async fn in_the_way_of_group(
        &self,
        request: &PlaceGroup,
        asked: &[Asked<'_>],
    ) -> Result<Vec<Booking>, Error> {
        let tenant = request.tenant_id;
        let mut resources = BTreeSet::new();
        let mut reach: Option<(_, _)> = None;
        for candidate in asked.iter().flat_map(|it| &it.candidates) {
            let claim = Wanted::new(tenant, candidate, request.quantity).claim;
            resources.insert(candidate.offer.resource.id);
            let (from, to) = reach.unwrap_or((claim.start(), claim.end()));
            reach = Some((from.min(claim.start()), to.max(claim.end())));
        }
        let Some(reach) = reach else { return Ok(Vec::new()) };
        let resources: Vec<Uuid> = resources.into_iter().collect();
        let conn = self.store.database().read(Scope::Tenant(tenant));
        let found = self.store.claims_on(&conn, tenant, &resources, reach, self.clock.now());
        Ok(found.await?)
    }

    /// One transaction: all of them, if they are still free under their locks.
    async fn store_group(
        &self,
        request: &PlaceGroup,
        id: Uuid,
        once: &Once,
        chosen: &[Chosen<'_>],
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let (tenant, user) = (request.tenant_id, request.user_id);
        let proposals: &Vec<Proposal> =
            &chosen.iter().map(|it| self.member(request, id, it.candidate)).collect();
        let resources: &Vec<Uuid> =
            &chosen.iter().map(|it| it.candidate.offer.resource.id).collect();
        let limited = chosen.iter().any(|it| !it.candidate.offer.asked.limits.is_empty());
        let (database, own) = (self.store.database(), Scope::Tenant(tenant));
        let _turns = self.gate.turns(resources).await?;
        let stored = once.run(database, own, |tx: Tx| async move {
            let tx = &*tx;
            let mut locks = resources.clone();
            if limited {
                locks.push(user);
            }
            self.store.lock_resources(tx, tenant, &mut locks).await?;
            self.bury(tx, resources, trace_id).await?;
            for resource in resources {
                if let Some(gone) = Gone::any(tx, &[tenant, *resource, user]).await? {
                    return Err(gone.into());
                }
            }
            let mut judged = self.judge(tx, tenant, proposals).await?;
            if !judged.refused.is_empty() {
                let limit = judged.refused.iter().find_map(|it| it.why.limit());
                let limit = limit.map(Error::LimitExceeded);
                return Err(limit.unwrap_or_else(|| Joint::CameBetween.into()));
            }
            coded(&mut judged.accepted);
            match self.store.enter_all(tx, &judged.accepted, trace_id).await? {
                Inserted::Stored => {
                    Ok::<_, Error>((Answer::created(&self.group(id, judged.accepted))?, ()))
                }
                Inserted::Refused => Err(Joint::CameBetween.into()),
            }
        });
        let (answer, _) = Box::pin(stored).await?;
        Ok(answer)
    }

    fn member(&self, request: &PlaceGroup, id: Uuid, candidate: &Candidate) -> Proposal {
        let asked = Some(spot(request, candidate));
        let request = single(request, candidate.offer.resource.id);
        let status = first_status(&candidate.offer);
        let mut booking = self.new_booking(&request, candidate, status);
        booking.group_id = Some(id);
        let resource = Some(booking.resource_id);
        let wish = Ok((booking, candidate.clone()));
        Proposal { start: candidate.span.start(), known: None, resource, asked, wish }
    }

    /// Cancels every active booking of a group, or none.
    pub(crate) async fn cancel_group(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: Option<&str>,
        trace_id: &str,
    ) -> Result<Vec<Booking>, Error> {
        let scope = caller.scope();
        let first = self.store.group_member(scope, id).await?.ok_or(Joint::NoGroup)?;
        may_change(caller, first.user_id)?;
        let (tenant, which) = (first.tenant_id, Together::Group(id));
        self.cancel_together(caller, tenant, which, reason, trace_id).await?;
        Ok(self.store.together(tenant, which).await?)
    }
}

/// Which item chooses first.
fn by_need(asked: &Asked<'_>) -> (bool, Reverse<Option<u32>>, u32) {
    let item = asked.item;
    (item.resource_id.is_none(), Reverse(item.min_capacity), asked.number)
}

fn spot(request: &PlaceGroup, candidate: &Candidate) -> Spot {
    let PlaceGroup { tenant_id: tenant, quantity, .. } = *request;
    Spot { tenant, resource: candidate.offer.resource.id, span: candidate.span, quantity }
}

/// A booking of a group as if it were asked for by itself.
fn single(request: &PlaceGroup, resource: Uuid) -> PlaceBooking {
    let PlaceGroup { tenant_id, user_id, start_time, end_time, client_id, quantity, .. } = *request;
    let time = (start_time, end_time);
    let plain = PlaceBooking::plain(tenant_id, resource, user_id, time, quantity);
    PlaceBooking { client_id, notes: request.notes.clone(), ..plain }
}
