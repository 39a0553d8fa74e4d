//! Errors on their way out. A [`Problem`] knows its status, code and message; the edge renders it in
//! the caller's language with the request's trace id, and logs its cause once.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use contracts::problem::{
    Alternative, Conflict, ErrorBody, FieldFault, RefusalExplained, RefusedOccurrence, UnmetItem,
};
use contracts::text::{Language, Text};
use http::StatusCode;
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use sea_orm::DbErr;
use uuid::Uuid;

use crate::db::{Fault, classify};

/// The result of a handler.
pub type Outcome<T> = Result<T, Problem>;

/// A refusal or a failure, in the contract's shape.
#[derive(Debug, Clone)]
pub struct Problem(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    text: Text,
    fields: Vec<FieldFault>,
    conflicts: Vec<Conflict>,
    booking_id: Option<Uuid>,
    retry_at: Option<DateTime<Utc>>,
    remaining: Option<u32>,
    limit: Option<u32>,
    retry_after: Option<u64>,
    occurrences: Vec<RefusedAt>,
    items: Vec<UnmetItem>,
    explained: Option<RefusalExplained>,
    cause: Option<String>,
}

/// One of several bookings that are refused together.
#[derive(Debug, Clone)]
pub struct RefusedAt {
    /// When it would start, or starts.
    pub start_time: DateTime<Utc>,
    /// The booking, if it is made already.
    pub booking_id: Option<Uuid>,
    /// What it is of, where that has to be told.
    pub resource_id: Option<Uuid>,
    /// Why.
    pub problem: Problem,
}

impl RefusedAt {
    /// As it is told in a language.
    pub fn told(&self, language: Language) -> RefusedOccurrence {
        let why = &self.problem.0;
        RefusedOccurrence {
            start_time: self.start_time,
            booking_id: self.booking_id,
            resource_id: self.resource_id,
            code: why.code.to_owned(),
            message: why.text.render(language),
            conflicts: why.conflicts.clone(),
            explanation: why.explained.as_ref().map(|why| why.explanation.clone()),
            alternatives: why.explained.as_ref().map(|why| why.alternatives.clone()),
        }
    }
}

/// What lies behind a failure of ours, for the log.
pub struct Cause(String);

impl<T: ToString> From<T> for Cause {
    fn from(cause: T) -> Self {
        Self(cause.to_string())
    }
}

impl Problem {
    /// A problem with a stable code and a message.
    pub fn new(status: StatusCode, code: &'static str, text: Text) -> Self {
        Self(Arc::new(Inner {
            status,
            code,
            text,
            fields: Vec::new(),
            conflicts: Vec::new(),
            booking_id: None,
            retry_at: None,
            remaining: None,
            limit: None,
            retry_after: None,
            occurrences: Vec::new(),
            items: Vec::new(),
            explained: None,
            cause: None,
        }))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// 400: a rule is broken.
    pub fn rule(code: &'static str, text: Text) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, text)
    }

    /// 400: a rule is broken whose value is `limit`.
    pub fn rule_of(code: &'static str, text: Text, limit: u32) -> Self {
        Self::rule(code, text).with(|inner| inner.limit = Some(limit))
    }

    /// The same, for several bookings at once: each that is refused, and everything in their way.
    #[must_use]
    pub fn listing(self, occurrences: Vec<RefusedAt>) -> Self {
        let mut conflicts: Vec<Conflict> = Vec::new();
        for refused in &occurrences {
            conflicts.extend(refused.problem.0.conflicts.iter().cloned());
        }
        conflicts.sort_by_key(|conflict| (conflict.start_time, conflict.booking_id));
        conflicts.dedup_by_key(|conflict| conflict.booking_id);
        self.with(|inner| {
            inner.conflicts = conflicts;
            inner.occurrences = occurrences;
        })
    }

    /// The same, for a group: the items that cannot be met.
    #[must_use]
    pub fn unmet(self, items: Vec<UnmetItem>) -> Self {
        self.with(|inner| inner.items = items)
    }

    /// The same, with why and what could be had instead.
    #[must_use]
    pub fn explained(self, why: RefusalExplained) -> Self {
        self.with(|inner| inner.explained = Some(why))
    }

    /// The same, if it is explained, with other times that could be had instead.
    #[must_use]
    pub fn instead(self, alternatives: Vec<Alternative>) -> Self {
        self.with(|inner| {
            if let Some(explained) = &mut inner.explained {
                explained.alternatives = alternatives;
            }
        })
    }

    /// 401: no, bad or expired token.
    pub fn unauthorized(text: Text) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", text)
    }

