//! The `calendar_exception` table.

use common::version::{Version, Versioned};
use contracts::exception::{
    CreateException, ExceptionFacts, ExceptionKind, ExceptionLevel, ExceptionView,
};
use sea_orm::entity::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_exception")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub category_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    pub level: String,
    pub kind: String,
    pub start_date: Date,
    pub end_date: Date,
    pub yearly: bool,
    /// Texts, as they were written.
    pub ranges: Json,
    pub reason: String,
    /// Of an imported one: the event it comes from.
    pub source_uid: Option<String>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whose an exception is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) tenant: Uuid,
    pub(crate) category: Option<Uuid>,
    pub(crate) resource: Option<Uuid>,
}

impl Target {
    /// The level that the ids tell.
    pub(crate) fn level(&self) -> ExceptionLevel {
        match (self.category, self.resource) {
            (_, Some(_)) => ExceptionLevel::Resource,
            (Some(_), None) => ExceptionLevel::Category,
            (None, None) => ExceptionLevel::Tenant,
        }
    }
}

impl Model {
    /// The first version of an exception.
    pub(crate) fn new(id: Uuid, now: DateTimeUtc, wish: CreateException) -> Self {
        let blank = Self {
            id,
            tenant_id: wish.tenant_id,
            category_id: None,
            resource_id: None,
            level: String::new(),
            kind: String::new(),
            start_date: wish.start_date,
            end_date: wish.end_date,
            yearly: false,
            ranges: Value::Null,
            reason: String::new(),
            source_uid: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        blank.with(wish)
    }

    /// The same exception with the content of `wish`; tenant, version and times stay.
    pub(crate) fn with(&self, wish: CreateException) -> Self {
        let CreateException {
            tenant_id: _,
            level,
            category_id,
            resource_id,
            kind,
            start_date,
            end_date,
            yearly,
            ranges,
            reason,
        } = wish;
        Self {
            id: self.id,
            tenant_id: self.tenant_id,
            category_id,
            resource_id,
            level: level.as_str().to_owned(),
            kind: kind.as_str().to_owned(),
            start_date,
            end_date,
            yearly,
            ranges: json!(ranges),
            reason,
            source_uid: self.source_uid.clone(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The exception as a request body, for edits to be laid over.
    pub(crate) fn form(&self) -> Value {
        json!({
            "tenant_id": self.tenant_id,
            "level": self.level,
            "category_id": self.category_id,
            "resource_id": self.resource_id,
            "kind": self.kind,
            "start_date": self.start_date,
            "end_date": self.end_date,
            "yearly": self.yearly,
            "ranges": self.ranges,
            "reason": self.reason,
        })
    }

    /// Whose it is.
    pub(crate) fn target(&self) -> Target {
        Target { tenant: self.tenant_id, category: self.category_id, resource: self.resource_id }
    }

    fn level(&self) -> ExceptionLevel {
        ExceptionLevel::parse(&self.level).unwrap_or(ExceptionLevel::Resource)
    }

    /// What it does; what no longer reads closes.
    fn kind(&self) -> ExceptionKind {
        ExceptionKind::parse(&self.kind).unwrap_or(ExceptionKind::Closure)
    }

    /// The exception as neighbours need it.
    pub(crate) fn facts(self) -> ExceptionFacts {
        ExceptionFacts {
            level: self.level(),
            kind: self.kind(),
            start_date: self.start_date,
            end_date: self.end_date,
            yearly: self.yearly,
            ranges: serde_json::from_value(self.ranges).unwrap_or_default(),
            reason: self.reason,
        }
    }

    /// Which version this is.
    pub(crate) fn version(&self) -> Version {
        Version::new("x", self.version)
    }

    /// The exception as clients see it, and of which version.
    pub(crate) fn versioned(self) -> Versioned<ExceptionView> {
        Versioned::new(self.version(), self.view())
    }

    /// The exception as clients see it.
    pub(crate) fn view(self) -> ExceptionView {
        let (level, kind) = (self.level(), self.kind());
        let Self {
            id,
            tenant_id,
            category_id,
            resource_id,
            level: _,
            kind: _,
            start_date,
            end_date,
            yearly,
            ranges,
            reason,
            source_uid: _,
            version,
            created_at,
            updated_at,
        } = self;
        ExceptionView {
            id,
            tenant_id,
            level,
            category_id,
            resource_id,
            kind,
            start_date,
            end_date,
            yearly,
            ranges: serde_json::from_value(ranges).unwrap_or_default(),
            reason,
            version,
            created_at,
            updated_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::form;

    use super::*;

    #[test]
    fn an_edit_without_a_change_gives_the_same_exception() {
        let body = json!({
            "tenant_id": Uuid::from_u128(1), "level": "resource", "resource_id": Uuid::from_u128(2),
            "kind": "override", "start_date": "2027-12-24", "ranges": ["08:00-12:00"],
        });
        let wish = form::decode::<CreateException>(&body).unwrap();
        let exception = Model::new(Uuid::from_u128(3), DateTimeUtc::UNIX_EPOCH, wish);
        let again = form::decode::<CreateException>(&exception.form()).unwrap();
        assert_eq!(exception.with(again), exception);
        assert_eq!(exception.target().level(), ExceptionLevel::Resource);
    }
}
