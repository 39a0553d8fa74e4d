//! Configuration: read from the environment once, validated whole before a port is bound, every
//! offence named at once. The README's table and `.env.example` are its manual.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use contracts::Service;
use contracts::tenant::{CustomLabels, Settings as TenantSettings};
use scheduling::{ClockTime, WorkingHours, zone::Zone};
use url::Url;

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
    /// Connections a Postgres pool may hold.
    pub database_connections: u32,
    /// Redis; absent = in-process bus and cache.
    pub redis_url: Option<String>,
    /// Stream of booking events.
    pub booking_stream: String,
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
    /// Shared secret of calls between services.
    pub internal_token: Option<String>,
    /// Key of the user service.
    pub signing_key: SigningKey,
    /// `iss` of access tokens.
    pub jwt_issuer: String,
    /// `aud` of access tokens.
    pub jwt_audience: String,
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

struct Reader<'e> {
    env: &'e Env,
    offences: Vec<Offence>,
}

impl Reader<'_> {
    fn offend(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.offences.push(Offence { variable, problem: problem.into() });
    }

    fn parsed<T>(
        &mut self,
        variable: &'static str,
        default: T,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        match self.env.get(variable).map(parse) {
            None => default,
            Some(Some(value)) => value,
            Some(None) => {
                self.offend(variable, format!("must be {expected}"));
                default
            }
        }
    }

    fn number(&mut self, variable: &'static str, default: u32, min: u32, max: u32) -> u32 {
        let parse = |text: &str| text.parse().ok().filter(|number| (min..=max).contains(number));
        self.parsed(variable, default, &format!("a whole number from {min} to {max}"), parse)
    }

    fn seconds(&mut self, variable: &'static str, default: u32, min: u32, max: u32) -> Duration {
        Duration::from_secs(u64::from(self.number(variable, default, min, max)))
    }

    fn text(&self, variable: &str, default: &str) -> String {
        self.env.get(variable).unwrap_or(default).to_owned()
    }
}

impl Settings {
    /// Reads the whole configuration, or names everything that is wrong with it.
    pub fn read(env: &Env, topology: Topology) -> Result<Self, Vec<Offence>> {
        let mut reader = Reader { env, offences: Vec::new() };
        let settings = Self::gather(&mut reader, topology);
        if settings.environment == Environment::Production {
            settings.guard(&mut reader);
        }
        if reader.offences.is_empty() { Ok(settings) } else { Err(reader.offences) }
    }

    fn gather(reader: &mut Reader<'_>, topology: Topology) -> Self {
        let environment = reader.parsed(
            "ENVIRONMENT",
            Environment::Development,
            "development or production",
            |word| match word {
                "development" => Some(Environment::Development),
                "production" => Some(Environment::Production),
                _ => None,
            },
        );
        let production = environment == Environment::Production;
        let open = if production { AuthMode::Required } else { AuthMode::Optional };
        let auth_mode =
            reader.parsed("AUTH_MODE", open, "required or optional", |word| match word {
                "required" => Some(AuthMode::Required),
                "optional" => Some(AuthMode::Optional),
                _ => None,
            });
        let host = if production { "0.0.0.0" } else { "127.0.0.1" };
        let host = host.parse().unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let port = match topology {
            Topology::Embedded => 8000,
            Topology::Single(service) => service.port(),
        };
        let data_dir = PathBuf::from(reader.text("DATA_DIR", "data"));
        let log = if production { LogFormat::Json } else { LogFormat::Pretty };
        Self {
            topology,
            environment,
            auth_mode,
            host: reader.parsed("APP_HOST", host, "an IP address", |text| text.parse().ok()),
            port: reader.parsed("APP_PORT", port, "a port", |text| text.parse().ok()),
            databases: databases(reader, topology, &data_dir),
            database_connections: reader.number("DATABASE_MAX_CONNECTIONS", 10, 1, 200),
            redis_url: redis_url(reader),
            booking_stream: reader.text("EVENT_STREAM", contracts::event::BOOKING_STREAM),
            service_urls: service_urls(reader),
            origins: origins(reader),
            log_level: reader.text("LOG_LEVEL", "info").to_lowercase(),
            log_format: reader.parsed("LOG_FORMAT", log, "json or pretty", |word| match word {
                "json" => Some(LogFormat::Json),
                "pretty" => Some(LogFormat::Pretty),
                _ => None,
            }),
            facts_ttl: reader.seconds("CACHE_TTL_SETTINGS", 300, 1, 86_400),
            availability_ttl: reader.seconds("CACHE_TTL_AVAILABILITY", 300, 1, 86_400),
            default_rules: default_rules(reader),
            internal_token: reader.env.get("INTERNAL_TOKEN").map(str::to_owned),
            signing_key: match (
                reader.env.get("SIGNING_KEY_PEM"),
                reader.env.get("SIGNING_KEY_FILE"),
            ) {
                (Some(pem), _) => SigningKey::Pem(pem.replace("\\n", "\n")),
                (None, Some(file)) => SigningKey::File(PathBuf::from(file)),
                (None, None) => SigningKey::File(data_dir.join("signing-key.pem")),
            },
            jwt_issuer: reader.text("JWT_ISSUER", "marca"),
            jwt_audience: reader.text("JWT_AUDIENCE", "marca"),
            token_ttl: reader.seconds("ACCESS_TOKEN_TTL", 1_800, 900, 3_600),
            auto_migrate: reader
                .parsed("AUTO_MIGRATE", !production, "true or false", |text| text.parse().ok()),
            event_retention: reader.seconds("EVENT_RETENTION", 604_800, 3_600, 31_536_000),
            data_dir,
        }
    }

