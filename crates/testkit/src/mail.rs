//! A letterbox: what a service under test would have mailed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use common::notify::{Mail, Notifier, NotifyError};

/// Keeps every mail, and fails when it is told to.
#[derive(Default)]
pub struct Letterbox(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    mails: Vec<Mail>,
    /// How many are refused before one is taken again.
    refusing: usize,
    /// How many came altogether.
    tried: usize,
}

impl Letterbox {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was taken since it was last emptied.
    pub fn empty(&self) -> Vec<Mail> {
        std::mem::take(&mut self.inner().mails)
    }

    /// Lets the next `mails` fail.
    pub fn refuse(&self, mails: usize) {
        self.inner().refusing = mails;
    }

    /// How many mails were tried, taken or not.
    pub fn tried(&self) -> usize {
        self.inner().tried
    }
}

#[async_trait]
impl Notifier for Letterbox {
    async fn send(&self, mail: Mail) -> Result<(), NotifyError> {
        let mut inner = self.inner();
        inner.tried += 1;
        if inner.refusing > 0 {
            inner.refusing -= 1;
            return Err(NotifyError::Unreachable);
        }
        inner.mails.push(mail);
        Ok(())
    }
}
