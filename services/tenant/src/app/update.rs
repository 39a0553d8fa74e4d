//! Changes a tenant or its settings.

use common::auth::Principal;
use common::version::Precondition;
use contracts::event::DirectoryEvent;
use contracts::form;
use contracts::tenant::{CreateTenant, Settings, TENANT_NESTED};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Tenants, admin_of};
use crate::error::Error;
use crate::events::draft;
use crate::store::{self, Tenant, Tx};

impl Tenants {
    /// Overlays `patch` on the tenant. The merged whole is judged; nothing is stored if it is bad.
    pub(crate) async fn update(
        &self,
        principal: &Principal,
        id: Uuid,
        patch: &Value,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Tenant, Error> {
        let changed = self.database.transact(principal.scope(), async |tx| {
            store::find(&*tx, id).await?.ok_or(Error::Unknown)?;
            admin_of(principal, id)?;
            let current = store::lock(&tx, id).await?.ok_or(Error::Unknown)?;
            wanted.check(current.version())?;
            let merged = form::merge(&json(&current.profile), patch, TENANT_NESTED);
            let profile = form::decode::<CreateTenant>(&merged).map_err(Error::Invalid)?;
            let woken = profile.is_active && !current.profile.is_active;
            if woken && !principal.runs_platform() {
                return Err(Error::NotAllowed);
            }
            self.save(&tx, current, profile, trace_id).await
        });
        let changed = changed.await?;
        self.relay.wake();
        Ok(changed)
    }

    /// Overlays `patch` on the tenant's settings, as [`Self::update`] does on the whole.
    pub(crate) async fn update_settings(
        &self,
        principal: &Principal,
        id: Uuid,
        patch: &Value,
        wanted: &Precondition,
        trace_id: &str,
    ) -> Result<Tenant, Error> {
        let changed = self.database.transact(principal.scope(), async |tx| {
            store::find(&*tx, id).await?.ok_or(Error::UnknownSettings)?;
            admin_of(principal, id)?;
            let current = store::lock(&tx, id).await?.ok_or(Error::UnknownSettings)?;
            wanted.check(current.version())?;
            let merged = form::merge(&json(&current.profile.settings), patch, TENANT_NESTED);
            let settings = form::decode::<Settings>(&merged).map_err(Error::Invalid)?;
            let profile = CreateTenant { settings, ..current.profile.clone() };
            self.save(&tx, current, profile, trace_id).await
        });
        let changed = changed.await?;
        self.relay.wake();
        Ok(changed)
    }

    /// Stores the change and its events together; a change of nothing is none.
    async fn save(
        &self,
        tx: &Tx,
        current: Tenant,
        profile: CreateTenant,
        trace_id: &str,
    ) -> Result<Tenant, Error> {
        let details = !same_details(&current.profile, &profile);
        let settings = current.profile.settings != profile.settings;
        if !details && !settings {
            return Ok(current);
        }
        let now = self.clock.now();
        let version = current.version + 1;
        let settings_updated_at = if settings { now } else { current.settings_updated_at };
        let changed = Tenant { profile, version, updated_at: now, settings_updated_at, ..current };
        store::update(tx, &changed).await?;
        let events = [
            details.then_some(DirectoryEvent::TenantUpdated),
            settings.then_some(DirectoryEvent::TenantSettingsChanged),
        ];
        let drafts: Vec<_> =
            events.into_iter().flatten().map(|event| draft(event, changed.id, version)).collect();
        self.outbox.append(tx, trace_id, &drafts).await?;
        Ok(changed)
    }
}

fn json<T: Serialize>(part: &T) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

/// Whether everything but the settings is the same.
fn same_details(one: &CreateTenant, other: &CreateTenant) -> bool {
    let CreateTenant { name, domain, logo_url, theme_primary_color, plan, is_active, settings: _ } =
        one;
    *name == other.name
        && *domain == other.domain
        && *logo_url == other.logo_url
        && *theme_primary_color == other.theme_primary_color
        && *plan == other.plan
        && *is_active == other.is_active
}
