//! Sends the mails of those who have forgotten their password.
//!
//! A request is a row until its mail is out. A try takes the row with a new token first and sends then:
//! whatever happens in between, the row is tried again later, with another token, five times at most.

use chrono::TimeDelta;
use common::db::Scope;
use common::notify::Mail;
use uuid::Uuid;

use super::recover_password::GOOD_FOR;
use super::{Users, token};
use crate::error::Error;
use crate::store::recoveries::{self, Due};
use crate::store::{self, User};

/// The wait after the first try; it doubles with each. Longer than a try can take.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// Characters of a tenant's name in a mail: anyone can make a tenant, so it must not be a letter.
const NAME: usize = 60;

impl Users {
    /// Sends every mail that is due. The last failure, if there was one.
    pub(crate) async fn send_recovery_mails(&self) -> Result<(), Error> {
        let mut failure = None;
        loop {
            let due = recoveries::due(&self.database.read(Scope::All), self.clock.now()).await?;
            if due.is_empty() {
                return failure.map_or(Ok(()), Err);
            }
            for request in due {
                match self.send_recovery_mail(&request).await {
                    Ok(()) => {}
                    // Perhaps nothing was taken: trying on would never end.
                    Err(error @ Error::Database(_)) => return Err(error),
                    Err(error) => failure = Some(error),
                }
            }
        }
    }

    async fn send_recovery_mail(&self, due: &Due) -> Result<(), Error> {
        let now = self.clock.now();
        let token = token::new();
        let token_hash = token::hash(&token);
        let next_try = now + PAUSE * (1 << due.attempts.clamp(0, 8));
        let own = Scope::Tenant(due.tenant);
        let claimed = self.database.transact(own, async |tx| {
            recoveries::claim(&tx, due, &token_hash, next_try, now + GOOD_FOR).await
        });
        if !claimed.await? {
            return Ok(());
        }
        let Some(user) = self.recipient(due).await? else {
            let given_up =
                self.database.transact(own, async |tx| recoveries::give_up(&tx, due.id).await);
            return Ok(given_up.await?);
        };
        let tenant = self.tenant_name(due.tenant).await;
        let link = self.public_url.as_ref().map(|url| link(url.as_str(), &token));
        let (subject, text) = words(tenant.as_deref(), link.as_deref(), &token);
        let mail = Mail { to: user.profile.email, subject, text };
        self.notifier.send(mail).await?;
        let sent = self
            .database
            .transact(own, async |tx| recoveries::sent(&tx, &token_hash, self.clock.now()).await);
        Ok(sent.await?)
    }

    /// The user, if he may still sign in.
    async fn recipient(&self, due: &Due) -> Result<Option<User>, Error> {
        use common::providers::SettingsError;
        let own = Scope::Tenant(due.tenant);
        let found = store::find(&self.database.read(own), own, due.user).await?;
        let active = match self.tenants.settings(due.tenant).await {
            Ok(rules) => rules.is_active,
            Err(SettingsError::Unknown) => false,
            Err(error @ (SettingsError::Unreachable(_) | SettingsError::Garbage(_))) => {
                return Err(Error::TenantUnverified(error.to_string()));
            }
        };
        Ok(found.filter(|user| active && user.profile.is_active))
    }

    /// The tenant's name on one line, if the tenant service tells it.
    async fn tenant_name(&self, tenant: Uuid) -> Option<String> {
        let facts = self.clients.tenant(tenant).await.ok().flatten()?;
        let line = facts.name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name: String = line.chars().filter(|c| !c.is_control()).take(NAME).collect();
        (!name.is_empty()).then_some(name)
    }
}

fn link(public_url: &str, token: &str) -> String {
    format!("{}/auth/password/reset?token={token}", public_url.trim_end_matches('/'))
}

/// Subject and text. The recipient's own name is left out: whoever made the account chose it.
fn words(tenant: Option<&str>, link: Option<&str>, token: &str) -> (String, String) {
    let (of, at) = match tenant {
        Some(tenant) => (format!(" - {tenant}"), format!(" em {tenant}")),
        None => Default::default(),
    };
    let link = link.map_or_else(String::new, |link| {
        format!("Para escolher uma nova senha, abra este endereço:\n\n{link}\n\n")
    });
    let text = format!(
        "Olá!\n\nRecebemos um pedido de nova senha para a sua conta{at}.\n\n{link}\
         Se for pedido um código, use este:\n\n{token}\n\n\
         O código vale por 30 minutos e uma única vez. Se você não fez este pedido, ignore esta \
         mensagem: a sua senha continua a mesma.\n"
    );
    (format!("Nova senha{of}"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mail_has_the_link_and_the_code_and_names_the_tenant() {
        let link = link("https://agenda.example/", "mp_x");
        assert_eq!(link, "https://agenda.example/auth/password/reset?token=mp_x");
        let (subject, text) = words(Some("Academia Fit"), Some(&link), "mp_x");
        assert_eq!(subject, "Nova senha - Academia Fit");
        assert!(text.contains(&format!("\n{link}\n")) && text.contains("\nmp_x\n"), "{text}");
        let (subject, text) = words(None, None, "mp_x");
        assert_eq!(subject, "Nova senha");
        assert!(!text.contains("http") && text.contains("\nmp_x\n"), "{text}");
    }
}
