//! Why bookings that are made or changed together are not.

use chrono::{DateTime, Utc};
use common::http::{Problem, RefusedAt};
use contracts::problem::UnmetItem;
use contracts::text::Text;
use http::StatusCode;
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
    Unmet { items: Vec<UnmetItem>, refused: Vec<RefusedOne> },
}

/// One of several bookings that is refused.
#[derive(Debug)]
pub(crate) struct RefusedOne {
    pub(crate) start: DateTime<Utc>,
    /// The booking, if it is made already.
    pub(crate) booking: Option<Uuid>,
    /// What it is of, where that has to be told.
    pub(crate) resource: Option<Uuid>,
    pub(crate) why: Error,
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
    if let Error::Held { retry_at, now, .. } = &refused.why {
        return (3, *now - (*retry_at - *now));
    }
    let taken = matches!(refused.why, Error::Taken(_));
    let full = matches!(refused.why, Error::Full { .. });
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
            Joint::Unmet { items, refused } if refused.is_empty() => {
                let text = Text::new("Não há recursos livres suficientes neste horário.");
                Self::new(StatusCode::CONFLICT, "insufficient_resources", text).unmet(items)
            }
            Joint::Unmet { items, refused } => listed(refused).unmet(items),
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
    /// The limit that it is about.
    pub(crate) fn limit(&self) -> Option<scheduling::Limit> {
        if let Self::LimitExceeded(limit) = self { Some(*limit) } else { None }
    }
}
