//! Groups: several resources at once, all or none.

use std::collections::BTreeSet;

use scheduling::wall::TimeInput;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::booking::BookingView;
use crate::form::{Decode, Form, integer, list, nested, ordered, text, time, uuid};

/// The most resources of one group.
pub const MAX_RESOURCES: u32 = 20;

/// Several bookings at one time, all or none.
#[derive(Debug, Clone, ToSchema)]
pub struct PlaceGroup {
    /// The tenant.
    pub tenant_id: Uuid,
    /// For whom.
    pub user_id: Uuid,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T14:00:00Z")]
    pub start_time: TimeInput,
    /// RFC 3339, years 1970 to 9999; without an offset it is the tenant's local time.
    #[schema(value_type = String, format = DateTime, example = "2027-03-10T15:00:00Z")]
    pub end_time: TimeInput,
    /// The client served, when it is not the user.
    pub client_id: Option<Uuid>,
    /// Free text.
    #[schema(max_length = 2000)]
    pub notes: Option<String>,
    /// How many places of each shared resource.
    #[schema(minimum = 1, maximum = 100_000, default = 1, required = false)]
    pub quantity: u32,
    /// What is wanted: 1 to 20 resources in all, none twice.
    #[schema(min_items = 1, max_items = 20)]
    pub items: Vec<GroupItem>,
}

/// A resource, or any so many of a category: `resource_id` or `category_id`.
#[derive(Debug, Clone, ToSchema)]
pub struct GroupItem {
    /// This resource.
    pub resource_id: Option<Uuid>,
    /// Any resources of this category.
    pub category_id: Option<Uuid>,
    /// How many of the category.
    #[schema(minimum = 1, maximum = 20, default = 1, required = false)]
    pub count: u32,
    /// Of the category: only resources of at least this capacity.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub min_capacity: Option<u32>,
}

impl Decode for GroupItem {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let resource_id = form.optional("resource_id", uuid);
        let category_id = form.optional("category_id", uuid);
        let count = form.or("count", 1, integer(1, i64::from(MAX_RESOURCES)));
        let min_capacity = form.optional("min_capacity", integer(1, 1_000_000));
        let (resource_id, category_id) = (resource_id?, category_id?);
        let count = u32::try_from(count?).ok()?;
        let min_capacity = min_capacity?.and_then(|least| u32::try_from(least).ok());
        if resource_id.is_some() == category_id.is_some() {
            return form.fault("resource_id", "combination", "Use resource_id ou category_id.");
        }
        if resource_id.is_some() && (count > 1 || min_capacity.is_some()) {
            let message = "count e min_capacity valem para category_id.";
            return form.fault("count", "combination", message);
        }
        Some(Self { resource_id, category_id, count, min_capacity })
    }
}

impl Decode for PlaceGroup {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let user_id = form.required("user_id", uuid);
        let start_time = form.required("start_time", time);
        let end_time = form.required("end_time", time);
        let client_id = form.optional("client_id", uuid);
        let notes = form.optional("notes", text(0, 2_000));
        let quantity = form.or("quantity", 1, integer(1, 100_000));
        let items = form.required("items", list(20, nested::<GroupItem>));
        ordered(form, start_time.as_ref(), end_time.as_ref())?;
        let items = items?;
        let wanted: u32 = items.iter().map(|item| item.count).sum();
        if !(1..=MAX_RESOURCES).contains(&wanted) {
            return form.fault("items", "length", "Deve pedir de 1 a 20 recursos ao todo.");
        }
        let named: Vec<Uuid> = items.iter().filter_map(|item| item.resource_id).collect();
        if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
            return form.fault("items", "duplicate", "Um recurso só pode ser pedido uma vez.");
        }
        Some(Self {
            tenant_id: tenant_id?,
            user_id: user_id?,
            start_time: start_time?,
            end_time: end_time?,
            client_id: client_id?,
            notes: notes?,
            quantity: u32::try_from(quantity?).ok()?,
            items,
        })
    }
}

/// The bookings of a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupView {
    /// Its id: the `group_id` of its bookings.
    pub group_id: Uuid,
    /// One booking a resource: in the order of the items when they are made.
    pub bookings: Vec<BookingView>,
}
