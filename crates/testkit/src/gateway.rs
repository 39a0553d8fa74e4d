//! The gateway's nginx configuration: one template and the route table of `contracts`, rendered
//! for docker-compose by `cargo xtask gateway` and for every test by [`crate::servers::Nginx`].

use contracts::routes::{GATEWAY, GatewayRoute, SECRETS, STREAMS, Service};
use std::fmt::Write as _;

/// The template, `infra/nginx/nginx.conf.tmpl`.
const TEMPLATE: &str = include_str!("../../../infra/nginx/nginx.conf.tmpl");

/// What differs between development and production, `infra/nginx/{development,production}.conf`.
const DEVELOPMENT: &str = include_str!("../../../infra/nginx/development.conf");
const PRODUCTION: &str = include_str!("../../../infra/nginx/production.conf");

/// Headers by which a client could pretend to be somebody: never passed on.
const STRIPPED: [&str; 18] = [
    "X-User-Id",
    "X-Tenant-Id",
    "X-User-Type",
    "X-User-Email",
    "X-Permissions",
    "X-Roles",
    "X-Internal-Token",
    "X-Service-Name",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Prefix",
    "X-Remote-User",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "Forwarded",
    "Proxy",
];

/// The gateway's own error bodies: status, code, message.
const ERRORS: [(u16, &str, &str); 10] = [
    (400, "bad_request", "Requisição inválida."),
    (404, "not_found", "Rota não encontrada."),
    (405, "method_not_allowed", "Método não permitido nesta rota."),
    (408, "request_timeout", "A requisição demorou demais para chegar."),
    (413, "payload_too_large", "O corpo da requisição é grande demais."),
    (429, "rate_limited", "Muitas requisições. Tente novamente em instantes."),
    (500, "internal", "Erro interno."),
    (502, "bad_gateway", "O serviço está temporariamente indisponível."),
    (503, "unavailable", "O serviço está temporariamente indisponível."),
    (504, "gateway_timeout", "O serviço demorou demais para responder."),
];

/// Where one service's replicas listen.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The service.
    pub service: Service,
    /// `host:port` of each replica; at least one.
    pub servers: Vec<String>,
}

/// Requests a second, and how many may come at once.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Requests per second.
    pub per_second: u32,
    /// How many beyond that are let through before 429.
    pub burst: u32,
}

/// Everything the template leaves open.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What nginx listens on: `8000` or `127.0.0.1:31245`.
    pub listen: String,
    /// `auto`, or the number of worker processes.
    pub workers: String,
    /// The pid file.
    pub pid: String,
    /// A writable folder for bodies too large for memory.
    pub temp: String,
    /// Where access lines go.
    pub access_log: String,
    /// The folder that holds the landing page, `index.html`.
    pub html: String,
    /// The file made by [`routes`].
    pub routes: String,
    /// The file that [`environment`] is.
    pub environment: String,
    /// Whether a proxy that ends TLS is in front.
    pub production: bool,
    /// Allowed per client address.
    pub by_ip: Rate,
    /// How long a service may take until 504: `30s`.
    pub read_timeout: String,
    /// A name server: host names of upstreams are then looked up again while nginx runs, so that
    /// a container may come back with another address. Needs nginx 1.27.3.
    pub resolver: Option<String>,
    /// Where the services are.
    pub upstreams: Vec<Upstream>,
}

impl Settings {
    /// The configuration of docker-compose: containers named like their services.
    pub fn compose() -> Self {
        let upstream = |service: Service| Upstream {
            service,
            servers: vec![format!("{}:{}", service.name(), service.port())],
        };
        Self {
            listen: "8000".to_owned(),
            workers: "auto".to_owned(),
            pid: "/tmp/nginx.pid".to_owned(),
            temp: "/tmp".to_owned(),
            access_log: "/dev/stdout".to_owned(),
            html: "/etc/nginx/html".to_owned(),
            routes: "/etc/nginx/routes.conf".to_owned(),
            environment: "/etc/nginx/environment.conf".to_owned(),
            production: false,
            // Twice what a service allows by default, which then answers first.
            by_ip: Rate { per_second: 100, burst: 200 },
            read_timeout: "30s".to_owned(),
            // Docker's own.
            resolver: Some("127.0.0.11".to_owned()),
            upstreams: Service::ALL.into_iter().map(upstream).collect(),
        }
    }
}

/// Renders the whole configuration.
pub fn render(settings: &Settings) -> String {
    let values = [
        ("listen", settings.listen.clone()),
        ("workers", settings.workers.clone()),
        ("pid", settings.pid.clone()),
        ("temp", settings.temp.clone()),
        ("access_log", settings.access_log.clone()),
        ("html", settings.html.clone()),
        ("routes", settings.routes.clone()),
        ("ip_rate", settings.by_ip.per_second.to_string()),
        ("ip_burst", settings.by_ip.burst.to_string()),
        ("environment", settings.environment.clone()),
        ("read_timeout", settings.read_timeout.clone()),
        ("secret_paths", secret_paths()),
        ("upstreams", upstreams(settings)),
        ("stripped_headers", stripped_headers()),
        ("error_pages", error_pages()),
    ];
    values.into_iter().fold(TEMPLATE.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{name}}}}}"), &value)
    })
}

