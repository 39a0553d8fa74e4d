//! Typed clients of the internal routes. How a call travels (HTTP or the neighbour's router in the
//! same process) is the [`Transport`]'s business.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;
use thiserror::Error;
use uuid::Uuid;

use crate::Service;
use crate::event::Envelope;
use crate::facts::{
    ApiKeyFacts, BookingsBatch, CapacityInTheWay, CapacityLowering, CategoryFacts, OccupancyBatch,
    OccupancyView, ResourceFacts, SessionFacts, TenantFacts, TenantRef, UserFacts,
};
use crate::personal::PersonalPage;
use crate::problem::Conflict;

/// The neighbour's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, bounded by the transport.
    pub body: Bytes,
}

/// The neighbour could not be asked, or did not answer in time.
#[derive(Debug, Clone, Error)]
#[error("{service} service unreachable: {reason}")]
pub struct Unreachable {
    /// Which neighbour.
    pub service: &'static str,
    /// What the transport said.
    pub reason: String,
}

/// How a question reaches a neighbour. Implementations bound the time and the size of the answer.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Asks `service` for `path_and_query`.
    async fn get(&self, service: Service, path_and_query: &str) -> Result<Answer, Unreachable>;

    /// Hands `service` a JSON body. It may arrive twice, so what it asks for is the same done twice.
    async fn post(&self, service: Service, path: &str, body: Bytes) -> Result<Answer, Unreachable> {
        let _ = (path, body);
        Err(Unreachable { service: service.name(), reason: "takes no body".to_owned() })
    }
}

/// What became of a lowering of capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lowered {
    /// Nothing is in the way, and nothing more than the new capacity will be booked.
    Obeyed,
    /// These bookings need more.
    InTheWay(Vec<Conflict>),
}

/// Why a fact could not be had.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// No answer: a last known value may be used.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// An answer that is not a fact. This is an answer, not unreachability.
    #[error("{service} service answered {status}")]
    Unexpected {
        /// Which neighbour.
        service: &'static str,
        /// Its status.
        status: u16,
    },
}

/// The clients of all four services over one transport.
#[derive(Clone)]
pub struct Clients {
    transport: Arc<dyn Transport>,
}

