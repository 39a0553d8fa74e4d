//! A tenant as the use cases know it, and its way to and from the row.

use chrono::{DateTime, Utc};
use common::version::{Version, Versioned};
use contracts::page::fold;
use contracts::tenant::{CreateTenant, Plan, SettingsView, TenantPublicView, TenantView};
use sea_orm::DbErr;
use serde_json::Value;
use uuid::Uuid;

use super::entity::Model;
use super::queries::Key;

/// A tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    /// Its id.
    pub(crate) id: Uuid,
    /// What its admin wrote, settings included.
    pub(crate) profile: CreateTenant,
    /// Grows by one with every accepted change; the first is 1.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When anything of it was last changed.
    pub(crate) updated_at: DateTime<Utc>,
    /// When its settings were last changed.
    pub(crate) settings_updated_at: DateTime<Utc>,
}

impl Tenant {
    /// A tenant that begins now.
    pub(crate) fn new(id: Uuid, profile: CreateTenant, now: DateTime<Utc>) -> Self {
        Self { id, profile, version: 1, created_at: now, updated_at: now, settings_updated_at: now }
    }

    /// The sort key of lists.
    pub(crate) fn key(&self) -> Key {
        Key(fold(&self.profile.name), self.id)
    }

    /// Its version, which is that of its settings too.
    pub(crate) fn version(&self) -> Version {
        Version::new("t", self.version)
    }

    /// What its own people may see, and of which version.
    pub(crate) fn versioned(self) -> Versioned<TenantView> {
        Versioned::new(self.version(), self.view())
    }

    /// What anyone may see.
    pub(crate) fn public_view(self) -> TenantPublicView {
        let CreateTenant {
            name,
            domain,
            logo_url,
            theme_primary_color,
            settings,
            plan: _,
            is_active: _,
        } = self.profile;
        let custom_labels = settings.custom_labels;
        TenantPublicView { id: self.id, name, domain, logo_url, theme_primary_color, custom_labels }
    }

    /// What its own people may see.
    pub(crate) fn view(self) -> TenantView {
        let Self { id, profile, version: _, created_at, updated_at, settings_updated_at } = self;
        let CreateTenant { name, domain, logo_url, theme_primary_color, plan, is_active, settings } =
            profile;
        let settings = SettingsView { id, settings, created_at, updated_at: settings_updated_at };
        TenantView {
            id,
            name,
            domain,
            logo_url,
            theme_primary_color,
            plan,
            is_active,
            settings,
            created_at,
            updated_at,
        }
    }

    /// The settings alone.
    pub(crate) fn settings_view(self) -> Versioned<SettingsView> {
        Versioned::new(self.version(), self.view().settings)
    }

    pub(super) fn from_row(row: Model) -> Result<Self, DbErr> {
        let Model {
            id,
            name,
            name_key: _,
            domain,
            domain_key: _,
            logo_url,
            theme_primary_color,
            plan,
            is_active,
            settings,
            settings_updated_at,
            version,
            created_at,
            updated_at,
        } = row;
        let unreadable =
            |what: &str| DbErr::Custom(format!("tenant {id}: stored {what} not readable"));
        let plan = Plan::parse(&plan).ok_or_else(|| unreadable("plan"))?;
        let settings = serde_json::from_value(settings).map_err(|_| unreadable("settings"))?;
        let profile =
            CreateTenant { name, domain, logo_url, theme_primary_color, plan, is_active, settings };
        Ok(Self { id, profile, version, created_at, updated_at, settings_updated_at })
    }

    pub(super) fn to_row(&self) -> Result<Model, DbErr> {
        let Self { id, profile, version, created_at, updated_at, settings_updated_at } = self;
        let CreateTenant { name, domain, logo_url, theme_primary_color, plan, is_active, settings } =
            profile;
        let settings: Value =
            serde_json::to_value(settings).map_err(|error| DbErr::Json(error.to_string()))?;
        Ok(Model {
            id: *id,
            name: name.clone(),
            name_key: fold(name),
            domain: domain.clone(),
            domain_key: fold(domain),
            logo_url: logo_url.clone(),
            theme_primary_color: theme_primary_color.clone(),
            plan: plan.as_str().to_owned(),
            is_active: *is_active,
            settings,
            settings_updated_at: *settings_updated_at,
            version: *version,
            created_at: *created_at,
            updated_at: *updated_at,
        })
    }
}
