//! Why a link is not made or does nothing.

use common::http::{Problem, StatusCode};
use contracts::text::Text;
use thiserror::Error;

use super::LONGEST_DAYS;

/// Every way in which it is for the link's own sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum LinkRefusal {
    #[error("no such link")]
    Unknown,
    #[error("the link has ended")]
    Expired,
    #[error("the link does not allow this")]
    Forbidden,
    #[error("a link ends in the future, and not too far in it")]
    End,
    #[error("{most} links to a booking are enough")]
    TooMany { most: u32 },
    #[error("only an active booking can be moved by a link")]
    NotMovable,
}

impl From<LinkRefusal> for Problem {
    fn from(refusal: LinkRefusal) -> Self {
        match refusal {
            LinkRefusal::Unknown => Self::not_found("Link não encontrado"),
            LinkRefusal::Expired => {
                Self::new(StatusCode::GONE, "link_expired", Text::new("O link expirou."))
            }
            LinkRefusal::Forbidden => {
                let text = Text::new("Este link não permite esta ação.");
                Self::new(StatusCode::FORBIDDEN, "link_forbids", text)
            }
            LinkRefusal::End => {
                let most = format!("Deve estar no futuro, no máximo {LONGEST_DAYS} dias à frente.");
                Self::field("expires_at", "range", &most)
            }
            LinkRefusal::TooMany { most } => {
                let text = Text::with("A reserva já tem {n} links ativos.", i64::from(most));
                Self::conflict_of("too_many_links", text).limited(most)
            }
            LinkRefusal::NotMovable => {
                let template = "Somente reservas pendentes ou confirmadas podem ser movidas.";
                Self::rule("not_active", Text::new(template))
            }
        }
    }
}
