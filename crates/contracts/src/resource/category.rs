//! Categories, and the custom fields they ask of their resources.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{
    Decode, Faults, Form, boolean, choice, colour, list, nested, object, text, uuid,
};
use crate::policy::BookingPolicy;
use crate::problem::FieldFault;

/// What kind of thing a category holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CategoryType {
    /// Rooms and equipment.
    Fisico,
    /// People.
    Humano,
}

impl CategoryType {
    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "fisico" => Some(Self::Fisico),
            "humano" => Some(Self::Humano),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fisico => "fisico",
            Self::Humano => "humano",
        }
    }
}

/// The type of a custom field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// One of `options`.
    Enum,
}

impl FieldType {
    fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(Value::String(word.to_owned())).ok()
    }
}

/// A field that the resources of a category have in their `attributes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomField {
    /// Its key in `attributes`.
    #[schema(min_length = 1, max_length = 60)]
    pub key: String,
    /// The type of its value.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// The values an `enum` may take, 1 to 100 characters each; for no other type.
    #[schema(value_type = Option<Vec<Word>>, max_items = 100)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// A value an `enum` may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(min_length = 1, max_length = 100)]
pub struct Word(pub String);

impl Decode for CustomField {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let words = &["string", "number", "boolean", "date", "enum"];
        let key = form.required("key", text(1, 60));
        let field_type = form.required("type", choice(words, FieldType::parse));
        let required = form.or("required", false, boolean);
        let options = form.optional("options", list(100, text(1, 100)));
        let (field_type, options) = (field_type?, options?.unwrap_or_default());
        if (field_type == FieldType::Enum) == options.is_empty() {
            return form.fault("options", "options", "Obrigatório para enum, e somente para enum.");
        }
        Some(Self { key: key?, field_type, required: required?, options })
    }
}

/// The part of `category_metadata` that has a meaning here. Other keys are kept as they came.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CategoryMetadata {
    /// A note for integrators; not enforced.
    #[schema(default = false, required = false)]
    pub requires_qualification: bool,
    /// Whether bookings share the category's resources, up to the `capacity` of each.
    #[schema(default = false, required = false)]
    pub allows_multiple_bookings: bool,
    /// Fields enforced on the `attributes` of the category's resources.
    #[schema(max_items = 50, required = false)]
    pub custom_fields: Vec<CustomField>,
    /// Free-form extras.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub extra: serde_json::Map<String, Value>,
}

impl CategoryMetadata {
    /// Reads stored or sent metadata, naming every fault below `category_metadata`.
    pub fn read(value: &Value, faults: &mut Faults) -> Option<Self> {
        let known = object(value, faults)?;
        let flag = |name: &str, faults: &mut Faults| match known.get(name) {
            None => false,
            Some(value) => value.as_bool().unwrap_or_else(|| {
                faults.add_below(name, "type", "Deve ser verdadeiro ou falso.");
                false
            }),
        };
        let requires_qualification = flag("requires_qualification", faults);
        let allows_multiple_bookings = flag("allows_multiple_bookings", faults);
        let custom_fields = match known.get("custom_fields") {
            None => Vec::new(),
            Some(fields) => Self::fields(fields, faults)?,
        };
        let mut extra = known.as_object()?.clone();
        for name in ["requires_qualification", "allows_multiple_bookings", "custom_fields"] {
            extra.remove(name);
        }
        Some(Self { requires_qualification, allows_multiple_bookings, custom_fields, extra })
    }

    fn fields(value: &Value, faults: &mut Faults) -> Option<Vec<CustomField>> {
        let wrapped = json!({ "custom_fields": value });
        match crate::form::decode::<Fields>(&wrapped) {
            Ok(Fields(fields)) => Some(fields),
            Err(found) => {
                for FieldFault { path, code, message } in found {
                    faults.add_below(&path, &code, message);
                }
                None
            }
        }
    }

