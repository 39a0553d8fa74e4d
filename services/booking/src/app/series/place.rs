//! Making a series: every occurrence a booking, in one transaction.

use common::auth::{Caller, Scope};
use common::db::{Answer, Fault, Once, Tx, classify};
use contracts::booking::PlaceBooking;
use contracts::resource::ResourceStatus;
use contracts::series::{SeriesMode, SeriesRule, ShiftedOccurrence, missing};
use scheduling::Occurrence;
use sea_orm::DbErr;

use super::expand::{Expanded, expand};
use super::{ATTEMPTS, SeriesOutcome};
use crate::app::judge::{Judged, Proposal};
use crate::app::place::{authorize, confirmation_code, first_status};
use crate::app::{Bookings, Offer};
use crate::error::Error;
use crate::joint::{Joint, RefusedOne, Spot};
use crate::store::{Booking, BookingSeries, Gone, Inserted};

/// How what became of a series is told.
pub(crate) type Told<'a> = dyn Fn(SeriesOutcome) -> Result<Answer, DbErr> + Send + Sync + 'a;

/// A series before it is known what of it is free.
struct Draft {
    series: BookingSeries,
    mode: SeriesMode,
    offer: Offer,
    expanded: Expanded,
    proposals: Vec<Proposal>,
}

impl Bookings {
    /// Makes the bookings of a series once, or says which of them cannot be.
    pub(crate) async fn place_series(
        &self,
        caller: &Caller,
        once: &Once,
        asked: (&PlaceBooking, &SeriesRule, SeriesMode),
        told: &Told<'_>,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        authorize(caller, asked.0)?;
        let tenant = asked.0.tenant_id;
        let own = Scope::Tenant(tenant);
        let rest = async {
            let draft = self.drafted(asked).await?;
            match draft.mode {
                SeriesMode::Preview => {
                    let conn = self.store.database().read(own);
                    let mut judged = self.judge(&conn, tenant, &draft.proposals).await?;
                    judged.refused = self.explained_each(judged.refused).await;
                    Ok(told(draft.outcome(judged))?)
                }
                SeriesMode::Fail | SeriesMode::Skip => {
                    match self.store_series(&draft, once, told, trace_id).await {
                        Err(error) => Err(self.explained_all(error).await),
                        stored => stored,
                    }
                }
            }
        };
        once.unless_done(self.store.database(), own, Box::pin(rest)).await
    }

    /// Every occurrence, judged by the rules alone.
    async fn drafted(
        &self,
        (request, rule, mode): (&PlaceBooking, &SeriesRule, SeriesMode),
    ) -> Result<Draft, Error> {
        let (resource, rules) = self.subject(request).await?;
        if resource.status != ResourceStatus::Disponivel {
            return Err(Error::ResourceUnavailable);
        }
        let expanded = expand(request, rule, &rules, self.clock.now())?;
        Ok(self.draft((request, rule, mode), Offer::new(&rules, &resource), expanded))
    }

