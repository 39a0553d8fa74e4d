//! Neighbours' facts, kept near: on the warm path no call leaves the process. Events drop what they
//! concern; a value that was loaded before an event is never kept after it; the TTL is the net below.

mod directory;
mod near;
mod people;
mod resources;
mod settings;
mod snapshot;

pub use directory::Lookup;
pub use near::{Epochs, Near};
pub use people::{UserDirectory, UserLookup, hex};
pub use resources::{Bookable, ResourceDirectory};
pub use settings::{
    DefaultSettings, RemoteSettings, SettingsError, SettingsProvider, SettingsSource, TenantRules,
    settings_provider,
};
pub use snapshot::{Snapshots, migrations};
