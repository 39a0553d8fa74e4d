//! Fewer bookings at one instant: agreed with the booking service before it is committed.
//!
//! The booking service is asked outside of any transaction. What it agreed to names the versions that
//! the resources are about to have; if these are others by then, it is asked again.

use contracts::client::Lowered;
use contracts::facts::{CapacityLowering, LoweredResource};

use super::Directory;
use crate::error::{Error, NoAnswer};
use crate::store::{Category, Resource};

/// How often an edit is begun again because something changed meanwhile.
pub(super) const ATTEMPTS: usize = 5;

/// What became of an edit.
pub(super) enum Edited<T> {
    Done(T),
    /// Nothing was written: this has to be agreed to first.
    Lowers(CapacityLowering),
}

impl Directory {
    /// Asks the booking service to agree to a lowering.
    pub(super) async fn lower(&self, lowering: &CapacityLowering) -> Result<(), Error> {
        match self.0.clients.lower_capacity(lowering).await {
            Ok(Lowered::Obeyed) => Ok(()),
            Ok(Lowered::InTheWay(conflicts)) => Err(Error::CapacityInUse(conflicts)),
            Err(error) => Err(NoAnswer::Bookings(error.to_string()).into()),
        }
    }
}

/// What an edit of a resource lowers, if it does.
pub(super) fn of_resource(
    (old, old_category): (&Resource, &Category),
    (new, category): (&Resource, &Category),
) -> Option<CapacityLowering> {
    let (before, after) = (old.places(old_category), new.places(category));
    let lowers = before.is_shared() && after.places() < before.places();
    let (places, version) = (after.places(), old.version + 1);
    let resource = LoweredResource { resource_id: old.id, places, version };
    lowers.then(|| CapacityLowering { tenant_id: old.tenant_id, resources: vec![resource] })
}

/// What it lowers that the resources of a category are no longer shared.
pub(super) fn of_category(
    category: &Category,
    resources: &[Resource],
) -> Result<CapacityLowering, Error> {
    if resources.len() > CapacityLowering::MOST {
        return Err(Error::TooManyResources);
    }
    let alone = |resource: &Resource| LoweredResource {
        resource_id: resource.id,
        places: 1,
        version: resource.version + 1,
    };
    let resources = resources.iter().map(alone).collect();
    Ok(CapacityLowering { tenant_id: category.tenant_id, resources })
}
