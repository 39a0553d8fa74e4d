//! Reading the environment into [`Settings`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use contracts::Service;
use contracts::tenant::{CustomLabels, Settings as TenantSettings};
use scheduling::{ClockTime, WorkingHours, zone::Zone};
use url::Url;

use super::{
    AuthMode, Env, Environment, LogFormat, Offence, Origins, PasswordCost, Settings, SigningKey,
    Topology, edge,
};

pub(super) struct Reader<'e> {
    env: &'e Env,
    offences: Vec<Offence>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(env: &'e Env) -> Self {
        Self { env, offences: Vec::new() }
    }

    pub(super) fn into_offences(self) -> Vec<Offence> {
        self.offences
    }

    pub(super) fn offend(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.offences.push(Offence { variable, problem: problem.into() });
    }

    pub(super) fn parsed<T>(
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

    pub(super) fn number(
        &mut self,
        variable: &'static str,
        default: u32,
        min: u32,
        max: u32,
    ) -> u32 {
        let parse = |text: &str| text.parse().ok().filter(|number| (min..=max).contains(number));
        self.parsed(variable, default, &format!("a whole number from {min} to {max}"), parse)
    }

    fn seconds(&mut self, variable: &'static str, default: u32, min: u32, max: u32) -> Duration {
        Duration::from_secs(u64::from(self.number(variable, default, min, max)))
    }

    /// Whether a variable is set.
    pub(super) fn has(&self, variable: &str) -> bool {
        self.env.get(variable).is_some()
    }

    fn text(&self, variable: &str, default: &str) -> String {
        self.env.get(variable).unwrap_or(default).to_owned()
    }
}

pub(super) fn gather(reader: &mut Reader<'_>, topology: Topology) -> Settings {
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
    let auth_mode = reader.parsed("AUTH_MODE", open, "required or optional", |word| match word {
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
    Settings {
        topology,
        environment,
        auth_mode,
        host: reader.parsed("APP_HOST", host, "an IP address", |text| text.parse().ok()),
        port: reader.parsed("APP_PORT", port, "a port", |text| text.parse().ok()),
        databases: databases(reader, topology, &data_dir),
        owners: owners(reader, topology),
        database_connections: reader.number("DATABASE_MAX_CONNECTIONS", 10, 1, 200),
        redis_url: redis_url(reader),
        booking_stream: reader.text("EVENT_STREAM", contracts::event::BOOKING_STREAM),
        public_url: address(reader, "PUBLIC_URL", &["http", "https"]),
        smtp_url: address(reader, "SMTP_URL", &["smtp", "smtps"]),
        mail_from: mail_from(reader),
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
        edge: edge::read(reader, topology, production),
        internal_peers: edge::peers(reader),
        internal_token: reader.env.get("INTERNAL_TOKEN").map(str::to_owned),
        signing_key: match (reader.env.get("SIGNING_KEY_PEM"), reader.env.get("SIGNING_KEY_FILE")) {
            (Some(pem), _) => SigningKey::Pem(pem.replace("\\n", "\n")),
            (None, Some(file)) => SigningKey::File(PathBuf::from(file)),
            (None, None) => SigningKey::File(data_dir.join("signing-key.pem")),
        },
        jwt_issuer: reader.text("JWT_ISSUER", "marca"),
        jwt_audience: reader.text("JWT_AUDIENCE", "marca"),
        password_cost: password_cost(reader),
        token_ttl: reader.seconds("ACCESS_TOKEN_TTL", 1_800, 900, 3_600),
        auto_migrate: reader
            .parsed("AUTO_MIGRATE", !production, "true or false", |text| text.parse().ok()),
        event_retention: reader.seconds("EVENT_RETENTION", 604_800, 3_600, 31_536_000),
        data_dir,
    }
}

fn password_cost(reader: &mut Reader<'_>) -> PasswordCost {
    let usual = PasswordCost::default();
    PasswordCost {
        memory_kib: reader.number("ARGON2_MEMORY_KIB", usual.memory_kib, 8_192, 1_048_576),
        passes: reader.number("ARGON2_PASSES", usual.passes, 1, 10),
        lanes: reader.number("ARGON2_LANES", usual.lanes, 1, 8),
    }
}

/// The variable of a service's database.
pub(super) const fn database_variable(service: Service) -> &'static str {
    match service {
        Service::Tenant => "TENANT_DATABASE_URL",
        Service::User => "USER_DATABASE_URL",
        Service::Resource => "RESOURCE_DATABASE_URL",
        Service::Booking => "BOOKING_DATABASE_URL",
    }
}

const fn owner_variable(service: Service) -> &'static str {
    match service {
        Service::Tenant => "TENANT_MIGRATION_DATABASE_URL",
        Service::User => "USER_MIGRATION_DATABASE_URL",
        Service::Resource => "RESOURCE_MIGRATION_DATABASE_URL",
        Service::Booking => "BOOKING_MIGRATION_DATABASE_URL",
    }
}

fn here(topology: Topology) -> Vec<Service> {
    match topology {
        Topology::Embedded => Service::ALL.to_vec(),
        Topology::Single(service) => vec![service],
    }
}

fn owners(reader: &mut Reader<'_>, topology: Topology) -> BTreeMap<Service, String> {
    let mut owners = BTreeMap::new();
    for service in here(topology) {
        let variable = owner_variable(service);
        let shared = matches!(topology, Topology::Single(_))
            .then(|| reader.env.get("MIGRATION_DATABASE_URL"));
        let Some(url) = reader.env.get(variable).or(shared.flatten()) else { continue };
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            reader.offend(variable, "must start with postgres:// or postgresql://");
            continue;
        }
        owners.insert(service, url.to_owned());
    }
    owners
}

fn databases(
    reader: &mut Reader<'_>,
    topology: Topology,
    data_dir: &std::path::Path,
) -> BTreeMap<Service, String> {
    let mut databases = BTreeMap::new();
    for service in here(topology) {
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

/// An address of one of these schemes.
fn address(reader: &mut Reader<'_>, variable: &'static str, schemes: &[&str]) -> Option<Url> {
    let text = reader.env.get(variable)?;
    let url = Url::parse(text).ok().filter(|url| schemes.contains(&url.scheme()) && url.has_host());
    if url.is_none() {
        let shown: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        reader.offend(variable, format!("must be an address with {}", shown.join(" or ")));
    }
    url
}

/// `Name <name@host>` or `name@host`; a line end would let a header in.
fn mail_from(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.env.get("MAIL_FROM")?.trim().to_owned();
    if !text.contains('@') || text.contains(char::is_control) {
        reader.offend("MAIL_FROM", "must be an e-mail address, with or without a name");
    }
    Some(text)
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
        password_policy: contracts::password::PasswordPolicy::default(),
        booking_policy: contracts::policy::BookingPolicy::default(),
        hold_minutes: 10,
    }
}
