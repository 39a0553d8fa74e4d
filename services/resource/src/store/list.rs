//! What both lists share: by name, a page at a time, within a scope.

use common::auth::Scope;
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Condition, ExprTrait as _, SimpleExpr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The place of a row in a list: by name, then by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SortKey {
    pub(crate) name: String,
    pub(crate) id: Uuid,
}

/// Rows of the scope.
pub(super) fn scoped(tenant: impl ColumnTrait, scope: Scope) -> Condition {
    match scope {
        Scope::All => Condition::all(),
        Scope::Tenant(id) => Condition::all().add(tenant.eq(id)),
    }
}

/// Rows after a place in the list.
pub(super) fn after(name: impl ColumnTrait, id: impl ColumnTrait, key: &SortKey) -> SimpleExpr {
    let beyond = name.gt(key.name.as_str());
    beyond.or(name.eq(key.name.as_str()).and(id.gt(key.id)))
}
