//! The use cases: load facts, decide, one transaction. Nothing leaves the process before its commit.

mod availability;
mod capacity;
mod categories;
mod changes;
mod edit;
mod exceptions;
mod resources;
mod search;
mod what_if;

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use common::clock::{Clock, IdSource};
use common::db::Database;
use common::providers::{SettingsError, SettingsProvider};
use common::streams::{Outbox, Relay};
use contracts::client::Clients;
use uuid::Uuid;

use crate::error::{Error, NoAnswer};

pub(crate) use availability::{Availability, Frame, Range, Ready};
pub(crate) use changes::{Change, Changes, Reader};
pub(crate) use exceptions::{ImportWish, MOST as MOST_EXCEPTIONS};
pub(crate) use search::{Edge, Narrow, Search, Wanted};
pub(crate) use what_if::WhatIf;

/// What the use cases work with.
pub(crate) struct Parts {
    pub(crate) database: Database,
    pub(crate) outbox: Outbox,
    pub(crate) relay: Relay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) settings: Arc<dyn SettingsProvider>,
    pub(crate) availability: Arc<Availability>,
    pub(crate) clients: Clients,
    pub(crate) search: Arc<Search>,
    pub(crate) changes: Arc<Changes>,
    pub(crate) what_if: WhatIf,
}

/// The use cases of categories and resources. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Directory(Arc<Parts>);

impl Directory {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// When resources are free.
    pub(crate) fn availability(&self) -> &Availability {
        &self.0.availability
    }

    /// Finds free resources.
    pub(crate) fn search(&self) -> &Arc<Search> {
        &self.0.search
    }

    /// Previews changed settings.
    pub(crate) fn what_if(&self) -> &WhatIf {
        &self.0.what_if
    }

    /// Tells of changed days.
    pub(crate) fn changes(&self) -> &Arc<Changes> {
        &self.0.changes
    }

    /// A resource changed in this very process.
    fn resource_changed(&self, tenant: Uuid, id: Uuid) {
        self.0.availability.resource_changed(id);
        self.0.search.directory_changed(tenant);
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Whatever the zone, what ended before this date is over.
    fn yesterday(&self) -> NaiveDate {
        self.now().date_naive() - Days::new(1)
    }

    /// Nothing is made for a tenant nobody knows.
    async fn tenant_exists(&self, tenant: Uuid) -> Result<(), Error> {
        match self.0.settings.settings(tenant).await {
            Ok(_) => Ok(()),
            Err(error) => Err(no_settings(&error).into()),
        }
    }
}

/// What it means that there are no settings to decide by.
fn no_settings(error: &SettingsError) -> NoAnswer {
    match error {
        SettingsError::Unknown => NoAnswer::NoTenant,
        SettingsError::Unreachable(_) | SettingsError::Garbage(_) => {
            NoAnswer::Settings(error.to_string())
        }
    }
}
