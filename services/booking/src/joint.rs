//! Why bookings that are made or changed together are not.

use std::mem::{discriminant, replace};

use chrono::{DateTime, Utc};
use common::http::{Problem, RefusedAt};
use contracts::problem::{Alternative, RefusalExplained, UnmetItem};
use contracts::resource::ExplanationView;
use contracts::text::Text;
use http::StatusCode;
use scheduling::{Layer, Span};
use thiserror::Error as ThisError;
use uuid::Uuid;

use crate::error::Error;

/// Every way bookings can fail that only happens to several at once.
#[derive(Debug, ThisError)]
pub(crate) enum Joint {
    #[error("no such series")]
    NoSeries,
    #[error("no such group")]
    NoGroup,
    #[error("no such category")]
    NoCategory,
    #[error("the booking is of no series")]
    NotInSeries,
    #[error("the rule names no occurrence")]
    Empty,
    #[error("two of the bookings wanted overlap")]
    Overlap,
    #[error("the occurrence is over or not active")]
    Over,
    #[error("a booking came between")]
    CameBetween,
    #[error("{} of the bookings are refused", .0.len())]
    Refused(Vec<RefusedOne>),
    #[error("{} items cannot be met", .items.len())]
    Unmet {
        items: Vec<UnmetItem>,
        refused: Vec<RefusedOne>,
        /// When all of it could be had.
        near: Vec<Alternative>,
    },
}

/// One of several bookings that is refused.
#[derive(Debug)]
pub(crate) struct RefusedOne {
    pub(crate) start: DateTime<Utc>,
    /// The booking, if it is made already.
    pub(crate) booking: Option<Uuid>,
    /// What it is of, where that has to be told.
    pub(crate) resource: Option<Uuid>,
    /// What was wanted, if something was.
    pub(crate) asked: Option<Spot>,
    pub(crate) why: Error,
}

impl RefusedOne {
    /// Takes over the explanation of the same refusal.
    pub(crate) fn explain_like(&mut self, known: &[Self]) {
        let same = |it: &&Self| it.start == self.start && it.booking == self.booking;
        let Some(Error::Explained(was, explained)) = known.iter().find(same).map(|it| &it.why)
        else {
            return;
        };
        if discriminant(&**was) == discriminant(&self.why) {
            let why = replace(&mut self.why, Error::Contended);
            self.why = Error::Explained(Box::new(why), explained.clone());
        }
    }
}

/// A time of a tenant's resource, and how many of its places.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) tenant: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) span: Span,
    pub(crate) quantity: u32,
}

impl From<RefusedOne> for RefusedAt {
    fn from(refused: RefusedOne) -> Self {
        Self {
            start_time: refused.start,
            booking_id: refused.booking,
            resource_id: refused.resource,
            problem: refused.why.into(),
        }
    }
}

/// Which of several refusals is told as that of the whole: a broken rule before a conflict, a booking in
/// the way before too few places, and that before a hold; of these the one that ends last.
fn rank(refused: &RefusedOne) -> (u8, DateTime<Utc>) {
    let whenever = DateTime::<Utc>::MIN_UTC;
    let why = refused.why.plain();
    if let Error::Held { retry_at, now, .. } = why {
        return (3, *now - (*retry_at - *now));
    }
    let taken = matches!(why, Error::Taken(_));
    let full = matches!(why, Error::Full { .. });
    let rank = if taken {
        1
    } else if full {
        2
    } else {
        0
    };
    (rank, whenever)
}

/// The refusal of all, with each of them listed.
fn listed(mut refused: Vec<RefusedOne>) -> Problem {
    refused.sort_by_key(|one| one.start);
    let first = (0..refused.len()).min_by_key(|at| (rank(&refused[*at]), *at)).unwrap_or(0);
    let all: Vec<RefusedAt> = refused.into_iter().map(RefusedAt::from).collect();
    let whole = all.get(first).map(|one| one.problem.clone());
    whole.map_or_else(|| Problem::unavailable("contended"), |whole| whole.listing(all))
}

impl From<Joint> for Problem {
    fn from(joint: Joint) -> Self {
        let rule = |code, template| Self::rule(code, Text::new(template));
        match joint {
            Joint::NoSeries => Self::not_found("Série não encontrada"),
            Joint::NoGroup => Self::not_found("Grupo não encontrado"),
            Joint::NoCategory => Self::not_found("Categoria não encontrada"),
            Joint::NotInSeries => rule("not_in_series", "A reserva não pertence a uma série."),
            Joint::Empty => rule("empty_series", "A regra não gera nenhuma ocorrência."),
            Joint::Overlap => {
                rule("overlaps_itself", "Ocorrência sobrepõe outra da mesma requisição.")
            }
            Joint::Over => rule("occurrence_over", "A ocorrência já passou ou não está ativa."),
            Joint::CameBetween => Self::unavailable("contended"),
            Joint::Refused(refused) => listed(refused),
            Joint::Unmet { items, refused, near } if refused.is_empty() => {
                let text = Text::new("Não há recursos livres suficientes neste horário.");
                let code = "insufficient_resources";
                let explanation = ExplanationView::plain(Layer::Busy, code);
                let why = RefusalExplained { explanation, alternatives: near };
                Self::new(StatusCode::CONFLICT, code, text).unmet(items).explained(why)
            }
            Joint::Unmet { items, refused, near } => listed(refused).unmet(items).instead(near),
        }
    }
}

impl Joint {
    /// Whether it may be otherwise when everything is looked at again.
    pub(crate) fn came_between(error: &Error) -> bool {
        matches!(error, Error::Joint(Self::CameBetween))
    }
}

impl Error {
    /// The same refusal, with why and what could be had instead.
    pub(crate) fn explained_as(
        self,
        explanation: ExplanationView,
        alternatives: Vec<Alternative>,
    ) -> Self {
        let why = RefusalExplained { explanation, alternatives };
        Self::Explained(Box::new(self), Box::new(why))
    }

    /// The refusal itself, without its explanation.
    fn plain(&self) -> &Self {
        if let Self::Explained(error, _) = self { error.plain() } else { self }
    }

    /// The limit that it is about.
    pub(crate) fn limit(&self) -> Option<scheduling::Limit> {
        if let Self::LimitExceeded(limit) = self { Some(*limit) } else { None }
    }
}
