//! Importing a calendar file: each of its events becomes closures, and replaces what an earlier import
//! made of the same event.

use std::collections::BTreeMap;

use common::auth::{Caller, Scope};
use common::db::{Answer, Once, Tx};
use contracts::exception::{CreateException, ExceptionKind, ImportView};
use contracts::problem::FieldFault;

use super::calendar::{Calendar, Event, Unreadable};
use super::{Directory, claim};
use crate::app::no_settings;
use crate::error::Error;
use crate::events;
use crate::store::exceptions;
use crate::store::{Exception, Target};

/// What is imported, and into what.
#[derive(Debug)]
pub(crate) struct ImportWish {
    pub(crate) target: Target,
    pub(crate) kind: ExceptionKind,
    /// The file.
    pub(crate) text: String,
}

impl Directory {
    /// Imports a file. Nothing is stored of one that does not read.
    pub(crate) async fn import_exceptions(
        &self,
        caller: &Caller,
        once: &Once,
        wish: &ImportWish,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        if !caller.scope().covers(wish.target.tenant) {
            return Err(Error::OtherTenant);
        }
        let own = Scope::Tenant(wish.target.tenant);
        let rest = Box::pin(self.import_once(once, wish, trace_id));
        once.unless_done(&self.0.database, own, rest).await
    }

    async fn import_once(
        &self,
        once: &Once,
        wish: &ImportWish,
        trace_id: &str,
    ) -> Result<Answer, Error> {
        let ImportWish { target, kind, ref text } = *wish;
        let settings = self.0.settings.settings(target.tenant).await;
        let settings = settings.map_err(|error| no_settings(&error))?;
        let Calendar { events, gone, skipped } =
            Calendar::read(text, &settings.rules.zone).map_err(unreadable)?;
        let imported = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let found: BTreeMap<&str, Vec<Exception>> = events
            .iter()
            .map(|event| (event.uid.as_str(), self.exceptions_of(&target, kind, event)))
            .collect();
        let uids: Vec<String> = events.iter().map(|event| event.uid.clone()).chain(gone).collect();
        let (found, uids, target) = (&found, &uids, &target);
        let view = &ImportView { imported, skipped };
        let own = Scope::Tenant(target.tenant);
        let replaced = once.run(&self.0.database, own, |tx: Tx| async move {
            let changed = self.replace(tx, trace_id, target, found, uids).await?;
            Ok::<_, Error>((Answer::done(view)?, changed))
        });
        let (answer, changed) = replaced.await?;
        if changed.unwrap_or_default() {
            self.exceptions_changed(&[*target]);
        }
        Ok(answer)
    }

    /// What an event is as exceptions of a target.
    fn exceptions_of(&self, target: &Target, kind: ExceptionKind, event: &Event) -> Vec<Exception> {
        let now = self.now();
        let make = |part: &super::calendar::Part| {
            let wish = CreateException {
                tenant_id: target.tenant,
                level: target.level(),
                category_id: target.category,
                resource_id: target.resource,
                kind,
                start_date: part.first,
                end_date: part.last,
                yearly: event.yearly,
                ranges: part.range.iter().cloned().collect(),
                reason: event.reason.clone(),
            };
            let exception = Exception::new(self.0.ids.next(), now, wish);
            Exception { source_uid: Some(event.uid.clone()), ..exception }
        };
        event.parts.iter().map(make).collect()
    }

    /// Puts what was found in the place of what was imported before; whether that changed anything.
    async fn replace(
        &self,
        tx: Tx,
        trace_id: &str,
        target: &Target,
        found: &BTreeMap<&str, Vec<Exception>>,
        uids: &[String],
    ) -> Result<bool, Error> {
        let tx = &*tx;
        claim(tx, target, 0).await?;
        let mut before: BTreeMap<Option<String>, Vec<Exception>> = BTreeMap::new();
        for exception in exceptions::imported(tx, target, uids).await? {
            before.entry(exception.source_uid.clone()).or_default().push(exception);
        }
        // What is there already stays as it is.
        let mut new = Vec::new();
        for (uid, wanted) in found {
            let uid = Some((*uid).to_owned());
            if before.get(&uid).is_some_and(|stored| same(stored, wanted)) {
                before.remove(&uid);
            } else {
                new.extend(wanted.iter().cloned());
            }
        }
        let old: Vec<Exception> = before.into_values().flatten().collect();
        exceptions::delete(tx, target.tenant, &old).await?;
        claim(tx, target, u64::try_from(new.len()).unwrap_or(u64::MAX)).await?;
        exceptions::insert(tx, &new).await?;
        let gone = old.iter().map(events::exception_deleted);
        let drafts: Vec<_> = gone.chain(new.iter().map(events::exception_changed)).collect();
        self.0.outbox.append(tx, trace_id, &drafts).await?;
        Ok(!drafts.is_empty())
    }
}

/// Whether stored exceptions say what is wanted.
fn same(stored: &[Exception], wanted: &[Exception]) -> bool {
    let said = |all: &[Exception]| {
        let mut said: Vec<_> = all.iter().map(|it| (it.start_date, it.form())).collect();
        said.sort_by_key(|(start, _)| *start);
        said
    };
    said(stored) == said(wanted)
}

fn unreadable(why: Unreadable) -> Error {
    let (code, message) = match why {
        Unreadable::NoCalendar => ("icalendar", "Não é um calendário iCalendar (RFC 5545)."),
        Unreadable::Malformed => ("icalendar", "Calendário iCalendar malformado (RFC 5545)."),
        Unreadable::TooMany => ("length", "Deve ter no máximo 500 eventos."),
    };
    Error::Invalid(vec![FieldFault::new("body", code, message)])
}
