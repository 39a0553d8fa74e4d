//! Who may do what with whom. Pure.

use common::auth::Caller;
use contracts::authority::Preset;
use contracts::user::{CreateUser, Permissions, UserType};
use uuid::Uuid;

use crate::error::Error;

/// What a new user may be made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creation {
    /// The caller may make this user.
    Granted,
    /// Only as the very first user of the tenant.
    Bootstrap,
}

/// What the rules look at of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    user_type: UserType,
    /// The single switches, without what the preset adds.
    permissions: Permissions,
    preset: Option<Preset>,
    is_active: bool,
}

impl Standing {
    /// The standing that `profile` gives.
    pub(super) fn of(profile: &CreateUser) -> Self {
        let CreateUser { user_type, permissions, preset, is_active, .. } = *profile;
        Self { user_type, permissions, preset, is_active }
    }
}

/// Whether the caller (`None`: nobody known) may make a user of `tenant` with this standing.
///
/// Who manages users without being an admin makes users only, and hands out no more than
/// `can_book` and what he may do himself: a second account must not be a way up.
pub(super) fn creation(
    caller: Option<&Caller>,
    tenant: Uuid,
    new: Standing,
) -> Result<Creation, Error> {
    let Some(caller) = caller else {
        return match new.user_type {
            UserType::Admin => Ok(Creation::Bootstrap),
            UserType::User if new.preset.is_none() && new.permissions.within(CAN_BOOK) => {
                Ok(Creation::Granted)
            }
            UserType::User => Err(Error::NotAllowed),
        };
    };
    if !caller.scope().covers(tenant) {
        return Err(Error::OtherTenant);
    }
    let nothing = Standing {
        user_type: UserType::User,
        permissions: Permissions::NONE,
        preset: None,
        is_active: true,
    };
    manage(caller, nothing, new)?;
    Ok(Creation::Granted)
}

/// Whether the caller may see and edit a user of his tenant at all: himself, or as one who manages.
pub(super) fn reach(caller: &Caller, user: Uuid) -> Result<(), Error> {
    if caller.is(user) || caller.is_admin() || caller.permissions().can_manage_users {
        return Ok(());
    }
    Err(Error::NotAllowed)
}

/// Whether the caller may turn a user's standing into another. Nobody changes his own.
pub(super) fn change(
    caller: &Caller,
    user: Uuid,
    from: Standing,
    to: Standing,
) -> Result<(), Error> {
    if caller.is(user) {
        return if from == to { Ok(()) } else { Err(Error::NotAllowed) };
    }
    manage(caller, from, to)
}

/// Whether the caller may remove a user of his tenant. Whoever acts as another removes nobody.
pub(super) fn removal(caller: &Caller, user: Uuid) -> Result<(), Error> {
    caller.in_person().map_err(|_| Error::NotAllowed)?;
    if caller.is(user) || caller.is_admin() { Ok(()) } else { Err(Error::NotAllowed) }
}

const CAN_BOOK: Permissions = Permissions { can_book: true, ..Permissions::NONE };

fn manage(caller: &Caller, from: Standing, to: Standing) -> Result<(), Error> {
    if caller.is_admin() {
        return Ok(());
    }
    let own = caller.permissions();
    let users_only = from.user_type == UserType::User && to.user_type == UserType::User;
    let limit = own.union(CAN_BOOK);
    // What others granted stays, each as it was granted: a switch as a switch, a preset by its name.
    let switches = to.permissions.within(limit.union(from.permissions));
    let preset = to.preset == from.preset
        || to.preset.is_none_or(|preset| preset.permissions().within(limit));
    if own.can_manage_users && users_only && switches && preset {
        return Ok(());
    }
    Err(Error::NotAllowed)
}

#[cfg(test)]
mod tests {
    use common::auth::{Credential, Identity, Session};

    use super::*;

    const NONE: Permissions = Permissions::NONE;
    const TENANT: Uuid = Uuid::from_u128(1);
    const ELSEWHERE: Uuid = Uuid::from_u128(2);
    const ME: Uuid = Uuid::from_u128(3);
    const OTHER: Uuid = Uuid::from_u128(4);
    const MANAGES: Permissions = Permissions { can_manage_users: true, ..NONE };

    fn caller(user_type: UserType, permissions: Permissions) -> Caller {
        let permissions = if user_type == UserType::Admin { Permissions::ALL } else { permissions };
        let session = Session { id: OTHER, auth_time: 0, impersonator: None };
        let credential = Credential::Session(session);
        Caller::User(Identity {
            user_id: ME,
            tenant_id: TENANT,
            user_type,
            permissions,
            credential,
        })
    }

    fn standing(user_type: UserType, permissions: Permissions) -> Standing {
        Standing { user_type, permissions, preset: None, is_active: true }
    }

    #[test]
    fn strangers_make_the_first_admin_or_people_who_book() {
        let try_it =
            |user_type, permissions| creation(None, TENANT, standing(user_type, permissions));
        assert!(matches!(try_it(UserType::Admin, Permissions::ALL), Ok(Creation::Bootstrap)));
        assert!(matches!(try_it(UserType::User, CAN_BOOK), Ok(Creation::Granted)));
        assert!(matches!(try_it(UserType::User, NONE), Ok(Creation::Granted)));
        assert!(matches!(try_it(UserType::User, MANAGES), Err(Error::NotAllowed)));
    }

