//! What the service repeats: sending mails, putting exports together, forgetting failures, removing what is over, looking for
//! changed keys.

use std::sync::Arc;
use std::time::Duration;

use common::platform::Job;

use crate::app::{Keep, Users, cleanup};

/// How often mails are looked for that nobody was woken for: those whose first try failed, or whose
/// request was taken down by a process that is gone.
const MAIL: Duration = Duration::from_secs(15);
/// How often exports are looked for that nobody was woken for.
const EXPORT: Duration = Duration::from_secs(15);
/// How often what is over is removed.
const PRUNE: Duration = Duration::from_mins(10);
/// How often sessions and tokens that are over are removed.
const CLEANUP: Duration = Duration::from_hours(1);

/// All of them.
pub(crate) fn all(users: &Users) -> Vec<Job> {
    let (sender, pruner, cleaner) = (users.clone(), users.clone(), users.clone());
    let collector = users.clone();
    vec![
        Job {
            name: "send recovery mails",
            every: MAIL,
            wake: Some(Arc::clone(&users.mail_due)),
            run: Arc::new(move || {
                let users = sender.clone();
                Box::pin(async move {
                    users.send_recovery_mails().await.map_err(|error| error.to_string())
                })
            }),
        },
        Job {
            name: "make exports",
            every: EXPORT,
            wake: Some(Arc::clone(&users.export_due)),
            run: Arc::new(move || {
                let users = collector.clone();
                Box::pin(
                    async move { users.make_exports().await.map_err(|error| error.to_string()) },
                )
            }),
        },
        Job {
            name: "prune failed sign-ins and recoveries",
            every: PRUNE,
            wake: None,
            run: Arc::new(move || {
                let users = pruner.clone();
                Box::pin(async move {
                    users.prune_throttle().await.map_err(|error| error.to_string())?;
                    users.prune_recoveries().await.map_err(|error| error.to_string())
                })
            }),
        },
        Job {
            name: "clean up sessions",
            every: CLEANUP,
            wake: None,
            run: Arc::new(move || {
                let users = cleaner.clone();
                Box::pin(async move {
                    let now = users.clock.now();
                    let done = cleanup(&users.database, now, Keep::default(), false).await;
                    done.map(drop).map_err(|error| error.to_string())
                })
            }),
        },
        users.signer.watch(),
    ]
}
