//! The `category` table.

use common::version::{Version, Versioned};
use contracts::form::{self, Decode, Form};
use contracts::page::fold;
use contracts::policy::BookingPolicy;
use contracts::problem::FieldFault;
use contracts::resource::{CategoryMetadata, CategoryType, CategoryView, CreateCategory};
use sea_orm::entity::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "category")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub version: i64,
    pub name: String,
    /// The name as lists order it.
    pub name_key: String,
    pub kind: String,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub color: Option<String>,
    pub is_active: bool,
    pub category_metadata: Json,
    pub booking_policy: Json,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Stored metadata, read back.
struct Stored(Option<CategoryMetadata>);

impl Decode for Stored {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        form.optional("category_metadata", CategoryMetadata::read).map(Self)
    }
}

impl Model {
    /// The first version of a category.
    pub(crate) fn new(id: Uuid, now: DateTimeUtc, wish: CreateCategory) -> Self {
        let blank = Self {
            id,
            tenant_id: wish.tenant_id,
            version: 1,
            name: String::new(),
            name_key: String::new(),
            kind: String::new(),
            description: None,
            icon: None,
            color: None,
            is_active: true,
            category_metadata: Value::Null,
            booking_policy: json!({}),
            created_at: now,
            updated_at: now,
        };
        blank.with(wish)
    }

    /// The same category with the content of `wish`; tenant, version and times stay.
    pub(crate) fn with(&self, wish: CreateCategory) -> Self {
        let CreateCategory {
            tenant_id: _,
            name,
            category_type,
            description,
            icon,
            color,
            is_active,
            category_metadata,
            booking_policy,
        } = wish;
        Self {
            id: self.id,
            tenant_id: self.tenant_id,
            version: self.version,
            name_key: fold(&name),
            name,
            kind: category_type.as_str().to_owned(),
            description,
            icon,
            color,
            is_active,
            category_metadata: serde_json::to_value(category_metadata)
                .unwrap_or_else(|_| json!({})),
            booking_policy: serde_json::to_value(booking_policy).unwrap_or_else(|_| json!({})),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The category as a request body, for edits to be laid over.
    pub(crate) fn form(&self) -> Value {
        json!({
            "tenant_id": self.tenant_id,
            "name": self.name,
            "type": self.kind,
            "description": self.description,
            "icon": self.icon,
            "color": self.color,
            "is_active": self.is_active,
            "category_metadata": self.category_metadata,
            "booking_policy": self.booking_policy,
        })
    }

    /// Whether bookings share the category's resources.
    pub(crate) fn is_shared(&self) -> bool {
        self.category_metadata.get("allows_multiple_bookings") == Some(&Value::Bool(true))
    }

    /// What is asked of bookings of its resources. It was checked when it was written.
    pub(crate) fn policy(&self) -> BookingPolicy {
        serde_json::from_value(self.booking_policy.clone()).unwrap_or_default()
    }

    /// What the category's custom fields have against a resource's attributes.
    pub(crate) fn judge(&self, attributes: &Value) -> Vec<FieldFault> {
        let stored = json!({ "category_metadata": self.category_metadata });
        match form::decode::<Stored>(&stored) {
            Ok(Stored(metadata)) => {
                metadata.map(|rules| rules.check(attributes)).unwrap_or_default()
            }
            // Checked when it was written; what no longer reads cannot be enforced.
            Err(_) => Vec::new(),
        }
    }

    /// Which version this is.
    pub(crate) fn version(&self) -> Version {
        Version::new("c", self.version)
    }

    /// The category as clients see it, and of which version.
    pub(crate) fn versioned(self) -> Versioned<CategoryView> {
        Versioned::new(self.version(), self.view())
    }

    /// The category as clients see it.
    pub(crate) fn view(self) -> CategoryView {
        let booking_policy = self.policy();
        let Self {
            id,
            tenant_id,
            version: _,
            name,
            name_key: _,
            kind,
            description,
            icon,
            color,
            is_active,
            category_metadata,
            booking_policy: _,
            created_at,
            updated_at,
        } = self;
        CategoryView {
            id,
            tenant_id,
            name,
            category_type: CategoryType::parse(&kind).unwrap_or(CategoryType::Fisico),
            description,
            icon,
            color,
            is_active,
            category_metadata,
            booking_policy,
            created_at,
            updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(body: &Value) -> CreateCategory {
        form::decode(body).unwrap()
    }

    fn category() -> Model {
        let fields = json!([{ "key": "andar", "type": "number", "required": true }]);
        let body = json!({
            "tenant_id": Uuid::from_u128(1), "name": "SALAS de Aula", "type": "fisico",
            "category_metadata": { "custom_fields": fields, "cor": "azul" },
        });
        Model::new(Uuid::from_u128(2), DateTimeUtc::UNIX_EPOCH, wish(&body))
    }

    #[test]
    fn an_edit_without_a_change_gives_the_same_category() {
        let category = category();
        assert_eq!(category.with(wish(&category.form())), category);
        assert_eq!(category.name_key, "salas de aula");
    }

    #[test]
    fn extra_metadata_is_kept_beside_the_defaults() {
        let metadata = category().view().category_metadata;
        assert_eq!(metadata["cor"], "azul");
        assert_eq!(metadata["allows_multiple_bookings"], false);
    }

    #[test]
    fn custom_fields_are_enforced() {
        let category = category();
        assert!(category.judge(&json!({ "andar": 3 })).is_empty());
        assert_eq!(category.judge(&json!({}))[0].path, "attributes.andar");
        assert_eq!(category.judge(&json!({ "andar": "3" }))[0].code, "custom_field");
    }
}
