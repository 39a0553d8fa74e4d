//! `GET /internal/v1/personal-data/{user_id}`: what a service holds about a person. Every service has
//! to say so to be put together at all, so that none is forgotten in an export.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use contracts::form::{Decode, Form, from_text, text, uuid};
use contracts::personal::{MOST, PersonalPage};
use uuid::Uuid;

use super::extract::{Id, Params};
use super::problem::Outcome;

/// What is asked about whom.
#[derive(Debug, Clone)]
pub struct PersonalQuery {
    /// The user's tenant.
    pub tenant: Uuid,
    /// The user.
    pub user: Uuid,
    /// The page before said to go on here.
    pub cursor: Option<String>,
    /// Rows wanted.
    pub limit: u64,
}

/// Tells what a service holds about a user.
#[async_trait]
pub trait PersonalData: Send + Sync {
    /// A page of it.
    async fn personal_data(&self, query: &PersonalQuery) -> Outcome<PersonalPage>;
}

/// Of a service that holds nothing about users.
pub struct NothingPersonal;

#[async_trait]
impl PersonalData for NothingPersonal {
    async fn personal_data(&self, _: &PersonalQuery) -> Outcome<PersonalPage> {
        Ok(PersonalPage::default())
    }
}

struct Asked {
    tenant: Uuid,
    cursor: Option<String>,
    limit: u64,
}

impl Decode for Asked {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant = form.required("tenant_id", uuid);
        let cursor = form.optional("cursor", text(1, 2_048));
        let most = MOST.cast_signed();
        let limit = form.or("limit", most, from_text::integer(1, most));
        Some(Self { tenant: tenant?, cursor: cursor?, limit: u64::try_from(limit?).ok()? })
    }
}

/// The route, answered by `holder`.
pub(super) fn routes(holder: Arc<dyn PersonalData>) -> Router {
    Router::new().route("/internal/v1/personal-data/{id}", get(page)).with_state(holder)
}

async fn page(
    State(holder): State<Arc<dyn PersonalData>>,
    Id(user): Id,
    Params(asked): Params<Asked>,
) -> Outcome<Json<PersonalPage>> {
    let Asked { tenant, cursor, limit } = asked;
    let query = PersonalQuery { tenant, user, cursor, limit };
    Ok(Json(holder.personal_data(&query).await?))
}