    /// Judges the attributes of a resource by the custom fields.
    pub fn check(&self, attributes: &Value) -> Vec<FieldFault> {
        self.custom_fields
            .iter()
            .filter_map(|field| field.check(attributes.get(&field.key)))
            .collect()
    }
}

struct Fields(Vec<CustomField>);

impl Decode for Fields {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let fields = form.required("custom_fields", list(50, nested::<CustomField>))?;
        let mut keys: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return form.fault("custom_fields", "duplicate", "Chaves repetidas.");
        }
        Some(Self(fields))
    }
}

impl CustomField {
    fn check(&self, value: Option<&Value>) -> Option<FieldFault> {
        let path = format!("attributes.{}", self.key);
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return self
                .required
                .then(|| FieldFault::new(path, "missing", "Exigido pela categoria do recurso."));
        };
        let fits = match self.field_type {
            FieldType::String => value.is_string(),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::Date => value.as_str().is_some_and(|text| text.parse::<NaiveDate>().is_ok()),
            FieldType::Enum => {
                value.as_str().is_some_and(|text| self.options.iter().any(|option| option == text))
            }
        };
        (!fits).then(|| {
            FieldFault::new(path, "custom_field", "Não corresponde ao campo da categoria.")
        })
    }
}

/// A new category, or the merged whole of an edited one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreateCategory {
    /// The tenant it belongs to; it never changes.
    pub tenant_id: Uuid,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Salas de Aula")]
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub category_type: CategoryType,
    /// Free text.
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// Name of an icon.
    #[schema(max_length = 60, example = "room")]
    pub icon: Option<String>,
    /// `#RGB` or `#RRGGBB`.
    #[schema(pattern = "^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", example = "#4CAF50")]
    pub color: Option<String>,
    /// Whether it is in use.
    #[schema(default = true, required = false)]
    pub is_active: bool,
    /// Rules for its resources.
    #[schema(value_type = Option<CategoryMetadata>, required = false)]
    pub category_metadata: CategoryMetadata,
    /// What is asked of bookings of its resources, beyond the tenant.
    #[schema(value_type = Option<BookingPolicy>, required = false)]
    pub booking_policy: BookingPolicy,
}

impl Decode for CreateCategory {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let tenant_id = form.required("tenant_id", uuid);
        let name = form.required("name", text(1, 200));
        let category_type =
            form.required("type", choice(&["fisico", "humano"], CategoryType::parse));
        let description = form.optional("description", text(0, 2_000));
        let icon = form.optional("icon", text(0, 60));
        let color = form.optional("color", colour);
        let is_active = form.or("is_active", true, boolean);
        let category_metadata = form.optional("category_metadata", CategoryMetadata::read);
        let booking_policy = form.optional("booking_policy", nested::<BookingPolicy>);
        Some(Self {
            tenant_id: tenant_id?,
            name: name?,
            category_type: category_type?,
            description: description?,
            icon: icon?,
            color: color?,
            is_active: is_active?,
            category_metadata: category_metadata?.unwrap_or(CategoryMetadata {
                requires_qualification: false,
                allows_multiple_bookings: false,
                custom_fields: Vec::new(),
                extra: serde_json::Map::new(),
            }),
            booking_policy: booking_policy?.unwrap_or_default(),
        })
    }
}

/// A category.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CategoryView {
    /// Its id.
    pub id: Uuid,
    /// The tenant it belongs to.
    pub tenant_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub category_type: CategoryType,
    /// Free text.
    pub description: Option<String>,
    /// Name of an icon.
    pub icon: Option<String>,
    /// `#RGB` or `#RRGGBB`.
    pub color: Option<String>,
    /// Whether it is in use.
    pub is_active: bool,
    /// Rules for its resources.
    #[schema(value_type = Object)]
    pub category_metadata: Value,
    /// What is asked of bookings of its resources.
    pub booking_policy: BookingPolicy,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}