    fn draft(
        &self,
        (request, rule, mode): (&PlaceBooking, &SeriesRule, SeriesMode),
        offer: Offer,
        expanded: Expanded,
    ) -> Draft {
        let now = self.clock.now();
        let series = BookingSeries {
            id: self.ids.next(),
            tenant_id: request.tenant_id,
            user_id: request.user_id,
            resource_id: request.resource_id,
            rule: serde_json::to_string(rule).unwrap_or_default(),
            wall_start: expanded.wall.to_string(),
            zone: offer.rules.rules.zone.name().to_owned(),
            duration_seconds: expanded.duration.num_seconds().max(1),
            split_from: None,
            ends_before: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let occurrences = expanded.expansion.occurrences.iter();
        let proposals =
            occurrences.map(|it| self.occurrence(request, &series, &offer, it)).collect();
        Draft { series, mode, offer, expanded, proposals }
    }

    /// The booking of an occurrence, if the rules allow it.
    fn occurrence(
        &self,
        request: &PlaceBooking,
        series: &BookingSeries,
        offer: &Offer,
        occurrence: &Occurrence,
    ) -> Proposal {
        let wish = self.propose(offer, occurrence.span).map(|candidate| {
            let status = request.status.unwrap_or_else(|| first_status(offer));
            let mut booking = self.new_booking(request, &candidate, status);
            booking.series_id = Some(series.id);
            booking.series_index = i32::try_from(occurrence.index).ok();
            booking.original_start_time = Some(occurrence.span.start());
            // Where the clock skips it, the rule's: a move starts from there.
            booking.wall_start = occurrence.wall.to_string();
            (booking, candidate)
        });
        let (tenant, resource) = (series.tenant_id, series.resource_id);
        let (span, quantity) = (occurrence.span, request.quantity);
        let asked = Some(Spot { tenant, resource, span, quantity });
        Proposal { start: span.start(), known: None, resource: None, asked, wish }
    }

    async fn store_series(
        &self,
        draft: &Draft,
        once: &Once,
        told: &Told<'_>,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        // A hot slot's losers are told without a lock: those who wait for one hold a connection each.
        let tenant = draft.series.tenant_id;
        let conn = self.store.database().read(Scope::Tenant(tenant));
        let seen = self.judge(&conn, tenant, &draft.proposals).await?;
        if !seen.may_be(draft.mode) {
            return Err(Joint::Refused(seen.refused).into());
        }
        // Found out before the lock, for what is told under it.
        let known = &self.explained_each(seen.refused).await;
        for _ in 0..ATTEMPTS {
            match self.try_series((draft, known), once, told, trace_id).await {
                Ok(answer) => {
                    self.relay.wake();
                    return Ok(answer);
                }
                Err(error) if came_between(&error) => {}
                Err(error) => {
                    let first = draft.proposals.iter().find_map(|it| it.wish.as_ref().ok());
                    let id = first.map_or(draft.series.id, |(booking, _)| booking.id);
                    return Err(error.of_write(id));
                }
            }
        }
        Err(Error::Contended)
    }

    /// One transaction: everything that may be made of the series, or nothing.
    async fn try_series(
        &self,
        (draft, known): (&Draft, &[RefusedOne]),
        once: &Once,
        told: &Told<'_>,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let BookingSeries { tenant_id: tenant, resource_id: resource, user_id: user, .. } =
            draft.series;
        let (database, own) = (self.store.database(), Scope::Tenant(tenant));
        let _turn = self.gate.turn(resource).await?;
        let stored = once.run(database, own, |tx: Tx| async move {
            let tx = &*tx;
            let mut locks = vec![resource];
            if !draft.offer.asked.limits.is_empty() {
                locks.push(user);
            }
            self.store.lock_resources(tx, tenant, &mut locks).await?;
            self.bury(tx, &[resource], trace_id).await?;
            if let Some(gone) = Gone::any(tx, &[tenant, resource, user]).await? {
                return Err(gone.into());
            }
            let mut judged = self.judge(tx, tenant, &draft.proposals).await?;
            if !judged.may_be(draft.mode) {
                return Err(Joint::Refused(judged.refused).into());
            }
            coded(&mut judged.accepted);
            for one in &mut judged.refused {
                one.explain_like(known);
            }
            self.store.add_series(tx, &draft.series).await?;
            match self.store.enter_all(tx, &judged.accepted, trace_id).await? {
                Inserted::Stored => Ok::<_, Error>((told(draft.outcome(judged))?, ())),
                Inserted::Refused => Err(Joint::CameBetween.into()),
            }
        });
        let (answer, _) = Box::pin(stored).await?;
        Ok(answer)
    }
}

impl Draft {
    fn outcome(&self, judged: Judged) -> SeriesOutcome {
        let expansion = &self.expanded.expansion;
        SeriesOutcome {
            id: self.series.id,
            mode: self.mode,
            bookings: judged.accepted,
            refused: judged.refused,
            shifted: expansion.occurrences.iter().filter_map(ShiftedOccurrence::of).collect(),
            missing: missing(&expansion.missing),
            ended: expansion.end.into(),
        }
    }
}

impl Judged {
    /// Whether a series is made of it: all of its bookings, or with `skip` at least one.
    fn may_be(&self, mode: SeriesMode) -> bool {
        let some = mode != SeriesMode::Fail && !self.accepted.is_empty();
        self.refused.is_empty() || some
    }
}

/// Gives each a confirmation code of its own.
pub(in crate::app) fn coded(bookings: &mut [Booking]) {
    for booking in bookings {
        booking.confirmation_code = confirmation_code();
    }
}

/// Whether another booking came between the look and the write; or a twin of a confirmation code.
pub(in crate::app) fn came_between(error: &Error) -> bool {
    if let Error::Database(cause) = error {
        return match classify(cause) {
            Fault::Overlap | Fault::Unique(_) => true,
            Fault::ForeignKey | Fault::Unavailable | Fault::Retryable | Fault::Other => false,
        };
    }
    Joint::came_between(error)
}