impl Clients {
    /// Clients that travel by `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    async fn fetch<T: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
    ) -> Result<Option<T>, ClientError> {
        let answer = self.transport.get(service, path).await?;
        let unexpected =
            || ClientError::Unexpected { service: service.name(), status: answer.status };
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map(Some).map_err(|_| unexpected()),
            404 => Ok(None),
            500 | 502..=504 => Err(ClientError::Unreachable(Unreachable {
                service: service.name(),
                reason: format!("status {}", answer.status),
            })),
            _ => Err(unexpected()),
        }
    }

    /// The tenant's facts; `None` if there is no such tenant.
    pub async fn tenant(&self, id: Uuid) -> Result<Option<TenantFacts>, ClientError> {
        self.fetch(Service::Tenant, &format!("/internal/v1/tenants/{id}")).await
    }

    /// The tenant of a domain.
    pub async fn tenant_by_domain(&self, domain: &str) -> Result<Option<TenantRef>, ClientError> {
        let query: String = url::form_urlencoded::byte_serialize(domain.as_bytes()).collect();
        self.fetch(Service::Tenant, &format!("/internal/v1/tenants?domain={query}")).await
    }

    /// The user's facts.
    pub async fn user(&self, id: Uuid) -> Result<Option<UserFacts>, ClientError> {
        self.fetch(Service::User, &format!("/internal/v1/users/{id}")).await
    }

    /// The session's facts.
    pub async fn session(&self, id: Uuid) -> Result<Option<SessionFacts>, ClientError> {
        self.fetch(Service::User, &format!("/internal/v1/sessions/{id}")).await
    }

    /// The facts of the API key with this SHA-256, in hexadecimal.
    pub async fn api_key(&self, hash: &str) -> Result<Option<ApiKeyFacts>, ClientError> {
        self.fetch(Service::User, &format!("/internal/v1/api-keys/{hash}")).await
    }

    /// The resource's facts.
    pub async fn resource(&self, id: Uuid) -> Result<Option<ResourceFacts>, ClientError> {
        self.fetch(Service::Resource, &format!("/internal/v1/resources/{id}")).await
    }

    /// The bookable resources of a tenant's category; `None` if the tenant has none such.
    pub async fn category(
        &self,
        tenant: Uuid,
        category: Uuid,
    ) -> Result<Option<CategoryFacts>, ClientError> {
        let path = format!("/internal/v1/resources?tenant_id={tenant}&category_id={category}");
        self.fetch(Service::Resource, &path).await
    }

    /// The busy intervals of a resource that overlap `[from, to)`.
    pub async fn occupancy(
        &self,
        tenant: Uuid,
        resource: Uuid,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<OccupancyView, ClientError> {
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let path = format!(
            "/internal/v1/occupancy?tenant_id={tenant}&resource_id={resource}&from={}&to={}",
            stamp(from),
            stamp(to)
        );
        let found = self.fetch(Service::Booking, &path).await?;
        found.ok_or(ClientError::Unexpected { service: Service::Booking.name(), status: 404 })
    }

    /// Lowers capacities, before whoever owns them commits it.
    pub async fn lower_capacity(
        &self,
        lowering: &CapacityLowering,
    ) -> Result<Lowered, ClientError> {
        let service = Service::Booking;
        let body = serde_json::to_vec(lowering).unwrap_or_default();
        let answer = self.transport.post(service, "/internal/v1/capacity", body.into()).await?;
        let unexpected =
            || ClientError::Unexpected { service: service.name(), status: answer.status };
        match answer.status {
            204 => Ok(Lowered::Obeyed),
            409 => serde_json::from_slice::<CapacityInTheWay>(&answer.body)
                .map(|body| Lowered::InTheWay(body.conflicts))
                .map_err(|_| unexpected()),
            500 | 502..=504 => Err(ClientError::Unreachable(Unreachable {
                service: service.name(),
                reason: format!("status {}", answer.status),
            })),
            _ => Err(unexpected()),
        }
    }

    /// The claims of several resources of a tenant that are not over at `from`, after the cursor of the
    /// answer before.
    pub async fn occupancy_batch(
        &self,
        tenant: Uuid,
        ids: &[Uuid],
        from: DateTime<Utc>,
        cursor: Option<&str>,
    ) -> Result<OccupancyBatch, ClientError> {
        let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
        let from = from.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut path = format!(
            "/internal/v1/occupancy/batch?tenant_id={tenant}&from={from}&ids={}",
            ids.join(",")
        );
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.push_str(cursor);
        }
        let found = self.fetch(Service::Booking, &path).await?;
        found.ok_or(ClientError::Unexpected { service: Service::Booking.name(), status: 404 })
    }

    /// The bookings and holds of several resources of a tenant that overlap `[from, to)`, after the cursor
    /// of the answer before.
    pub async fn bookings_batch(
        &self,
        tenant: Uuid,
        ids: &[Uuid],
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        cursor: Option<&str>,
    ) -> Result<BookingsBatch, ClientError> {
        let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
        let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut path = format!(
            "/internal/v1/occupancy/bookings?tenant_id={tenant}&from={}&to={}&ids={}",
            stamp(from),
            stamp(to),
            ids.join(",")
        );
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.push_str(cursor);
        }
        let found = self.fetch(Service::Booking, &path).await?;
        found.ok_or(ClientError::Unexpected { service: Service::Booking.name(), status: 404 })
    }

    /// The events of `source` after a position, in order, at most `limit`.
    pub async fn outbox(
        &self,
        source: Service,
        after: i64,
        limit: u64,
    ) -> Result<Vec<Envelope>, ClientError> {
        let path = format!("/internal/v1/outbox/{}?after={after}&limit={limit}", source.name());
        let found = self.fetch(source, &path).await?;
        found.ok_or(ClientError::Unexpected { service: source.name(), status: 404 })
    }

    /// A part of what `service` holds about a user, after a cursor of the part before.
    pub async fn personal_data(
        &self,
        service: Service,
        tenant: Uuid,
        user: Uuid,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<PersonalPage, ClientError> {
        let mut path =
            format!("/internal/v1/personal-data/{user}?tenant_id={tenant}&limit={limit}");
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.extend(url::form_urlencoded::byte_serialize(cursor.as_bytes()));
        }
        let found = self.fetch(service, &path).await?;
        found.ok_or(ClientError::Unexpected { service: service.name(), status: 404 })
    }

    /// The user service's public keys (JWKS, RFC 7517), as JSON text.
    pub async fn jwks(&self) -> Result<Bytes, ClientError> {
        let answer = self.transport.get(Service::User, "/auth/.well-known/jwks.json").await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(ClientError::Unexpected { service: Service::User.name(), status }),
        }
    }
}