    /// 403: known caller, not allowed.
    pub fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", Text::new(message))
    }

    /// 403 for a caller who lacks a permission.
    pub fn not_allowed() -> Self {
        Self::forbidden("Você não tem permissão para esta operação.")
    }

    /// 403 for a request that names another tenant.
    pub fn other_tenant() -> Self {
        Self::forbidden("A requisição se refere a outro tenant.")
    }

    /// 404: no such object in the caller's tenant.
    pub fn not_found(message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", Text::new(message))
    }

    /// 409: the interval is taken by these bookings.
    pub fn taken(conflicts: Vec<Conflict>) -> Self {
        let text = Text::new("Recurso já possui reserva neste intervalo");
        Self::new(StatusCode::CONFLICT, "conflict", text).with(|inner| inner.conflicts = conflicts)
    }

    /// 409: nothing but holds is in the way; the first of them expires at `retry_at`.
    pub fn held(conflicts: Vec<Conflict>, retry_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let text = Text::new("Horário retido temporariamente por outra pessoa.");
        Self::new(StatusCode::CONFLICT, "held", text).with(|inner| {
            inner.conflicts = conflicts;
            inner.retry_at = Some(retry_at);
            inner.retry_after = Some(seconds_until(retry_at, now));
        })
    }

    /// 429: as many of something are there as may be; the first of them goes at `retry_at`.
    pub fn too_many(
        code: &'static str,
        text: Text,
        most: u32,
        retry_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, text).with(|inner| {
            inner.limit = Some(most);
            inner.retry_at = Some(retry_at);
            inner.retry_after = Some(seconds_until(retry_at, now));
        })
    }

    /// 409: a shared resource has fewer places left than wanted.
    pub fn full(conflicts: Vec<Conflict>, remaining: u32) -> Self {
        let template = "Capacidade insuficiente neste horário: vagas restantes: {n}.";
        let text = Text::with(template, i64::from(remaining));
        Self::new(StatusCode::CONFLICT, "capacity_exceeded", text).with(|inner| {
            inner.conflicts = conflicts;
            inner.remaining = Some(remaining);
        })
    }

    /// 409 for any other clash.
    pub fn conflict(message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", Text::new(message))
    }

    /// 409 for a clash with a code of its own.
    pub fn conflict_of(code: &'static str, text: Text) -> Self {
        Self::new(StatusCode::CONFLICT, code, text)
    }

    /// The same, with the bookings in the way.
    #[must_use]
    pub fn conflicting(self, conflicts: Vec<Conflict>) -> Self {
        self.with(|inner| inner.conflicts = conflicts)
    }

    /// The same, with the value that applies.
    #[must_use]
    pub fn limited(self, limit: u32) -> Self {
        self.with(|inner| inner.limit = Some(limit))
    }

    /// 412: `If-Match` names another version.
    pub fn precondition_failed() -> Self {
        let text = Text::new("A reserva foi alterada por outra requisição.");
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", text)
    }

    /// 422: every bad field of the request.
    pub fn validation(fields: Vec<FieldFault>) -> Self {
        let text = Text::new("Dados inválidos na requisição.");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", text)
            .with(|inner| inner.fields = fields)
    }

    /// 422 for one field.
    pub fn field(path: &str, code: &str, message: &str) -> Self {
        Self::validation(vec![FieldFault::new(path, code, message)])
    }

    /// 405: the route is there, the method is not.
    pub fn method_not_allowed() -> Self {
        let text = Text::new("Método não permitido para esta rota.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
    }

    /// 429: too many requests; the next may come after `wait`.
    pub fn rate_limited(wait: Duration) -> Self {
        let text = Text::new("Muitas requisições. Tente novamente em instantes.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", text).retry_after(wait)
    }

    /// The same, with a `Retry-After` of whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with(|inner| inner.retry_after = Some(seconds.max(1)))
    }

    /// 503: something needed to answer correctly is unreachable; nothing was written.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        let Cause(cause) = cause.into();
        let text = Text::new("Serviço temporariamente indisponível. Tente novamente.");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text);
        problem.with(|inner| inner.cause = Some(cause))
    }

    /// 503: a tenant whose settings were never seen and cannot be asked for.
    pub fn settings_unavailable(cause: impl Into<Cause>) -> Self {
        let Cause(cause) = cause.into();
        let text = Text::new("Configurações do tenant indisponíveis. Tente novamente.");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "settings_unavailable", text);
        problem.with(|inner| inner.cause = Some(cause))
    }

    /// 503: the database was lost while it made this booking, which may or may not be there.
    pub fn outcome_unknown(booking: Uuid, cause: impl Into<Cause>) -> Self {
        let Cause(cause) = cause.into();
        let text =
            Text::new("Não se sabe se a reserva foi gravada. Consulte-a antes de tentar de novo.");
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", text);
        problem.with(|inner| {
            inner.booking_id = Some(booking);
            inner.cause = Some(cause);
        })
    }

    /// 500: ours. The cause is logged and never leaves.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let Cause(cause) = cause.into();
        let problem =
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", Text::new("Erro interno."));
        problem.with(|inner| inner.cause = Some(cause))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What to log, for failures of ours.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The answer's body.
    pub fn body(&self, trace_id: &str, language: Language) -> ErrorBody {
        ErrorBody {
            success: false,
            error: self.0.code.to_owned(),
            message: self.0.text.render(language),
            trace_id: trace_id.to_owned(),
            fields: self.0.fields.clone(),
            conflicts: self.0.conflicts.clone(),
            retry_at: self.0.retry_at,
            remaining: self.0.remaining,
            limit: self.0.limit,
            booking_id: self.0.booking_id,
            occurrences: self.0.occurrences.iter().map(|it| it.told(language)).collect(),
            items: self.0.items.clone(),
            explanation: self.0.explained.as_ref().map(|why| why.explanation.clone()),
            alternatives: self.0.explained.as_ref().map(|why| why.alternatives.clone()),
        }
    }

    /// The whole answer.
    pub(super) fn render(&self, trace_id: &str, language: Language) -> Response {
        let language = if self.0.text.is_translated() { language } else { Language::Portuguese };
        let body = serde_json::to_vec(&self.body(trace_id, language)).unwrap_or_default();
        let mut response = Response::new(axum::body::Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LANGUAGE, http::HeaderValue::from_static(language.tag()));
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
        }
        let usual = self.0.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.0.retry_after.or(usual.then_some(2)) {
            headers.insert(RETRY_AFTER, http::HeaderValue::from(seconds));
        }
        response
    }
}

/// For `Retry-After`: whole seconds after which the moment is over, at least one.
fn seconds_until(moment: DateTime<Utc>, now: DateTime<Utc>) -> u64 {
    (moment - now).num_seconds().max(0).unsigned_abs() + 1
}

/// Leaves the rendering to the edge, which knows the trace id and the language.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        match classify(&error) {
            Fault::Unavailable | Fault::Retryable => Self::unavailable(error),
            Fault::Overlap | Fault::Unique(_) | Fault::ForeignKey | Fault::Other => {
                Self::internal(error)
            }
        }
    }
}
