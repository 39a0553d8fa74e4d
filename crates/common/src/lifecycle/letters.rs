//! `dead-letters`: what a person does about events that could not be applied.

use std::process::ExitCode;

use super::Running;
use super::command::{Program, say};
use crate::platform::Platform;
use crate::settings::Settings;
use crate::streams::{Consumer, ReplayError};

/// The most letters shown of one consumer.
const SHOWN: u64 = 200;

/// Shows the dead letters of the consumers of this binary, or replays one.
pub(super) async fn dead_letters(
    program: &impl Program,
    settings: Settings,
    source: Option<&str>,
    replay: Option<i64>,
) -> Result<ExitCode, String> {
    let platform = Platform::open(settings).map_err(|error| error.to_string())?;
    let services = Box::pin(program.build(&platform)).await.map_err(|error| error.to_string())?;
    let running = Running::idle(&platform, services);
    let mut applied = 0;
    for consumer in running.services().iter().flat_map(|service| &service.consumers) {
        match replay {
            Some(position) => applied += again(consumer, source, position).await?,
            None => show(consumer).await?,
        }
    }
    if let Some(position) = replay.filter(|_| applied == 0) {
        return Err(format!("no dead letter at position {position} of this source"));
    }
    // What a replayed event caused in turn is published before we leave.
    for service in running.services() {
        service.relay.drain().await.map_err(|error| error.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(consumer: &Consumer) -> Result<(), String> {
    let letters = consumer.dead_letters(SHOWN).await.map_err(|error| error.to_string())?;
    say(&format!("{}: {} dead", consumer.name(), letters.len()));
    for letter in letters {
        let (event, attempts) = (&letter.event, letter.attempts);
        let (source, position) = (event.metadata.source.name(), event.metadata.position);
        let (kind, error) = (&event.event_type, &letter.error);
        say(&format!("  {source} {position} {kind} after {attempts} attempts: {error}"));
    }
    Ok(())
}

/// How many letters were applied: of several consumers only one may have laid this one aside.
async fn again(consumer: &Consumer, source: Option<&str>, position: i64) -> Result<usize, String> {
    let named = contracts::Service::ALL.into_iter().find(|service| Some(service.name()) == source);
    let source = named.ok_or_else(|| "--source must name a service".to_owned())?;
    match consumer.replay(source, position).await {
        Ok(count) => {
            say(&format!("{}: {count} applied", consumer.name()));
            Ok(count)
        }
        Err(ReplayError::NotFound(_)) => Ok(0),
        Err(error) => Err(format!("{}: {error}", consumer.name())),
    }
}
