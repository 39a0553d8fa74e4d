//! What the service repeats: removing what is over.

use std::sync::Arc;
use std::time::Duration;

use common::platform::Job;

use crate::app::{Keep, Users, cleanup};

/// All of it.
pub(crate) fn all(users: &Users) -> Vec<Job> {
    let (watch, users) = (users.signer.watch(), users.clone());
    let cleaner = Job {
        name: "clean up sessions",
        every: Duration::from_hours(1),
        run: Arc::new(move || {
            let users = users.clone();
            Box::pin(async move {
                let now = users.clock.now();
                let done = cleanup(&users.database, now, Keep::default(), false).await;
                done.map(drop).map_err(|error| error.to_string())
            })
        }),
    };
    vec![watch, cleaner]
}
