//! What must not be so on the internet: production refuses to start with any of it, and names all of
//! it at once.

use contracts::Service;
use sha2::{Digest as _, Sha256};

use super::gather::{Reader, database_variable};
use super::{AuthMode, Origins, Settings, SigningKey, Topology};

/// A secret that has hardly been thought about.
fn weak(secret: &str) -> bool {
    secret.len() < 32 || placeholder(secret)
}

/// What stands in examples, and not in earnest.
fn placeholder(text: &str) -> bool {
    let text = text.to_lowercase();
    ["change-me", "changeme", "placeholder", "…"].iter().any(|word| text.contains(word))
}

/// Names every offence of `settings` against production.
pub(super) fn check(settings: &Settings, reader: &mut Reader<'_>) {
    if settings.auth_mode == AuthMode::Optional {
        reader.offend("AUTH_MODE", "must be required in production");
    }
    if settings.origins == Origins::Any {
        reader.offend("CORS_ORIGINS", "must list the allowed origins in production, never *");
    }
    match settings.public_url.as_ref().map(url::Url::scheme) {
        Some("https") => {}
        Some(_) => reader.offend("PUBLIC_URL", "must be https in production"),
        None => reader.offend("PUBLIC_URL", "must be the https address of clients in production"),
    }
    if settings.edge.trusted_proxies.trust_everyone() {
        reader.offend("TRUSTED_PROXIES", "must not be everyone in production");
    }
    credentials(settings, reader);
    stores(settings, reader);
    if matches!(settings.topology, Topology::Embedded | Topology::Single(Service::User)) {
        signs_and_sends_mail(settings, reader);
    }
}

/// The secrets between services.
fn credentials(settings: &Settings, reader: &mut Reader<'_>) {
    let secret = settings.internal_token.as_deref().unwrap_or_default();
    if weak(secret) {
        reader.offend("INTERNAL_TOKEN", "must be a secret of at least 32 characters in production");
    }
    let Topology::Single(own) = settings.topology else { return };
    let Some(peers) = &settings.internal_peers else {
        reader.offend("INTERNAL_PEERS", "must name the other services' hashes in production");
        return;
    };
    let missing: Vec<&str> = Service::ALL
        .into_iter()
        .filter(|service| *service != own && !peers.contains_key(service))
        .map(Service::name)
        .collect();
    if !missing.is_empty() {
        reader.offend("INTERNAL_PEERS", format!("lacks {}", missing.join(", ")));
    }
    let mine: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    if peers.get(&own).is_some_and(|hash| *hash != mine) {
        reader.offend("INTERNAL_PEERS", "has another hash for this service than its secret's");
    }
    let mut hashes: Vec<[u8; 32]> =
        peers.iter().filter(|(service, _)| **service != own).map(|(_, hash)| *hash).collect();
    hashes.push(mine);
    hashes.sort_unstable();
    if hashes.windows(2).any(|pair| pair[0] == pair[1]) {
        reader.offend("INTERNAL_PEERS", "must give every service a secret of its own");
    }
}

/// Databases and Redis.
fn stores(settings: &Settings, reader: &mut Reader<'_>) {
    if settings.databases.values().any(|url| url.starts_with("sqlite")) {
        reader.offend("DATABASE_URL", "must be Postgres in production, not SQLite");
    }
    for (service, url) in &settings.databases {
        if placeholder(url) {
            reader.offend(database_variable(*service), "must not have a default password");
        }
    }
    match &settings.redis_url {
        None if !settings.is_embedded() => {
            reader.offend("REDIS_URL", "must be set for a service that runs alone in production");
        }
        Some(url) if placeholder(url) => {
            reader.offend("REDIS_URL", "must not have a default password");
        }
        Some(_) | None => {}
    }
}

