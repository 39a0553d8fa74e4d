//! Configuration: read from the environment once, validated whole before a port is bound, every
//! offence named at once. The README's table and `.env.example` are its manual.

mod edge;
mod gather;
mod guard;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use contracts::Service;
use contracts::tenant::Settings as TenantSettings;
use url::Url;

#[cfg(test)]
pub(crate) use edge::written;
pub use edge::{Bounds, Edge, Peers, Proxies, Rates};

/// Variables by name, wherever they come from.
#[derive(Debug, Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of this process; empty values count as unset.
    pub fn process() -> Self {
        std::env::vars().collect()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let pairs = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// Whether mistakes are forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine.
    Development,
    /// On the internet: the production guard is on.
    Production,
}

/// Whether a request needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Every route that is not public needs one.
    Required,
    /// A request without one acts as an unrestricted developer.
    Optional,
}

/// What runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// Every service, one port.
    Embedded,
    /// One service.
    Single(Service),
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

/// Who may call from a browser page of another origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Anyone, without credentials.
    Any,
    /// These origins, with credentials.
    These(Vec<String>),
}

/// Where the key that signs access tokens comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SigningKey {
    /// PKCS#8 PEM text.
    Pem(String),
    /// A file with it; made on first start in development.
    File(PathBuf),
}

/// What hashing a password costs (argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes, which no attacker minds.
    pub lanes: u32,
}

impl Default for PasswordCost {
    /// OWASP's first choice: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// Everything that can be configured.
#[derive(Clone)]
pub struct Settings {
    /// What runs here.
    pub topology: Topology,
    /// Development or production.
    pub environment: Environment,
    /// Whether tokens are needed.
    pub auth_mode: AuthMode,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 = any free one.
    pub port: u16,
    /// Folder of the embedded databases and development keys.
    pub data_dir: PathBuf,
    /// Database of each service that runs here.
    pub databases: BTreeMap<Service, String>,
    /// The same databases as their owners, who migrate; absent = as the services themselves.
    pub owners: BTreeMap<Service, String>,
    /// Connections a Postgres pool may hold.
    pub database_connections: u32,
    /// Redis; absent = in-process bus and cache.
    pub redis_url: Option<String>,
    /// Stream of booking events.
    pub booking_stream: String,
    /// The address clients use, for links that are sent to people.
    pub public_url: Option<Url>,
    /// The server that takes our mail: `smtp://` or `smtps://`, with a password in it.
    pub smtp_url: Option<Url>,
    /// Whom our mail is from.
    pub mail_from: Option<String>,
    /// Addresses of the neighbours that run elsewhere.
    pub service_urls: BTreeMap<Service, Url>,
    /// CORS.
    pub origins: Origins,
    /// `tracing` filter, e.g. `info` or `info,common=debug`.
    pub log_level: String,
    /// JSON or pretty.
    pub log_format: LogFormat,
    /// How long neighbours' facts may live without an event.
    pub facts_ttl: Duration,
    /// How long availability may live without an event.
    pub availability_ttl: Duration,
    /// Rules where no tenant service is configured, or it was never reached.
    pub default_rules: TenantSettings,
    /// Proxies, rates and bounds of the edge.
    pub edge: Edge,
    /// This process' own secret in calls between services.
    pub internal_token: Option<String>,
    /// The hashes of the others' secrets; absent = they share ours (development only).
    pub internal_peers: Option<Peers>,
    /// Key of the user service.
    pub signing_key: SigningKey,
    /// `iss` of access tokens.
    pub jwt_issuer: String,
    /// `aud` of access tokens.
    pub jwt_audience: String,
    /// What hashing a password costs.
    pub password_cost: PasswordCost,
    /// Seconds an access token lives, 900–3600.
    pub token_ttl: Duration,
    /// Whether to migrate at start.
    pub auto_migrate: bool,
    /// How long events stay in the outbox and in Redis.
    pub event_retention: Duration,
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offence {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it, never its value.
    pub problem: String,
}

impl Settings {
    /// Reads the whole configuration, or names everything that is wrong with it.
    pub fn read(env: &Env, topology: Topology) -> Result<Self, Vec<Offence>> {
        let mut reader = gather::Reader::new(env);
        let settings = gather::gather(&mut reader, topology);
        if settings.environment == Environment::Production {
            guard::check(&settings, &mut reader);
        }
        let offences = reader.into_offences();
        if offences.is_empty() { Ok(settings) } else { Err(offences) }
    }

    /// The database of a service that runs here.
    pub fn database(&self, service: Service) -> &str {
        self.databases.get(&service).map_or("", String::as_str)
    }

