//! Makes an API key.

use chrono::{DateTime, Utc};
use common::auth::{Caller, Scope};
use contracts::api_key::{CreateApiKey, NewApiKeyView};
use contracts::problem::FieldFault;
use contracts::security::SecurityEvent;
use scheduling::TimeInput;
use uuid::Uuid;

use super::secret::Secret;
use super::{doer, told};
use crate::app::Users;
use crate::error::Error;
use crate::store::api_key::{self, ApiKey};
use crate::store::{self, DbErr};

/// The most keys of a tenant that can be used at one time.
const MOST: u64 = 100;

impl Users {
    /// Stores a new key of the tenant and shows it, this once.
    pub(crate) async fn create_api_key(
        &self,
        caller: &Caller,
        tenant: Uuid,
        wanted: CreateApiKey,
        trace_id: &str,
    ) -> Result<NewApiKeyView, Error> {
        self.admin_of(caller, tenant).await?;
        caller.in_person().map_err(|_| Error::NotAllowed)?;
        let secret = Secret::new();
        let now = self.clock.now();
        let key = ApiKey {
            id: self.ids.next(),
            tenant_id: tenant,
            name: wanted.name,
            prefix: secret.prefix(),
            key_hash: secret.hash(),
            scopes: serde_json::to_value(wanted.scopes)
                .map_err(|error| DbErr::Json(error.to_string()))?,
            expires_at: self.expiry(tenant, wanted.expires_at, now).await?,
            last_used_at: None,
            use_told_at: None,
            created_by: doer(caller),
            created_at: now,
            revoked_at: None,
        };
        let event = told(SecurityEvent::ApiKeyCreated, &key, key.created_by);
        let made = self.database.transact(Scope::Tenant(tenant), async |tx| {
            store::hold_tenant(&tx, tenant).await?;
            if api_key::live(&tx, tenant, now).await? >= MOST {
                return Err(Error::TooManyKeys { most: MOST });
            }
            api_key::insert(&tx, key.clone()).await?;
            Ok(self.outbox.append(&*tx, trace_id, std::slice::from_ref(&event)).await?)
        });
        made.await?;
        self.relay.wake();
        Ok(NewApiKeyView { key: secret.into_text(), view: key.view()? })
    }

    /// The moment a key stops: in the future, by the tenant's own clocks where no offset is given.
    async fn expiry(
        &self,
        tenant: Uuid,
        wanted: Option<TimeInput>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(wanted) = wanted else { return Ok(None) };
        let fault = |code: &str, message: String| {
            Error::Invalid(vec![FieldFault::new("expires_at".to_owned(), code, message)])
        };
        let end = match wanted {
            TimeInput::Instant(end) => end,
            TimeInput::Local(_) => {
                let zone = self.zone(tenant).await?;
                wanted.resolve(&zone).map_err(|error| fault("format", error.to_string()))?
            }
        };
        if end <= now {
            return Err(fault("range", "Deve estar no futuro.".to_owned()));
        }
        Ok(Some(end))
    }

    async fn zone(&self, tenant: Uuid) -> Result<scheduling::Zone, Error> {
        let found = self.tenants.settings(tenant).await;
        let rules = found.map_err(|error| Error::TenantUnverified(error.to_string()))?;
        Ok(rules.rules.zone.clone())
    }
}
