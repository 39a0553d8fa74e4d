//! The `resource` table.

use common::version::{Version, Versioned};
use contracts::exception::ExceptionFacts;
use contracts::facts::ResourceFacts;
use contracts::page::fold;
use contracts::policy::BookingPolicy;
use contracts::resource::{CreateResource, ResourceStatus, ResourceView};
use scheduling::Capacity;
use sea_orm::entity::prelude::*;
use serde_json::{Map, Value, json};

use super::category;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "resource")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub category_id: Uuid,
    pub version: i64,
    pub name: String,
    /// The name as lists order it.
    pub name_key: String,
    /// Name, description and location as `search` reads them, one a line.
    pub search_key: String,
    pub description: Option<String>,
    pub location: Option<String>,
    pub image_url: Option<String>,
    pub status: String,
    pub capacity: i32,
    pub attributes: Json,
    /// Top-level scalars of `attributes` in their text form.
    pub attribute_texts: Json,
    pub availability_schedule: Json,
    pub booking_policy: Json,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(
        belongs_to = "category::Entity",
        from = "(Column::TenantId, Column::CategoryId)",
        to = "(category::Column::TenantId, category::Column::Id)"
    )]
    Category,
}

impl Related<category::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Category.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The first version of a resource.
    pub(crate) fn new(id: Uuid, now: DateTimeUtc, wish: CreateResource) -> Self {
        let blank = Self {
            id,
            tenant_id: wish.tenant_id,
            category_id: wish.category_id,
            version: 1,
            name: String::new(),
            name_key: String::new(),
            search_key: String::new(),
            description: None,
            location: None,
            image_url: None,
            status: String::new(),
            capacity: 1,
            attributes: Value::Null,
            attribute_texts: Value::Null,
            availability_schedule: Value::Null,
            booking_policy: json!({}),
            created_at: now,
            updated_at: now,
        };
        blank.with(wish)
    }

    /// The same resource with the content of `wish`; tenant, version and times stay.
    pub(crate) fn with(&self, wish: CreateResource) -> Self {
        let CreateResource {
            tenant_id: _,
            category_id,
            name,
            description,
            location,
            image_url,
            status,
            capacity,
            attributes,
            availability_schedule,
            booking_policy,
        } = wish;
        let parts = [Some(name.as_str()), description.as_deref(), location.as_deref()];
        let searched: Vec<&str> = parts.into_iter().flatten().collect();
        Self {
            id: self.id,
            tenant_id: self.tenant_id,
            category_id,
            version: self.version,
            name_key: fold(&name),
            search_key: fold(&searched.join("\n")),
            name,
            description,
            location,
            image_url,
            status: status.as_str().to_owned(),
            capacity: i32::try_from(capacity).unwrap_or(i32::MAX),
            attribute_texts: texts(&attributes),
            attributes,
            availability_schedule,
            booking_policy: serde_json::to_value(booking_policy).unwrap_or_else(|_| json!({})),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The resource as a request body, for edits to be laid over.
    pub(crate) fn form(&self) -> Value {
        json!({
            "tenant_id": self.tenant_id,
            "category_id": self.category_id,
            "name": self.name,
            "description": self.description,
            "location": self.location,
            "image_url": self.image_url,
            "status": self.status,
            "capacity": self.capacity,
            "attributes": self.attributes,
            "availability_schedule": self.availability_schedule,
            "booking_policy": self.booking_policy,
        })
    }

    /// How many bookings it takes at one instant.
    pub(crate) fn places(&self, category: &category::Model) -> Capacity {
        let places = u32::try_from(self.capacity).unwrap_or(1);
        if category.is_shared() { Capacity::Shared(places) } else { Capacity::Exclusive }
    }

    /// What is asked of its bookings. It was checked when it was written.
    pub(crate) fn policy(&self) -> BookingPolicy {
        serde_json::from_value(self.booking_policy.clone()).unwrap_or_default()
    }

    /// Whether it can be booked; what no longer reads cannot.
    pub(crate) fn status(&self) -> ResourceStatus {
        ResourceStatus::parse(&self.status).unwrap_or(ResourceStatus::Indisponivel)
    }

    /// The resource as neighbours need it.
    pub(crate) fn facts(
        self,
        category: &category::Model,
        exceptions: Vec<ExceptionFacts>,
    ) -> ResourceFacts {
        ResourceFacts {
            id: self.id,
            tenant_id: self.tenant_id,
            status: self.status(),
            booking_policy: self.policy(),
            name: self.name,
            availability_schedule: self.availability_schedule,
            category_id: self.category_id,
            capacity: u32::try_from(self.capacity).unwrap_or(1),
            shared: category.is_shared(),
            category_policy: category.policy(),
            exceptions,
            version: self.version,
        }
    }

    /// Which version this is. That its category has changed does not make it another.
    pub(crate) fn version(&self) -> Version {
        Version::new("r", self.version)
    }

    /// The resource as clients see it, and of which version.
    pub(crate) fn versioned(self, category: category::Model) -> Versioned<ResourceView> {
        Versioned::new(self.version(), self.view(category))
    }

    /// The resource as clients see it.
    pub(crate) fn view(self, category: category::Model) -> ResourceView {
        let (status, booking_policy) = (self.status(), self.policy());
        let Self {
            id,
            tenant_id,
            category_id,
            version: _,
            name,
            name_key: _,
            search_key: _,
            description,
            location,
            image_url,
            status: _,
            capacity,
            attributes,
            attribute_texts: _,
            availability_schedule,
            booking_policy: _,
            created_at,
            updated_at,
        } = self;
        ResourceView {
            id,
            tenant_id,
            category_id,
            category: category.view(),
            name,
            description,
            location,
            image_url,
            status,
            capacity: u32::try_from(capacity).unwrap_or(1),
            attributes,
            availability_schedule,
            booking_policy,
            created_at,
            updated_at,
        }
    }
}

/// The text form of each top-level scalar. Made here, not in SQL: the two databases write numbers
/// in different ways.
fn texts(attributes: &Value) -> Value {
    let texts = attributes.as_object().into_iter().flatten().filter_map(|(key, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((key.clone(), Value::String(text)))
    });
    Value::Object(texts.collect::<Map<String, Value>>())
}

#[cfg(test)]
mod tests {
    use contracts::form;

    use super::*;

    fn resource() -> Model {
        let body = json!({
            "tenant_id": Uuid::from_u128(1), "category_id": Uuid::from_u128(2), "name": "Sala ÁGUA",
            "location": "Bloco B", "attributes": { "projetor": true, "andar": 2, "extra": [1] },
        });
        let wish = form::decode::<CreateResource>(&body).unwrap();
        Model::new(Uuid::from_u128(3), DateTimeUtc::UNIX_EPOCH, wish)
    }

    #[test]
    fn an_edit_without_a_change_gives_the_same_resource() {
        let resource = resource();
        let again = form::decode::<CreateResource>(&resource.form()).unwrap();
        assert_eq!(resource.with(again), resource);
    }

    #[test]
    fn search_and_filter_read_prepared_texts() {
        let resource = resource();
        assert_eq!(resource.search_key, "sala água\nbloco b");
        assert_eq!(resource.attribute_texts, json!({ "projetor": "true", "andar": "2" }));
    }
}
