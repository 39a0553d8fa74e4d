//! A tenant's rules: near → tenant service → last known → policy of the caller.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::Service;
use contracts::client::{ClientError, Clients};
use contracts::event::DirectoryEvent;
use contracts::facts::TenantFacts;
use contracts::tenant::Settings as TenantSettings;
use scheduling::Rules;
use thiserror::Error;
use uuid::Uuid;

use super::{Near, Snapshots};
use crate::platform::Platform;
use crate::streams::WatchNews;

/// Where the rules come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsSource {
    /// The tenant service, or the configured defaults where there is none.
    Current,
    /// The last known, because the tenant service does not answer.
    LastKnown,
}

/// A tenant's rules, ready to decide by.
#[derive(Debug, Clone)]
pub struct TenantRules {
    /// The tenant's name, for people; empty where only the defaults are known.
    pub name: String,
    /// As the tenant wrote them.
    pub settings: TenantSettings,
    /// As the calendar reads them.
    pub rules: Rules,
    /// Whether the tenant takes part.
    pub is_active: bool,
    /// Grows with every change.
    pub version: i64,
    /// Where they come from.
    pub source: SettingsSource,
}

/// Why there are no rules.
#[derive(Debug, Clone, Error)]
pub enum SettingsError {
    /// There is no such tenant.
    #[error("no such tenant")]
    Unknown,
    /// Never seen, and unreachable.
    #[error("settings unavailable: {0}")]
    Unreachable(String),
    /// The tenant service answered, but not with settings.
    #[error("settings not understood: {0}")]
    Garbage(String),
}

/// Who knows the rules of tenants.
#[async_trait]
pub trait SettingsProvider: Send + Sync {
    /// The rules of a tenant.
    async fn settings(&self, tenant: Uuid) -> Result<Arc<TenantRules>, SettingsError>;
}

/// The provider that the configuration asks for: the tenant service where one is known, else the
/// defaults of the environment.
pub fn settings_provider(platform: &Platform, snapshots: Snapshots) -> Arc<dyn SettingsProvider> {
    let known = platform.settings.service_urls.contains_key(&Service::Tenant);
    if known || platform.settings.is_embedded() {
        return RemoteSettings::new(platform, Some(snapshots));
    }
    Arc::new(DefaultSettings::new(&platform.settings.default_rules))
}

impl TenantRules {
    fn new(facts: &TenantFacts, source: SettingsSource) -> Result<Self, SettingsError> {
        let rules = facts.settings.rules();
        let rules = rules.ok_or_else(|| SettingsError::Garbage("unknown time zone".to_owned()))?;
        let (name, settings) = (facts.name.clone(), facts.settings.clone());
        let (is_active, version) = (facts.is_active, facts.version);
        Ok(Self { name, settings, rules, is_active, version, source })
    }

    /// The configured defaults, for a tenant nobody knows.
    pub fn defaults(settings: &TenantSettings) -> Option<Self> {
        let (settings, rules) = (settings.clone(), settings.rules()?);
        let (name, source) = (String::new(), SettingsSource::Current);
        Some(Self { name, settings, rules, is_active: true, version: 0, source })
    }
}

/// The configured defaults, for a service that runs without a tenant service.
pub struct DefaultSettings(Option<Arc<TenantRules>>);

impl DefaultSettings {
    /// Every tenant has these rules.
    pub fn new(settings: &TenantSettings) -> Self {
        Self(TenantRules::defaults(settings).map(Arc::new))
    }
}

#[async_trait]
impl SettingsProvider for DefaultSettings {
    async fn settings(&self, _: Uuid) -> Result<Arc<TenantRules>, SettingsError> {
        self.0.clone().ok_or_else(|| SettingsError::Garbage("defaults".to_owned()))
    }
}

/// The tenant service, with a near cache and the last known settings below it.
pub struct RemoteSettings {
    clients: Clients,
    near: Arc<Near<Arc<TenantRules>>>,
    /// The last known, where they are not at home anyway.
    snapshots: Option<Snapshots>,
}

impl RemoteSettings {
    /// A provider that hears the platform's events.
    pub fn new(platform: &Platform, snapshots: Option<Snapshots>) -> Arc<Self> {
        let near = Near::new(20_000, platform.settings.facts_ttl);
        let dropped = Arc::clone(&near);
        platform.listen(move |news| match news {
            WatchNews::Lost => dropped.forget_all(),
            WatchNews::Event(event) => {
                if matches!(
                    DirectoryEvent::parse(&event.event_type),
                    Some(
                        DirectoryEvent::TenantUpdated
                            | DirectoryEvent::TenantSettingsChanged
                            | DirectoryEvent::TenantDeleted
                    )
                ) {
                    dropped.forget(event.metadata.tenant_id);
                }
            }
        });
        Arc::new(Self { clients: platform.clients.clone(), near, snapshots })
    }

    async fn load(&self, tenant: Uuid) -> Result<Arc<TenantRules>, SettingsError> {
        match self.clients.tenant(tenant).await {
            Ok(Some(facts)) => {
                if let Some(snapshots) = &self.snapshots
                    && let Err(error) = snapshots.store(&facts).await
                {
                    tracing::warn!(%error, "could not keep the settings of a tenant");
                }
                TenantRules::new(&facts, SettingsSource::Current).map(Arc::new)
            }
            Ok(None) => Err(SettingsError::Unknown),
            Err(ClientError::Unexpected { status, .. }) => {
                Err(SettingsError::Garbage(format!("status {status}")))
            }
            Err(ClientError::Unreachable(reason)) => match self.last_known(tenant).await {
                Some(facts) => TenantRules::new(&facts, SettingsSource::LastKnown).map(Arc::new),
                None => Err(SettingsError::Unreachable(reason.to_string())),
            },
        }
    }
}

impl RemoteSettings {
    async fn last_known(&self, tenant: Uuid) -> Option<TenantFacts> {
        self.snapshots.as_ref()?.load(tenant).await.ok().flatten()
    }
}

#[async_trait]
impl SettingsProvider for RemoteSettings {
    async fn settings(&self, tenant: Uuid) -> Result<Arc<TenantRules>, SettingsError> {
        let found = self.near.get(tenant, || self.load(tenant)).await;
        let found = found.map_err(|error: Arc<SettingsError>| (*error).clone())?;
        if found.source == SettingsSource::LastKnown {
            // Not kept near: the next request asks again, and the breaker makes asking cheap.
            self.near.forget(tenant);
        }
        Ok(found)
    }
}
