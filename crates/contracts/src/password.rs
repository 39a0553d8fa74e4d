//! Passwords: what a tenant asks of them, and the bodies that change and recover them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::form::{Decode, Faults, Form, boolean, integer, text, uuid};

/// Fewer characters than this has no password.
pub const SHORTEST: usize = 8;
/// More characters than this has no password.
pub const LONGEST: usize = 128;

/// What a tenant asks of its people's passwords, beyond what everyone's must have: 8 to 128
/// characters, a letter and a digit, and not one of the 10,000 commonest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PasswordPolicy {
    /// The fewest characters.
    #[schema(minimum = 8, maximum = 64, default = 8)]
    pub min_length: u32,
    /// Whether there must be an upper-case letter.
    #[schema(default = false)]
    pub require_uppercase: bool,
    /// Whether there must be something that is neither letter, digit nor space.
    #[schema(default = false)]
    pub require_symbol: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8, require_uppercase: false, require_symbol: false }
    }
}

impl Decode for PasswordPolicy {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let min_length = form.or("min_length", 8, integer(8, 64));
        let require_uppercase = form.or("require_uppercase", false, boolean);
        let require_symbol = form.or("require_symbol", false, boolean);
        Some(Self {
            min_length: u32::try_from(min_length?).ok()?,
            require_uppercase: require_uppercase?,
            require_symbol: require_symbol?,
        })
    }
}

/// A password that is to be set. The tenant's policy is judged later, where the tenant is known.
pub fn new_password(value: &Value, faults: &mut Faults) -> Option<String> {
    let password = text(0, LONGEST)(value, faults)?;
    if password.chars().count() < SHORTEST {
        return faults.add("too_short", too_short(SHORTEST));
    }
    Some(password)
}

/// What is said of a password with fewer than `fewest` characters.
pub fn too_short(fewest: usize) -> String {
    format!("Deve ter pelo menos {fewest} caracteres.")
}

/// `POST /auth/password/change`.
#[derive(Clone, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The password so far.
    #[schema(min_length = 1, max_length = 128, format = Password, write_only)]
    pub current_password: String,
    /// The one from now on.
    #[schema(min_length = 8, max_length = 128, format = Password, write_only)]
    pub new_password: String,
}

impl Decode for ChangePassword {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let current_password = form.required("current_password", text(1, LONGEST));
        let new_password = form.required("new_password", new_password);
        Some(Self { current_password: current_password?, new_password: new_password? })
    }
}

/// `POST /auth/password/recover`.
#[derive(Clone, Deserialize, ToSchema)]
pub struct RecoverPassword {
    /// The e-mail address of the account.
    #[schema(min_length = 1, max_length = 254, example = "ana@example.com")]
    pub email: String,
    /// Which tenant, when the address exists in several.
    pub tenant_id: Option<Uuid>,
    /// The same, by the tenant's domain.
    #[schema(min_length = 1, max_length = 253)]
    pub domain: Option<String>,
}

impl Decode for RecoverPassword {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let email = form.required("email", text(1, 254));
        let tenant_id = form.optional("tenant_id", uuid);
        let domain = form.optional("domain", text(1, 253));
        Some(Self { email: email?, tenant_id: tenant_id?, domain: domain? })
    }
}

/// The answer to `POST /auth/password/recover`, whether or not there is such an account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryAccepted {
    /// Always `true`.
    pub success: bool,
    /// For people.
    #[schema(example = "Se houver uma conta com este e-mail, enviaremos instruções.")]
    pub message: String,
}

/// `POST /auth/password/reset`.
#[derive(Clone, Deserialize, ToSchema)]
pub struct ResetPassword {
    /// What the mail says; good once, for thirty minutes.
    #[schema(min_length = 1, max_length = 200, example = "mp_…")]
    pub token: String,
    /// The password from now on.
    #[schema(min_length = 8, max_length = 128, format = Password, write_only)]
    pub password: String,
}

impl Decode for ResetPassword {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let token = form.required("token", text(1, 200));
        let password = form.required("password", new_password);
        Some(Self { token: token?, password: password? })
    }
}