    /// Whether this process is all of Marca.
    pub fn is_embedded(&self) -> bool {
        self.topology == Topology::Embedded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], topology: Topology) -> Result<Settings, Vec<Offence>> {
        Settings::read(&pairs.iter().copied().collect(), topology)
    }

    #[test]
    fn nothing_set_is_an_embedded_development_server() {
        let settings =
            read(&[], Topology::Embedded).unwrap_or_else(|_| panic!("defaults are valid"));
        assert_eq!((settings.port, settings.auth_mode), (8000, AuthMode::Optional));
        assert!(settings.database(Service::Booking).starts_with("sqlite://"));
        assert!(settings.redis_url.is_none());
    }

    #[test]
    fn bad_values_are_all_named_and_never_shown() {
        let offences = read(
            &[("APP_PORT", "x"), ("REDIS_URL", "secret"), ("DEFAULT_BOOKING_INTERVAL", "3")],
            Topology::Embedded,
        )
        .err()
        .unwrap_or_default();
        assert_eq!(offences.len(), 3);
        assert!(offences.iter().all(|offence| !offence.problem.contains("secret")));
    }

    #[test]
    fn the_cost_of_a_password_has_bounds() {
        let cost = |pairs: &[(&str, &str)]| {
            read(pairs, Topology::Embedded).map(|settings| settings.password_cost)
        };
        assert_eq!(cost(&[]).ok(), Some(PasswordCost::default()));
        let dear = [("ARGON2_MEMORY_KIB", "65536"), ("ARGON2_PASSES", "3"), ("ARGON2_LANES", "4")];
        let expected = PasswordCost { memory_kib: 65_536, passes: 3, lanes: 4 };
        assert_eq!(cost(&dear).ok(), Some(expected));
        let absurd = [("ARGON2_MEMORY_KIB", "8191"), ("ARGON2_PASSES", "0"), ("ARGON2_LANES", "9")];
        assert_eq!(cost(&absurd).err().map(|offences| offences.len()), Some(3));
    }

    #[test]
    fn a_lone_service_migrates_as_the_owner_it_is_told() {
        let owners = |pairs: &[(&str, &str)], topology| {
            let settings = read(pairs, topology).unwrap_or_else(|_| panic!("valid"));
            settings.owners.into_values().collect::<Vec<String>>()
        };
        let shared = [("MIGRATION_DATABASE_URL", "postgres://owner@db/x")];
        assert_eq!(owners(&shared, Topology::Single(Service::User)), ["postgres://owner@db/x"]);
        assert!(owners(&shared, Topology::Embedded).is_empty());
        let own = [("BOOKING_MIGRATION_DATABASE_URL", "postgres://owner@db/b")];
        assert_eq!(owners(&own, Topology::Embedded), ["postgres://owner@db/b"]);
        let offences = read(&[("USER_MIGRATION_DATABASE_URL", "secret")], Topology::Embedded);
        assert_eq!(offences.err().map(|offences| offences.len()), Some(1));
    }

    #[test]
    fn a_service_url_counts_with_or_without_its_path() {
        let settings = read(
            &[
                ("RESERVATION_SERVICE_URL", "http://booking:8004/bookings/"),
                ("TENANT_SERVICE_URL", "http://tenant:8001"),
            ],
            Topology::Single(Service::Resource),
        )
        .unwrap_or_else(|_| panic!("valid"));
        assert_eq!(settings.service_urls[&Service::Booking].as_str(), "http://booking:8004/");
        assert_eq!(settings.service_urls[&Service::Tenant].as_str(), "http://tenant:8001/");
    }

    #[test]
    fn links_and_mail_have_addresses_of_their_own_kind() {
        let settings = read(
            &[
                ("PUBLIC_URL", "https://agenda.example"),
                ("SMTP_URL", "smtps://user:secret@mail.example:465"),
                ("MAIL_FROM", "Marca <nao-responda@agenda.example>"),
            ],
            Topology::Embedded,
        )
        .unwrap_or_else(|_| panic!("valid"));
        assert_eq!(
            settings.public_url.map(String::from).as_deref(),
            Some("https://agenda.example/")
        );
        assert_eq!(settings.smtp_url.map(|url| url.scheme().to_owned()).as_deref(), Some("smtps"));
        assert_eq!(settings.mail_from.as_deref(), Some("Marca <nao-responda@agenda.example>"));
        let offences = read(
            &[("PUBLIC_URL", "ftp://x"), ("SMTP_URL", "http://x"), ("MAIL_FROM", "a\r\nb@c")],
            Topology::Embedded,
        );
        assert_eq!(offences.err().map(|list| list.len()), Some(3));
    }
}
