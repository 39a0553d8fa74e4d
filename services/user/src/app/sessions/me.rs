//! Who calls, for the caller to see.

use common::auth::{Principal, Scope};
use contracts::authority::PLATFORM;
use contracts::session::{CallerKind, MeView};
use contracts::user::Permissions;
use uuid::Uuid;

use super::super::Users;
use crate::error::Error;
use crate::store;

impl Users {
    /// What is known of the caller, with the authority of this moment.
    pub(crate) async fn me(&self, principal: &Principal) -> Result<MeView, Error> {
        let view = match principal {
            Principal::Developer => MeView::nameless(CallerKind::Developer, Permissions::ALL),
            Principal::Operator(operator) => {
                let (kind, none) = (CallerKind::Operator, Permissions::NONE);
                self.person(kind, PLATFORM, operator.user_id, none).await?
            }
            Principal::User(identity) if identity.session().is_none() => MeView {
                id: Some(identity.user_id),
                tenant_id: Some(identity.tenant_id),
                ..MeView::nameless(CallerKind::ApiKey, identity.permissions)
            },
            Principal::User(identity) => {
                let (tenant, permissions) = (identity.tenant_id, identity.permissions);
                self.person(CallerKind::User, tenant, identity.user_id, permissions).await?
            }
        };
        let session = principal.session();
        Ok(MeView {
            session_id: session.map(|session| session.id),
            impersonated_by: session.and_then(|session| session.impersonator),
            ..view
        })
    }

    async fn person(
        &self,
        kind: CallerKind,
        tenant: Uuid,
        id: Uuid,
        permissions: Permissions,
    ) -> Result<MeView, Error> {
        let own = Scope::Tenant(tenant);
        let found = store::find(&self.database.read(own), own, id).await?;
        Ok(MeView::person(kind, found.ok_or(Error::Unknown)?.view(), permissions))
    }
}
