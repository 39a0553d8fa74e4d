//! What the two lists have in common.

use common::http::{Outcome, PageQuery, Problem};

use crate::store::SortKey;

/// The place after which the page starts. A cursor is the client's word: Postgres refuses U+0000.
pub(super) fn place(page: &PageQuery) -> Outcome<Option<SortKey>> {
    let place: Option<SortKey> = page.after()?;
    if place.as_ref().is_some_and(|key| key.name.contains('\0')) {
        return Err(Problem::field("cursor", "format", "Cursor inválido."));
    }
    Ok(place)
}
