//! The route table: which service answers which path. The gateway's nginx configuration is generated
//! from it, and the all-in-one nests its services by it, so both topologies route alike.

use serde::{Deserialize, Serialize};

/// One of the services behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Businesses and their settings.
    Tenant,
    /// People, sign-in and permissions.
    User,
    /// Categories, resources and their availability.
    Resource,
    /// Bookings.
    Booking,
}

impl Service {
    /// Every service, in the order of their ports.
    pub const ALL: [Self; 4] = [Self::Tenant, Self::Resource, Self::User, Self::Booking];

    /// The short name, as used in binary names (`marca-tenant`), metrics and event sources.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::User => "user",
            Self::Resource => "resource",
            Self::Booking => "booking",
        }
    }

    /// The name of its binary.
    pub const fn binary(self) -> &'static str {
        match self {
            Self::Tenant => "marca-tenant",
            Self::User => "marca-user",
            Self::Resource => "marca-resource",
            Self::Booking => "marca-booking",
        }
    }

    /// The name of its documentation page: `/api-docs/{docs}`.
    pub const fn docs(self) -> &'static str {
        match self {
            Self::Tenant => "tenants",
            Self::User => "users",
            Self::Resource => "resources",
            Self::Booking => "bookings",
        }
    }

    /// The port it listens on when it runs as a process of its own.
    pub const fn port(self) -> u16 {
        match self {
            Self::Tenant => 8001,
            Self::Resource => 8002,
            Self::User => 8003,
            Self::Booking => 8004,
        }
    }
}

/// One row of the table. It matches `prefix` itself and everything below `prefix/`.
#[derive(Debug, Clone, Copy)]
pub struct GatewayRoute {
    /// Path prefix without a trailing slash; a segment `*` stands for any one.
    pub prefix: &'static str,
    /// Who answers.
    pub service: Service,
}

const fn to(prefix: &'static str, service: Service) -> GatewayRoute {
    GatewayRoute { prefix, service }
}

impl GatewayRoute {
    fn matches(&self, path: &str) -> bool {
        let mut given = path.split('/');
        self.prefix.split('/').all(|segment| match given.next() {
            Some(word) => segment == word || (segment == "*" && !word.is_empty()),
            None => false,
        })
    }
}

/// Every public path of the platform; the first row that matches counts. What is not here
/// (`/internal`, `/metrics`) stays inside.
pub const GATEWAY: &[GatewayRoute] = &[
    to("/tenants/*/api-keys", Service::User),
    to("/tenants/*/settings/preview", Service::Resource),
    to("/tenants", Service::Tenant),
    to("/users", Service::User),
    to("/auth", Service::User),
    to("/resources", Service::Resource),
    to("/categories", Service::Resource),
    to("/exceptions", Service::Resource),
    to("/availability", Service::Resource),
    to("/bookings", Service::Booking),
    to("/calendars", Service::Booking),
    to("/api-docs/tenants", Service::Tenant),
    to("/api-docs/users", Service::User),
    to("/api-docs/resources", Service::Resource),
    to("/api-docs/bookings", Service::Booking),
];

/// Answers without an end, of these patterns: whatever stands in front passes them on as they come.
pub const STREAMS: &[GatewayRoute] = &[to("/resources/*/availability/stream", Service::Resource)];

/// Below these stand secrets: whatever is in front keeps them out of its logs.
pub const SECRETS: &[GatewayRoute] =
    &[to("/bookings/links", Service::Booking), to("/calendars/feeds", Service::Booking)];

/// The service that answers `path`, if the gateway lets it through at all.
pub fn service_for(path: &str) -> Option<Service> {
    GATEWAY.iter().find(|route| route.matches(path)).map(|route| route.service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_itself_and_below_but_not_a_longer_word() {
        assert_eq!(service_for("/tenants"), Some(Service::Tenant));
        assert_eq!(service_for("/tenants/x/settings"), Some(Service::Tenant));
        assert_eq!(service_for("/tenants/x/api-keys/y"), Some(Service::User));
        assert_eq!(service_for("/tenants/x/api-keys"), Some(Service::User));
        assert_eq!(service_for("/tenants/x/settings/preview"), Some(Service::Resource));
        assert_eq!(service_for("/tenants//api-keys"), Some(Service::Tenant));
        assert_eq!(service_for("/api-docs/bookings/openapi.json"), Some(Service::Booking));
        for outside in ["/tenantsfoo", "/internal/v1/users/x", "/metrics", "/", "/api-docs"] {
            assert_eq!(service_for(outside), None, "{outside}");
        }
    }
}
