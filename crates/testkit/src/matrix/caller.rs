//! Who asks, and with what.

use http::Method;
use serde_json::{Value, json};

use super::scene::{CHANGED, PASSWORD, PLATFORM, Scene, login, permissions};
use super::{Front, expired, refused};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// No token at all.
    Nobody,
    /// The admin of another tenant.
    Other,
    /// A user without permissions.
    Plain,
    /// A user with `can_book`.
    Book,
    /// A user with `can_manage_resources`.
    Resources,
    /// A user with `can_manage_users`.
    Users,
    /// A user with `can_view_all_bookings`.
    View,
    /// The tenant's admin.
    Admin,
    /// A platform operator.
    Operator,
    /// The admin, with a token that expired.
    Expired,
    /// The admin, with a token that was signed out.
    Revoked,
    /// An admin who was deactivated.
    Suspended,
    /// An API key without scopes.
    Key,
    /// An API key with every scope.
    KeyAll,
}

impl Caller {
    /// In the order of the columns.
    pub const ALL: [Self; 14] = [
        Self::Nobody,
        Self::Other,
        Self::Plain,
        Self::Book,
        Self::Resources,
        Self::Users,
        Self::View,
        Self::Admin,
        Self::Operator,
        Self::Expired,
        Self::Revoked,
        Self::Suspended,
        Self::Key,
        Self::KeyAll,
    ];

    /// The head of the column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Other => "other",
            Self::Plain => "plain",
            Self::Book => "book",
            Self::Resources => "resources",
            Self::Users => "users",
            Self::View => "view",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Key => "key",
            Self::KeyAll => "keyall",
        }
    }
}

/// What a caller shows. Some operations end its session; it signs in anew for those that follow.
pub(super) struct Token {
    bearer: String,
    /// Tenant and address, of those who can sign in.
    account: Option<(String, String)>,
    password: &'static str,
}

impl Token {
    fn fixed(token: String) -> Self {
        Self { bearer: token, account: None, password: PASSWORD }
    }

    async fn signed_in(front: &impl Front, tenant: &str, email: String) -> Self {
        let token = login(front, tenant, &email, PASSWORD).await;
        Self { bearer: token, account: Some((tenant.to_owned(), email)), password: PASSWORD }
    }

    /// The token for an operation.
    pub(super) async fn of(&mut self, front: &impl Front, operation: &str) -> String {
        if let Some((tenant, email)) = &self.account {
            // The one it has was signed out.
            if matches!(operation, "POST /auth/logout-all" | "DELETE /tenants/{id}") {
                self.bearer = login(front, tenant, email, self.password).await;
            }
        }
        self.bearer.clone()
    }

    /// Takes note of what an operation has done.
    pub(super) fn done(&mut self, operation: &str, status: u16) {
        if operation == "POST /auth/password/change" && status == 204 {
            self.password = CHANGED;
        }
    }
}

impl Scene {
    /// One of this kind, with a token.
    pub(super) async fn caller(&mut self, front: &impl Front, caller: Caller) -> Token {
        let email = format!("eva@{}", self.domain);
        let permission = match caller {
            Caller::Nobody => return Token::fixed(String::new()),
            Caller::Other => {
                let other = Self::bare(front, &format!("alheio.{}", self.domain)).await;
                let email = format!("ana@{}", other.domain);
                return Token::signed_in(front, &other.tenant, email).await;
            }
            Caller::Admin => {
                let email = format!("ana@{}", self.domain);
                return Token::signed_in(front, &self.tenant, email).await;
            }
            Caller::Operator => {
                front.operator(&email).await;
                return Token::signed_in(front, PLATFORM, email).await;
            }
            Caller::Expired => {
                return Token::fixed(expired(&front.signing_key(), &self.admin_token));
            }
            Caller::Revoked => return Token::fixed(self.revoked(front).await),
            Caller::Suspended => return Token::fixed(self.suspended(front, &email).await),
            Caller::Key => return Token::fixed(self.key(front, json!({})).await.1),
            Caller::KeyAll => return Token::fixed(self.key(front, permissions()).await.1),
            Caller::Plain => json!({}),
            Caller::Book => json!({ "can_book": true }),
            Caller::Resources => json!({ "can_manage_resources": true }),
            Caller::Users => json!({ "can_manage_users": true }),
            Caller::View => json!({ "can_view_all_bookings": true }),
        };
        self.booker = self.join(front, &email, "user", permission).await;
        Token::signed_in(front, &self.tenant, email).await
    }

    async fn revoked(&self, front: &impl Front) -> String {
        let token = login(front, &self.tenant, &format!("ana@{}", self.domain), PASSWORD).await;
        let out = front.ask(Method::POST, "/auth/logout", &token, Value::Null).await;
        out.expect(204);
        refused(front, self, &token).await;
        token
    }

    async fn suspended(&self, front: &impl Front, email: &str) -> String {
        let id = self.join(front, email, "admin", json!({})).await;
        let token = login(front, &self.tenant, email, PASSWORD).await;
        let off = json!({ "is_active": false });
        front.ask(Method::PUT, &format!("/users/{id}"), &self.admin_token, off).await.expect(200);
        refused(front, self, &token).await;
        token
    }
}
