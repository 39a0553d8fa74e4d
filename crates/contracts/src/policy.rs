//! What a business asks of bookings beyond its hours: on the tenant, on a category, on a resource.
//! What is said nearer to the resource counts; limits count at every level.

use scheduling::{Capacity, Level, Limit, Period, Policy, Quota};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::form::{Decode, Form, boolean, choice, integer, list, nested};

/// The longest a booking may be asked to last or to be made ahead, in minutes: a year.
const YEAR: i64 = 525_600;
/// The most limits of one level.
const MAX_LIMITS: usize = 10;

/// What is asked of bookings. What is absent or null is asked by nobody, or by the level above:
/// resource before category before tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct BookingPolicy {
    /// A booking starts at least so many minutes from now.
    #[schema(minimum = 0, maximum = 525_600)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_notice_minutes: Option<u32>,
    /// A booking is at least so long.
    #[schema(minimum = 1, maximum = 525_600)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_duration_minutes: Option<u32>,
    /// A booking is at most so long.
    #[schema(minimum = 1, maximum = 525_600)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration_minutes: Option<u32>,
    /// Minutes kept free before a booking.
    #[schema(minimum = 0, maximum = 1_440)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_before_minutes: Option<u32>,
    /// Minutes kept free after a booking.
    #[schema(minimum = 0, maximum = 1_440)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_after_minutes: Option<u32>,
    /// `true`: a booking waits for an admin, whatever the tenant's default; `false`: it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_required: Option<bool>,
    /// Instead of the tenant's `cancellation_hours`.
    #[schema(minimum = 0, maximum = 168)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation_hours: Option<u32>,
    /// A confirmed booking that nobody checked in to is `nao_compareceu` so many minutes after its
    /// start, and its place is free again.
    #[schema(minimum = 5, maximum = 1_440)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_show_minutes: Option<u32>,
    /// The most one person may have, counted over the bookings of this level: all of the tenant, of
    /// the category or of the resource.
    #[schema(value_type = Option<Vec<BookingLimit>>, max_items = 10)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<BookingLimit>,
}

/// The period in which a person's bookings are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitPeriod {
    /// A civil day of the tenant.
    Day,
    /// Monday to Sunday.
    Week,
    /// A civil month.
    Month,
    /// Every booking that is not over.
    Open,
}

impl LimitPeriod {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            "open" => Some(Self::Open),
            _ => None,
        }
    }
}

/// The most one person may have: `bookings` or `hours`, one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookingLimit {
    /// Counted over this; a booking belongs to the period it starts in.
    pub per: LimitPeriod,
    /// So many bookings.
    #[schema(minimum = 1, maximum = 10_000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bookings: Option<u32>,
    /// So many hours together.
    #[schema(minimum = 1, maximum = 10_000)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
}

impl Decode for BookingPolicy {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let minutes = |form: &mut Form<'_>, name, least, most| {
            let given = form.optional(name, integer(least, most))?;
            Some(given.and_then(|minutes| u32::try_from(minutes).ok()))
        };
        let min_notice = minutes(form, "min_notice_minutes", 0, YEAR);
        let min_duration = minutes(form, "min_duration_minutes", 1, YEAR);
        let max_duration = minutes(form, "max_duration_minutes", 1, YEAR);
        let before = minutes(form, "buffer_before_minutes", 0, 1_440);
        let after = minutes(form, "buffer_after_minutes", 0, 1_440);
        let approval = form.optional("approval_required", boolean);
        let cancellation = minutes(form, "cancellation_hours", 0, 168);
        let no_show = minutes(form, "no_show_minutes", 5, 1_440);
        let limits = form.optional("limits", list(MAX_LIMITS, nested::<BookingLimit>));
        if let (Some(Some(least)), Some(Some(most))) = (min_duration, max_duration)
            && least > most
        {
            let text = "Deve ser maior ou igual a min_duration_minutes.";
            return form.fault("max_duration_minutes", "range", text);
        }
        Some(Self {
            min_notice_minutes: min_notice?,
            min_duration_minutes: min_duration?,
            max_duration_minutes: max_duration?,
            buffer_before_minutes: before?,
            buffer_after_minutes: after?,
            approval_required: approval?,
            cancellation_hours: cancellation?,
            no_show_minutes: no_show?,
            limits: limits?.unwrap_or_default(),
        })
    }
}

