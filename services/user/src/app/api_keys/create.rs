//! Makes an API key.

use chrono::{DateTime, Utc};
use common::auth::{Caller, Scope};
use common::db::{Answer, Once};
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
    /// Stores a new key of the tenant, once, and shows it in the answer to this very request alone.
    pub(crate) async fn create_api_key(
        &self,
        caller: &Caller,
        tenant: Uuid,
        once: &Once,
        wanted: CreateApiKey,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        self.admin_of(caller, tenant).await?;
        caller.in_person().map_err(|_| Error::NotAllowed)?;
        let own = Scope::Tenant(tenant);
        let rest = async {
            let secret = Secret::new();
            let key = self.new_key(tenant, wanted, doer(caller), &secret).await?;
            let view = key.clone().view()?;
            let answer = Answer::created(&NewApiKeyView { key: secret.into_text(), view })?;
            let event = told(SecurityEvent::ApiKeyCreated, &key, key.created_by);
            let made = once.run(&self.database, own, async |tx| {
                store::hold_tenant(&tx, tenant).await?;
                if api_key::live(&tx, tenant, key.created_at).await? >= MOST {
                    return Err(Error::TooManyKeys { most: MOST });
                }
                api_key::insert(&tx, key.clone()).await?;
                self.outbox.append(&*tx, trace_id, std::slice::from_ref(&event)).await?;
                Ok::<_, Error>((answer.clone(), ()))
            });
            let (answer, _) = made.await?;
            self.relay.wake();
            Ok(answer)
        };
        once.unless_done(&self.database, own, rest).await
    }

    async fn new_key(
        &self,
        tenant: Uuid,
        wanted: CreateApiKey,
        created_by: Option<Uuid>,
        secret: &Secret,
    ) -> Result<ApiKey, Error> {
        let now = self.clock.now();
        Ok(ApiKey {
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
            created_by,
            created_at: now,
            revoked_at: None,
        })
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