/// The file named by [`Settings::environment`].
pub fn environment(settings: &Settings) -> &'static str {
    if settings.production { PRODUCTION } else { DEVELOPMENT }
}

/// What is logged of a path below which secrets stand: the prefix.
fn secret_paths() -> String {
    let line = |route: &GatewayRoute| {
        let prefix = route.prefix;
        format!("        \"~^{prefix}/[^?]\" \"{prefix}/-\";")
    };
    SECRETS.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn upstreams(settings: &Settings) -> String {
    let mut text = String::new();
    let again = if let Some(resolver) = &settings.resolver {
        let _ = writeln!(text, "    resolver {resolver} valid=5s ipv6=off;");
        " resolve"
    } else {
        ""
    };
    for Upstream { service, servers } in &settings.upstreams {
        let name = service.name();
        let _ = writeln!(text, "    upstream {name} {{\n        zone {name} 64k;");
        for server in servers {
            let _ = writeln!(text, "        server {server} max_fails=0{again};");
        }
        // Shorter than any service keeps an idle connection, so that a request never meets one
        // that is just being closed.
        text.push_str(
            "        keepalive 64;\n        keepalive_timeout 5s;\n        keepalive_requests \
             10000;\n    }\n",
        );
    }
    text
}

fn stripped_headers() -> String {
    STRIPPED.iter().fold(String::new(), |mut text, header| {
        let _ = writeln!(text, "        proxy_set_header {header} \"\";");
        text
    })
}

fn error_pages() -> String {
    ERRORS.iter().fold(String::new(), |mut text, (status, code, message)| {
        let body = format!(
            "{{\"success\":false,\"error\":\"{code}\",\"message\":\"{message}\",\"trace_id\":\"$request_id\"}}"
        );
        let _ = writeln!(
            text,
            "        location = /_gateway/{status} {{\n            internal;\n            \
             default_type application/json;\n            return {status} '{body}';\n        }}"
        );
        text
    })
}

/// Renders the locations of the route table: `infra/nginx/routes.conf`.
pub fn routes() -> String {
    let mut text = String::from(
        "# Generated by `cargo xtask gateway` from crates/contracts/src/routes.rs. Do not edit.\n",
    );
    // By pattern, so they go before the prefixes they lie in.
    for route in STREAMS {
        let pattern = format!("~ ^{}$", route.prefix.replace('*', "[^/]+"));
        location(&mut text, &pattern, route.service, "    proxy_buffering off;\n");
    }
    // A failure would be told of with the whole line of the request. The access line has its status.
    for route in SECRETS {
        let below = format!("^~ {}/", route.prefix);
        location(&mut text, &below, route.service, "    error_log stderr emerg;\n");
    }
    for route in GATEWAY {
        for matcher in matchers(route.prefix) {
            location(&mut text, &matcher, route.service, "");
        }
    }
    text
}

fn location(text: &mut String, matcher: &str, service: Service, more: &str) {
    let _ = write!(
        text,
        "\nlocation {matcher} {{\n    if ($ambiguous_path) {{\n        return 404;\n    }}\n{more}    \
         proxy_pass http://{};\n}}\n",
        service.name()
    );
}

/// How nginx matches a prefix and what is below it: by text, both forms, or it would answer the bare
/// prefix with a redirect; by pattern, which goes before every match by text, where a segment is open.
fn matchers(prefix: &str) -> Vec<String> {
    if prefix.contains('*') {
        return vec![format!("~ ^{}(/|$)", prefix.replace('*', "[^/]+"))];
    }
    vec![format!("= {prefix}"), format!("{prefix}/")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_open() {
        let text = render(&Settings::compose());
        assert!(!text.contains("{{"), "an unknown placeholder: {text}");
        assert!(text.contains("server booking:8004 max_fails=0 resolve;"));
    }

    #[test]
    fn every_route_has_both_forms() {
        let text = routes();
        for route in GATEWAY.iter().filter(|route| !route.prefix.contains('*')) {
            assert!(text.contains(&format!("location = {} {{", route.prefix)));
            assert!(text.contains(&format!("location {}/ {{", route.prefix)));
        }
        assert!(text.contains("location ~ ^/tenants/[^/]+/api-keys(/|$) {"), "{text}");
        for route in SECRETS {
            let below = text.find(&format!("location ^~ {}/ {{", route.prefix));
            let silent = |at: usize| text[at..].contains("error_log stderr emerg;");
            assert!(below.is_some_and(silent), "{text}");
        }
        let stream = text.find("location ~ ^/resources/[^/]+/availability/stream$ {");
        assert!(stream.is_some_and(|at| text[at..].contains("proxy_buffering off;")), "{text}");
    }
}
