//! Logging: `tracing` lines as JSON or for eyes, on standard output. No personal data, no token.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::{LogFormat, Settings};

/// Starts logging. Harmless when a subscriber is set already, as in tests.
pub fn init(settings: &Settings) {
    let level = &settings.log_level;
    let filter = EnvFilter::try_new(format!(
        "{level},sqlx=warn,sea_orm=warn,sea_orm_migration=warn,hyper=warn"
    ))
    .unwrap_or_else(|_| EnvFilter::new("info"));
    let eyes = std::io::stdout().is_terminal();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(eyes);
    let already = match settings.log_format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).finish().try_init()
        }
        LogFormat::Pretty => builder.compact().finish().try_init(),
    };
    if already.is_err() {
        tracing::debug!("a subscriber was set already");
    }
}