    /// What must not be so on the internet.
    fn guard(&self, reader: &mut Reader<'_>) {
        if self.auth_mode == AuthMode::Optional {
            reader.offend("AUTH_MODE", "must be required in production");
        }
        if self.origins == Origins::Any {
            reader.offend("CORS_ORIGINS", "must list the allowed origins in production, never *");
        }
        let weak = |secret: &str| secret.len() < 32 || secret.contains("change-me");
        if self.internal_token.as_deref().is_none_or(weak) {
            reader.offend(
                "INTERNAL_TOKEN",
                "must be a secret of at least 32 characters in production",
            );
        }
        if self.databases.values().any(|url| url.starts_with("sqlite")) {
            reader.offend("DATABASE_URL", "must be Postgres in production, not SQLite");
        }
        let signs = matches!(self.topology, Topology::Embedded | Topology::Single(Service::User));
        let named = reader.env.get("SIGNING_KEY_PEM").or(reader.env.get("SIGNING_KEY_FILE"));
        if signs && named.is_none() {
            reader.offend("SIGNING_KEY_FILE", "must name the Ed25519 key in production");
        }
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

const fn database_variable(service: Service) -> &'static str {
    match service {
        Service::Tenant => "TENANT_DATABASE_URL",
        Service::User => "USER_DATABASE_URL",
        Service::Resource => "RESOURCE_DATABASE_URL",
        Service::Booking => "BOOKING_DATABASE_URL",
    }
}

fn databases(
    reader: &mut Reader<'_>,
    topology: Topology,
    data_dir: &std::path::Path,
) -> BTreeMap<Service, String> {
    let here: Vec<Service> = match topology {
        Topology::Embedded => Service::ALL.to_vec(),
        Topology::Single(service) => vec![service],
    };
    let mut databases = BTreeMap::new();
    for service in here {
        let variable = database_variable(service);
        // One database for four services would mix their tables: only a lone service may use it.
        let shared =
            matches!(topology, Topology::Single(_)).then(|| reader.env.get("DATABASE_URL"));
        let url = match reader.env.get(variable).or(shared.flatten()) {
            Some(url) => url.to_owned(),
            None => {
                format!("sqlite://{}", data_dir.join(format!("{}.db", service.name())).display())
            }
        };
        let scheme = url.split("://").next().unwrap_or_default();
        if !matches!(scheme, "postgres" | "postgresql" | "sqlite") {
            reader.offend(variable, "must start with postgres://, postgresql:// or sqlite://");
        }
        databases.insert(service, url);
    }
    databases
}

fn redis_url(reader: &mut Reader<'_>) -> Option<String> {
    let url = reader.env.get("REDIS_URL")?.to_owned();
    if !["redis://", "rediss://", "unix://"].iter().any(|scheme| url.starts_with(scheme)) {
        reader.offend("REDIS_URL", "must start with redis:// or rediss://");
    }
    Some(url)
}

fn service_urls(reader: &mut Reader<'_>) -> BTreeMap<Service, Url> {
    let variables = [
        (Service::Tenant, "TENANT_SERVICE_URL"),
        (Service::User, "USER_SERVICE_URL"),
        (Service::Resource, "RESOURCE_SERVICE_URL"),
        (Service::Booking, "RESERVATION_SERVICE_URL"),
        (Service::Booking, "BOOKING_SERVICE_URL"),
    ];
    let mut urls = BTreeMap::new();
    for (service, variable) in variables {
        let Some(text) = reader.env.get(variable) else { continue };
        match Url::parse(text) {
            // With or without the path: only scheme, host and port count.
            Ok(mut url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
                url.set_path("/");
                url.set_query(None);
                urls.insert(service, url);
            }
            Ok(_) | Err(_) => reader.offend(variable, "must be an http(s) address"),
        }
    }
    urls
}

fn origins(reader: &mut Reader<'_>) -> Origins {
    let Some(text) = reader.env.get("CORS_ORIGINS") else { return Origins::Any };
    let list: Vec<String> =
        text.split(',').map(|origin| origin.trim().trim_end_matches('/').to_owned()).collect();
    if list.iter().any(|origin| origin == "*") {
        return Origins::Any;
    }
    if list.iter().any(|origin| !Url::parse(origin).is_ok_and(|url| url.has_host())) {
        reader.offend("CORS_ORIGINS", "must be * or a comma-separated list of origins");
    }
    Origins::These(list)
}

fn default_rules(reader: &mut Reader<'_>) -> TenantSettings {
    let clock = |reader: &mut Reader<'_>, variable, default: &str, end: bool| {
        let parse =
            |text: &str| if end { ClockTime::parse_end(text) } else { ClockTime::parse(text) };
        reader.parsed(variable, parse(default), "HH:MM[:SS]", |text| parse(text).map(Some))
    };
    let start = clock(reader, "DEFAULT_WORKING_HOURS_START", "08:00", false);
    let end = clock(reader, "DEFAULT_WORKING_HOURS_END", "18:00", true);
    let (start, end) = (start.unwrap_or_default(), end.unwrap_or_default());
    if WorkingHours::new(start, end).is_none() {
        reader
            .offend("DEFAULT_WORKING_HOURS_END", "must be later than DEFAULT_WORKING_HOURS_START");
    }
    let zone = reader.text("DEFAULT_TIMEZONE", "UTC");
    if Zone::parse(&zone).is_err() {
        reader.offend("DEFAULT_TIMEZONE", "must be an IANA time zone");
    }
    let label = |text: &str| text.to_owned();
    TenantSettings {
        business_type: label("default"),
        timezone: zone,
        working_hours_start: start,
        working_hours_end: end,
        booking_interval: reader.number("DEFAULT_BOOKING_INTERVAL", 30, 5, 480),
        advance_booking_days: reader.number("DEFAULT_ADVANCE_BOOKING_DAYS", 30, 0, 365),
        cancellation_hours: reader.number("DEFAULT_CANCELLATION_HOURS", 24, 0, 168),
        custom_labels: CustomLabels {
            resource_singular: label("Recurso"),
            resource_plural: label("Recursos"),
            booking_label: label("Reserva"),
            user_label: label("Usuário"),
        },
        default_booking_status: contracts::BookingStatus::Pendente,
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
    fn production_names_every_offence_at_once() {
        let offences = read(
            &[
                ("ENVIRONMENT", "production"),
                ("AUTH_MODE", "optional"),
                ("CORS_ORIGINS", "*"),
                ("INTERNAL_TOKEN", "short"),
            ],
            Topology::Single(Service::User),
        )
        .err()
        .unwrap_or_default();
        let named: Vec<&str> = offences.iter().map(|offence| offence.variable).collect();
        assert_eq!(
            named,
            ["AUTH_MODE", "CORS_ORIGINS", "INTERNAL_TOKEN", "DATABASE_URL", "SIGNING_KEY_FILE"]
        );
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
}