/// What only the user service does.
fn signs_and_sends_mail(settings: &Settings, reader: &mut Reader<'_>) {
    match &settings.signing_key {
        SigningKey::Pem(pem)
            if !pem.contains("-----BEGIN PRIVATE KEY-----") || placeholder(pem) =>
        {
            reader.offend("SIGNING_KEY_PEM", "must be an Ed25519 private key in PKCS#8 PEM");
        }
        SigningKey::File(_) if !reader.has("SIGNING_KEY_FILE") => {
            reader.offend("SIGNING_KEY_FILE", "must name the Ed25519 key in production");
        }
        SigningKey::Pem(_) | SigningKey::File(_) => {}
    }
    match &settings.smtp_url {
        None => reader.offend("SMTP_URL", "must name the mail server in production"),
        Some(url) if url.password().is_some_and(placeholder) => {
            reader.offend("SMTP_URL", "must not have a default password");
        }
        Some(_) => {}
    }
    if settings.mail_from.is_none() {
        reader.offend("MAIL_FROM", "must be the sender of mail in production");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Env, Offence, written};
    use super::*;

    /// A production configuration of one service that is as it should be.
    fn good(service: Service) -> Vec<(String, String)> {
        let secret = |service: Service| format!("{:-<40}", format!("{}-secret", service.name()));
        let peers: Vec<String> = Service::ALL
            .into_iter()
            .map(|service| format!("{}={}", service.name(), written(&secret(service))))
            .collect();
        let pem = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----";
        [
            ("ENVIRONMENT", "production"),
            ("CORS_ORIGINS", "https://agenda.example"),
            ("PUBLIC_URL", "https://agenda.example"),
            ("INTERNAL_TOKEN", &secret(service)),
            ("INTERNAL_PEERS", &peers.join(",")),
            ("DATABASE_URL", "postgres://marca:w4Lm9@db/marca"),
            ("REDIS_URL", "rediss://:w4Lm9@redis:6379"),
            ("SIGNING_KEY_PEM", pem),
            ("SMTP_URL", "smtps://marca:w4Lm9@mail.example"),
            ("MAIL_FROM", "Marca <nao-responda@agenda.example>"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The offences of a good configuration after some variables were changed; empty ones are unset.
    fn offences(service: Service, changed: &[(&str, &str)]) -> Vec<Offence> {
        let changed = changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env: std::collections::BTreeMap<String, String> =
            good(service).into_iter().chain(changed).collect();
        let env = Env::from_iter(env);
        Settings::read(&env, Topology::Single(service)).err().unwrap_or_default()
    }

    #[test]
    fn a_good_configuration_of_every_service_is_accepted() {
        for service in Service::ALL {
            assert_eq!(offences(service, &[]), [], "{}", service.name());
        }
        // Only who signs and sends mail needs a key and a mail server.
        let less = [("SIGNING_KEY_PEM", ""), ("SMTP_URL", ""), ("MAIL_FROM", "")];
        assert_eq!(offences(Service::Booking, &less), []);
    }

    /// Each row is one thing wrong, and the one variable that is named for it.
    #[test]
    fn every_single_offence_is_found() {
        let ours = good(Service::Tenant);
        let peers = ours.iter().find(|(name, _)| name == "INTERNAL_PEERS").unwrap().1.clone();
        let three = peers.split(',').take(3).collect::<Vec<_>>().join(",");
        let tenant = peers.split(',').next().unwrap().split_once('=').unwrap().1;
        let others = [Service::Tenant, Service::Resource, Service::Booking];
        let shared = others.map(|service| format!("{}={tenant}", service.name())).join(",");
        let foreign = format!("{peers},user={}", "00".repeat(32));
        let rows = [
            ("AUTH_MODE", "optional", "AUTH_MODE"),
            ("CORS_ORIGINS", "*", "CORS_ORIGINS"),
            ("CORS_ORIGINS", "", "CORS_ORIGINS"),
            ("PUBLIC_URL", "", "PUBLIC_URL"),
            ("PUBLIC_URL", "http://agenda.example", "PUBLIC_URL"),
            ("TRUSTED_PROXIES", "0.0.0.0/0", "TRUSTED_PROXIES"),
            ("INTERNAL_PEERS", "", "INTERNAL_PEERS"),
            ("INTERNAL_PEERS", &three, "INTERNAL_PEERS"),
            ("INTERNAL_PEERS", &shared, "INTERNAL_PEERS"),
            ("INTERNAL_PEERS", &foreign, "INTERNAL_PEERS"),
            ("DATABASE_URL", "sqlite://data/user.db", "DATABASE_URL"),
            ("DATABASE_URL", "postgres://marca:change-me@db/marca", "USER_DATABASE_URL"),
            ("REDIS_URL", "", "REDIS_URL"),
            ("REDIS_URL", "redis://:CHANGE-ME@redis", "REDIS_URL"),
            ("SIGNING_KEY_PEM", "", "SIGNING_KEY_FILE"),
            ("SIGNING_KEY_PEM", "-----BEGIN PRIVATE KEY-----\n…\n-----END", "SIGNING_KEY_PEM"),
            ("SIGNING_KEY_PEM", "hush", "SIGNING_KEY_PEM"),
            ("SMTP_URL", "", "SMTP_URL"),
            ("SMTP_URL", "smtp://marca:changeme@mail.example", "SMTP_URL"),
            ("MAIL_FROM", "", "MAIL_FROM"),
        ];
        for (variable, value, named) in rows {
            let found = offences(Service::User, &[(variable, value)]);
            let names: Vec<&str> = found.iter().map(|offence| offence.variable).collect();
            assert_eq!(names, [named], "{variable}={value}: {found:?}");
        }
        // A secret that is not one also differs from the hash that is listed for it.
        for secret in ["", "short", "change-me-change-me-change-me-change-me"] {
            let found = offences(Service::User, &[("INTERNAL_TOKEN", secret)]);
            assert_eq!(found[0].variable, "INTERNAL_TOKEN", "{secret}");
        }
    }

    #[test]
    fn all_of_them_are_named_at_once_and_none_is_shown() {
        let env =
            [("ENVIRONMENT", "production"), ("AUTH_MODE", "optional"), ("INTERNAL_TOKEN", "hush")];
        let found =
            Settings::read(&env.into_iter().collect(), Topology::Single(Service::User)).err();
        let found = found.unwrap_or_default();
        let named: Vec<&str> = found.iter().map(|offence| offence.variable).collect();
        assert_eq!(
            named,
            [
                "AUTH_MODE",
                "CORS_ORIGINS",
                "PUBLIC_URL",
                "INTERNAL_TOKEN",
                "INTERNAL_PEERS",
                "DATABASE_URL",
                "REDIS_URL",
                "SIGNING_KEY_FILE",
                "SMTP_URL",
                "MAIL_FROM",
            ]
        );
        assert!(found.iter().all(|offence| !offence.problem.contains("hush")));
    }
}
