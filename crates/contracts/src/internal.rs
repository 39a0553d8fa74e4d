//! Which service may ask which route between services. A service has a route for its neighbours
//! because one of them needs it; the others are refused.

use crate::Service;
use Service::{Booking, Resource, Tenant, User};

/// One row of the table: below `prefix` of `asked`, these may ask.
struct Row {
    prefix: &'static str,
    asked: &'static [Service],
    callers: &'static [Service],
}

const TABLE: &[Row] = &[
    // Facts and settings, kept near by whoever decides by them.
    Row { prefix: "/internal/v1/tenants", asked: &[Tenant], callers: &[User, Resource, Booking] },
    Row { prefix: "/internal/v1/users", asked: &[User], callers: &[Tenant, Resource, Booking] },
    Row { prefix: "/internal/v1/sessions", asked: &[User], callers: &[Tenant, Resource, Booking] },
    Row { prefix: "/internal/v1/api-keys", asked: &[User], callers: &[Tenant, Resource, Booking] },
    Row { prefix: "/internal/v1/resources", asked: &[Resource], callers: &[Booking] },
    // Availability, search and the preview of settings are made of it.
    Row { prefix: "/internal/v1/occupancy", asked: &[Booking], callers: &[Resource] },
    // No capacity is lowered below what its bookings use.
    Row { prefix: "/internal/v1/capacity", asked: &[Booking], callers: &[Resource] },
    // What is kept about a person, collected by who answers for people.
    Row {
        prefix: "/internal/v1/personal-data",
        asked: &[Tenant, Resource, Booking],
        callers: &[User],
    },
    // A producer's log, for those who consume it.
    Row { prefix: "/internal/v1/outbox", asked: &[Tenant], callers: &[User, Resource, Booking] },
    Row { prefix: "/internal/v1/outbox", asked: &[User, Resource], callers: &[Booking] },
    Row { prefix: "/internal/v1/outbox", asked: &[Booking], callers: &[Resource] },
];

/// Whether `caller` may ask `route` of `asked`.
pub fn may_ask(caller: Service, asked: Service, route: &str) -> bool {
    let covers = |row: &&Row| {
        row.asked.contains(&asked)
            && route
                .strip_prefix(row.prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    TABLE.iter().filter(covers).any(|row| row.callers.contains(&caller))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who may ask `route` of `asked`, in the order of `Service::ALL`.
    fn callers(asked: Service, route: &str) -> Vec<Service> {
        Service::ALL.into_iter().filter(|caller| may_ask(*caller, asked, route)).collect()
    }

    #[test]
    fn each_route_is_open_to_those_who_need_it() {
        let rows: [(Service, &str, &[Service]); 14] = [
            (Tenant, "/internal/v1/tenants", &[Resource, User, Booking]),
            (Tenant, "/internal/v1/tenants/{id}", &[Resource, User, Booking]),
            (User, "/internal/v1/users/{id}", &[Tenant, Resource, Booking]),
            (User, "/internal/v1/sessions/{id}", &[Tenant, Resource, Booking]),
            (User, "/internal/v1/api-keys/{hash}", &[Tenant, Resource, Booking]),
            (Resource, "/internal/v1/resources", &[Booking]),
            (Resource, "/internal/v1/resources/{id}", &[Booking]),
            (Booking, "/internal/v1/occupancy", &[Resource]),
            (Booking, "/internal/v1/capacity", &[Resource]),
            (Booking, "/internal/v1/occupancy/batch", &[Resource]),
            (Booking, "/internal/v1/occupancy/bookings", &[Resource]),
            (Tenant, "/internal/v1/outbox/{source}", &[Resource, User, Booking]),
            (Booking, "/internal/v1/outbox/{source}", &[Resource]),
            (Booking, "/internal/v1/personal-data/{id}", &[User]),
        ];
        for (asked, route, expected) in rows {
            assert_eq!(callers(asked, route), expected, "{route}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_open_to_nobody() {
        for (asked, route) in [
            (Booking, "/internal/v1/users/{id}"),
            (User, "/internal/v1/usersfoo"),
            (User, "/internal/v2/users/{id}"),
            (User, ""),
        ] {
            assert_eq!(callers(asked, route), [], "{route}");
        }
    }
}
