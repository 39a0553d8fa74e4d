//! When a group that is refused could be met instead.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::group::PlaceGroup;
use contracts::problem::Alternative;
use contracts::resource::ExplanationView;
use scheduling::{Layer, Load, Refusal, Request, Span};
use uuid::Uuid;

use super::{Asked, by_need};
use crate::app::explain::{ALTERNATIVES, REACH};
use crate::app::{Bookings, Offer};
use crate::error::Error;
use crate::joint::Joint;

/// The most resources that are looked through; among more no alternatives are looked for.
const MOST_RESOURCES: usize = 50;
/// The most times of a resource that are put together with those of the others: two weeks of hours, or a
/// day of five minutes.
const MOST_TIMES: usize = 250;

/// What a group was refused for, as long as another time could help.
struct Wish<'a> {
    request: &'a PlaceGroup,
    /// For each item, in the order in which they choose, what it may be met by and how many it takes.
    items: Vec<(BTreeSet<Uuid>, usize)>,
    offers: BTreeMap<Uuid, Offer>,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl Bookings {
    /// The refusal of a group with the layer and the rule that refuse it, and the nearest times at which
    /// all of it could be had.
    pub(super) async fn explained_group(&self, request: &PlaceGroup, error: Error) -> Error {
        // Another time near it does not help who has as many bookings as he may.
        if error.limit().is_some() {
            let explanation = ExplanationView::plain(Layer::Policy, "limit_exceeded");
            return error.explained_as(explanation, Vec::new());
        }
        let refusal =
            if let Error::Refused(refusal) = &error { Some(refusal.clone()) } else { None };
        if refusal.is_none() && !matches!(error, Error::Joint(Joint::Unmet { .. })) {
            return error;
        }
        let error = self.explained_all(error).await;
        // What cannot be found out now is not told; the refusal stands without it.
        let Ok(Some(wish)) = self.group_wish(request).await else { return error };
        let Ok(near) = self.near_group(&wish).await else { return error };
        if let Error::Joint(Joint::Unmet { items, refused, .. }) = error {
            return Joint::Unmet { items, refused, near }.into();
        }
        match refusal.and_then(|refusal| wish.explanation(self, &refusal)) {
            Some(explanation) => error.explained_as(explanation, near),
            None => error,
        }
    }

    async fn group_wish<'a>(&self, request: &'a PlaceGroup) -> Result<Option<Wish<'a>>, Error> {
        let rules = self.rules(request.tenant_id).await?;
        let mut asked = Vec::new();
        let mut offers = BTreeMap::new();
        for (item, number) in request.items.iter().zip(0..) {
            let found = self.resources_for(request.tenant_id, item).await?;
            let ids: BTreeSet<Uuid> = found.iter().map(|it| it.id).collect();
            offers.extend(found.iter().map(|it| (it.id, Offer::new(&rules, it))));
            asked.push((Asked { item, number, candidates: Vec::new() }, ids));
        }
        asked.sort_by_key(|(it, _)| by_need(it));
        let count = |it: &Asked<'_>| usize::try_from(it.item.count).unwrap_or(usize::MAX);
        let items = asked.into_iter().map(|(it, ids)| (ids, count(&it))).collect();
        let zone = &rules.rules.zone;
        let times = (request.start_time.resolve(zone), request.end_time.resolve(zone));
        let (Ok(start), Ok(end)) = times else { return Ok(None) };
        Ok(Some(Wish { request, items, offers, start, end }))
    }

    /// The times nearest to the wish at which every item can be met.
    async fn near_group(&self, wish: &Wish<'_>) -> Result<Vec<Alternative>, Error> {
        let resources: Vec<Uuid> = wish.offers.keys().copied().collect();
        let zone = wish.offers.values().next().map(|offer| offer.rules.rules.zone.clone());
        let Some(zone) = zone.filter(|_| resources.len() <= MOST_RESOURCES) else {
            return Ok(Vec::new());
        };
        let tenant = wish.request.tenant_id;
        let Some(mut loads) = self.loads_around(tenant, resources, wish.start, None).await? else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        let asked = Request { start: wish.start, end: wish.end, quantity: wish.request.quantity };
        let mut free: BTreeMap<_, (Span, BTreeSet<Uuid>)> = BTreeMap::new();
        for (id, offer) in &wish.offers {
            let load = loads.remove(id).unwrap_or_default();
            for span in offer.calendar().nearest(&load, asked, now, REACH, MOST_TIMES) {
                let at = free.entry((span.start(), span.end())).or_insert((span, BTreeSet::new()));
                at.1.insert(*id);
            }
        }
        let mut met: Vec<Span> = free
            .into_values()
            .filter(|(_, free)| wish.is_met(free))
            .map(|(span, _)| span)
            .collect();
        met.sort_unstable_by_key(|span| ((span.start() - wish.start).abs(), span.start()));
        let near = met.into_iter().take(ALTERNATIVES);
        Ok(near.map(|span| Alternative::new(span, &zone)).collect())
    }
}

impl Wish<'_> {
    /// Whether these resources meet every item, each chosen as it is for a booking.
    fn is_met(&self, free: &BTreeSet<Uuid>) -> bool {
        let mut left = free.clone();
        self.items.iter().all(|(ids, count)| {
            let chosen: Vec<Uuid> = left.intersection(ids).take(*count).copied().collect();
            for id in &chosen {
                left.remove(id);
            }
            chosen.len() == *count
        })
    }

    /// What the first resource that refuses it so says.
    fn explanation(&self, bookings: &Bookings, refusal: &Refusal) -> Option<ExplanationView> {
        let span = Span::new(self.start, self.end)?;
        let says = |offer: &&Offer| match bookings.propose(offer, span) {
            Ok(candidate) => candidate.off_grid.as_ref() == Some(refusal),
            Err(why) => why == *refusal,
        };
        let offer = self.offers.values().find(says)?;
        let asked = Request { start: self.start, end: self.end, quantity: self.request.quantity };
        let explanation = offer.calendar().explain(&Load::default(), asked, refusal);
        Some(ExplanationView::new(explanation, &offer.rules.rules.zone))
    }
}
