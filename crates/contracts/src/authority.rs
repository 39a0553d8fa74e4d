//! Authority by name. A preset is a named set of permissions; this table is the one place where a new
//! permission is added to one, or a new preset to the others.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::user::Permissions;

/// The tenant of those who belong to none: platform operators. No business ever has this id.
pub const PLATFORM: Uuid = Uuid::nil();

/// A role that a tenant gives a user by its name instead of by single permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Receives people at the door: sees who is expected.
    Scanner,
    /// Runs the calendar: books for himself, keeps resources, sees every booking.
    Coordinator,
    /// Runs the business without being an admin: everything the permissions offer.
    Owner,
    /// Looks on: sees every booking and changes nothing.
    Viewer,
}

impl Preset {
    /// The wire values.
    pub const WORDS: &'static [&'static str] = &["scanner", "coordinator", "owner", "viewer"];

    /// Reads the wire value.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "scanner" => Some(Self::Scanner),
            "coordinator" => Some(Self::Coordinator),
            "owner" => Some(Self::Owner),
            "viewer" => Some(Self::Viewer),
            _ => None,
        }
    }

    /// The wire value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::Coordinator => "coordinator",
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// What it grants.
    pub const fn permissions(self) -> Permissions {
        match self {
            Self::Scanner | Self::Viewer => {
                Permissions { can_view_all_bookings: true, ..Permissions::NONE }
            }
            Self::Coordinator => Permissions { can_manage_users: false, ..Permissions::ALL },
            Self::Owner => Permissions::ALL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_none_besides() {
        for word in Preset::WORDS {
            assert_eq!(Preset::parse(word).map(Preset::as_str), Some(*word));
        }
        assert_eq!(Preset::parse("Owner"), None);
    }

    #[test]
    fn no_preset_but_owner_may_manage_users() {
        let managing = Preset::WORDS
            .iter()
            .filter_map(|word| Preset::parse(word))
            .filter(|preset| preset.permissions().can_manage_users);
        assert_eq!(managing.collect::<Vec<_>>(), [Preset::Owner]);
    }
}