impl Decode for BookingLimit {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let per =
            form.required("per", choice(&["day", "week", "month", "open"], LimitPeriod::parse));
        let bookings = form.optional("bookings", integer(1, 10_000));
        let hours = form.optional("hours", integer(1, 10_000));
        let (bookings, hours) = (bookings?, hours?);
        if bookings.is_some() == hours.is_some() {
            return form.fault(
                "bookings",
                "combination",
                "Informe bookings ou hours, um dos dois.",
            );
        }
        let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
        Some(Self { per: per?, bookings: small(bookings), hours: small(hours) })
    }
}

impl BookingLimit {
    fn rule(&self) -> Limit {
        let period = match self.per {
            LimitPeriod::Day => Period::Day,
            LimitPeriod::Week => Period::Week,
            LimitPeriod::Month => Period::Month,
            LimitPeriod::Open => Period::Open,
        };
        let hours = self.hours.unwrap_or(0).saturating_mul(60);
        let quota = self.bookings.map_or(Quota::Minutes(hours), Quota::Bookings);
        Limit { period, quota }
    }
}

/// What holds for one resource after the levels are laid over one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedPolicy {
    /// What the pure rules decide by.
    pub policy: Policy,
    /// Whether a booking waits for an admin; `None`: as the tenant's default says.
    pub approval_required: Option<bool>,
    /// Instead of the tenant's `cancellation_hours`.
    pub cancellation_hours: Option<u32>,
    /// Minutes after the start at which nobody is expected any more.
    pub no_show_minutes: Option<u32>,
    /// The limits of every level.
    pub limits: Vec<(Level, Limit)>,
}

/// Lays a resource's policy over its category's, over its tenant's.
pub fn resolve(
    tenant: &BookingPolicy,
    category: &BookingPolicy,
    resource: &BookingPolicy,
    capacity: Capacity,
) -> ResolvedPolicy {
    let levels = [resource, category, tenant];
    let number = |read: fn(&BookingPolicy) -> Option<u32>| levels.into_iter().find_map(read);
    let limits =
        [(Level::Tenant, tenant), (Level::Category, category), (Level::Resource, resource)];
    ResolvedPolicy {
        policy: Policy {
            capacity,
            min_notice_minutes: number(|it| it.min_notice_minutes).unwrap_or(0),
            min_duration_minutes: number(|it| it.min_duration_minutes),
            max_duration_minutes: number(|it| it.max_duration_minutes),
            buffer_before_minutes: number(|it| it.buffer_before_minutes).unwrap_or(0),
            buffer_after_minutes: number(|it| it.buffer_after_minutes).unwrap_or(0),
        },
        approval_required: levels.into_iter().find_map(|it| it.approval_required),
        cancellation_hours: number(|it| it.cancellation_hours),
        no_show_minutes: number(|it| it.no_show_minutes),
        limits: limits
            .into_iter()
            .flat_map(|(level, policy)| policy.limits.iter().map(move |it| (level, it.rule())))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form::decode;

    #[test]
    fn what_is_nearer_counts_and_limits_add_up() {
        let read = |body| decode::<BookingPolicy>(&body).unwrap();
        let limit = json!([{ "per": "day", "bookings": 2 }]);
        let tenant = read(json!({ "min_notice_minutes": 60, "limits": limit }));
        let category = read(json!({ "min_notice_minutes": 30, "buffer_after_minutes": 10 }));
        let resource = read(json!({ "buffer_after_minutes": 0, "limits": limit }));
        let resolved = resolve(&tenant, &category, &resource, Capacity::Shared(3));
        assert_eq!(resolved.policy.min_notice_minutes, 30);
        assert_eq!(resolved.policy.buffer_after_minutes, 0);
        let levels: Vec<Level> = resolved.limits.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Level::Tenant, Level::Resource]);
    }

    #[test]
    fn every_fault_is_named() {
        let body = json!({
            "min_duration_minutes": 60, "max_duration_minutes": 30, "no_show_minutes": 1,
            "limits": [{ "per": "day" }, { "per": "year", "hours": 1 }], "colour": 1,
        });
        let faults = decode::<BookingPolicy>(&body).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        for path in
            ["max_duration_minutes", "no_show_minutes", "limits[0].bookings", "limits[1].per"]
        {
            assert!(paths.contains(&path), "{path} in {paths:?}");
        }
    }

    #[test]
    fn an_empty_policy_is_an_empty_object() {
        assert_eq!(serde_json::to_value(BookingPolicy::default()).unwrap(), json!({}));
        assert_eq!(decode::<BookingPolicy>(&json!({})).unwrap(), BookingPolicy::default());
    }
}