    #[test]
    fn admins_make_anyone_in_their_tenant_only() {
        let admin = caller(UserType::Admin, NONE);
        let new = standing(UserType::Admin, Permissions::ALL);
        assert!(creation(Some(&admin), TENANT, new).is_ok());
        assert!(matches!(creation(Some(&admin), ELSEWHERE, new), Err(Error::OtherTenant)));
        assert!(creation(Some(&Caller::Developer), ELSEWHERE, new).is_ok());
    }

    #[test]
    fn who_manages_users_makes_no_admins_and_hands_out_no_more_than_he_has() {
        let manager = caller(UserType::User, MANAGES);
        let try_it = |user_type, permissions| {
            creation(Some(&manager), TENANT, standing(user_type, permissions)).is_ok()
        };
        assert!(try_it(UserType::User, Permissions { can_book: true, ..MANAGES }));
        assert!(!try_it(UserType::User, Permissions { can_manage_resources: true, ..NONE }));
        assert!(!try_it(UserType::Admin, NONE));
        let plain = caller(UserType::User, CAN_BOOK);
        assert!(creation(Some(&plain), TENANT, standing(UserType::User, NONE)).is_err());
    }

    #[test]
    fn nobody_changes_his_own_standing_but_may_repeat_it() {
        for caller in [caller(UserType::Admin, NONE), caller(UserType::User, MANAGES)] {
            let from = standing(UserType::User, MANAGES);
            let inactive = Standing { is_active: false, ..from };
            assert!(change(&caller, ME, from, from).is_ok());
            assert!(change(&caller, ME, from, inactive).is_err());
            assert!(change(&caller, ME, from, standing(UserType::User, NONE)).is_err());
            assert!(change(&caller, OTHER, from, inactive).is_ok());
        }
    }

    #[test]
    fn a_preset_is_no_way_to_more_than_one_has() {
        let with = |permissions, preset| Standing {
            preset: Some(preset),
            ..standing(UserType::User, permissions)
        };
        let plain = standing(UserType::User, NONE);
        let views = Permissions { can_view_all_bookings: true, ..MANAGES };
        let (manager, seeing) = (caller(UserType::User, MANAGES), caller(UserType::User, views));
        for preset in [Preset::Scanner, Preset::Viewer, Preset::Coordinator, Preset::Owner] {
            let new = with(NONE, preset);
            assert!(creation(None, TENANT, new).is_err());
            assert!(creation(Some(&manager), TENANT, new).is_err());
            assert!(change(&manager, OTHER, plain, new).is_err());
            let within = matches!(preset, Preset::Scanner | Preset::Viewer);
            assert_eq!(creation(Some(&seeing), TENANT, new).is_ok(), within);
            assert_eq!(change(&seeing, OTHER, plain, new).is_ok(), within);
            // What another granted stays, and can be taken away.
            assert!(change(&manager, OTHER, new, new).is_ok());
            assert!(change(&manager, OTHER, new, plain).is_ok());
            assert!(change(&caller(UserType::Admin, NONE), OTHER, plain, new).is_ok());
        }
        // Neither is what a preset gives made to stay as a switch, nor a switch a preset.
        let owner = with(NONE, Preset::Owner);
        assert!(change(&manager, OTHER, owner, with(Permissions::ALL, Preset::Owner)).is_err());
        assert!(
            change(&manager, OTHER, standing(UserType::User, Permissions::ALL), owner).is_err()
        );
        // Nobody gives himself a preset, not even one that grants nothing new.
        let own = standing(UserType::User, views);
        assert!(change(&seeing, ME, own, with(views, Preset::Viewer)).is_err());
    }

    #[test]
    fn keys_and_operators_in_disguise_remove_nobody() {
        let Caller::User(admin) = caller(UserType::Admin, NONE) else { unreachable!() };
        let session = Session { id: OTHER, auth_time: 0, impersonator: Some(OTHER) };
        for credential in [Credential::ApiKey, Credential::Session(session)] {
            let admin = Caller::User(Identity { credential, ..admin.clone() });
            assert!(removal(&admin, OTHER).is_err() && removal(&admin, ME).is_err());
        }
    }

    #[test]
    fn who_manages_users_touches_no_admin_and_keeps_what_others_granted() {
        let manager = caller(UserType::User, MANAGES);
        let admin = standing(UserType::Admin, NONE);
        let user = standing(UserType::User, Permissions::ALL);
        assert!(change(&manager, OTHER, admin, admin).is_err());
        assert!(change(&manager, OTHER, user, admin).is_err());
        assert!(change(&manager, OTHER, user, user).is_ok());
        assert!(removal(&manager, OTHER).is_err());
        assert!(removal(&manager, ME).is_ok());
        assert!(reach(&manager, OTHER).is_ok());
        assert!(reach(&caller(UserType::User, CAN_BOOK), OTHER).is_err());
    }
}
