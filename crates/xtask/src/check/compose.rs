//! The compose files, checked without Docker: known keys, nothing that points nowhere, no secret in
//! the text, and every variable explained in .env.example.

use crate::failure::Failure;
use crate::shell;
use contracts::Service;
use std::collections::BTreeSet;
use std::fs;
use yaml_rust2::{Yaml, YamlLoader};

const BASE: &str = "docker-compose.yml";
const OVERLAY: &str = "docker-compose.prod.yml";

const TOP_KEYS: [&str; 5] = ["name", "services", "volumes", "networks", "secrets"];
const SERVICE_KEYS: [&str; 23] = [
    "build",
    "cap_add",
    "cap_drop",
    "command",
    "container_name",
    "depends_on",
    "deploy",
    "entrypoint",
    "environment",
    "expose",
    "healthcheck",
    "image",
    "init",
    "logging",
    "networks",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "tmpfs",
    "user",
    "volumes",
];
const CONDITIONS: [&str; 3] =
    ["service_started", "service_healthy", "service_completed_successfully"];

pub(crate) fn run() -> Result<(), Failure> {
    let read = |name: &str| fs::read_to_string(shell::root().join(name));
    let (base, overlay, example) = (read(BASE)?, read(OVERLAY)?, read(".env.example")?);
    let mut found = Vec::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (file, text) in [(BASE, &base), (OVERLAY, &overlay)] {
        let document = match YamlLoader::load_from_str(text) {
            Ok(documents) => documents.into_iter().next().unwrap_or(Yaml::BadValue),
            Err(error) => {
                found.push(format!("{file}: {error}"));
                continue;
            }
        };
        let checked = file_offences(&document, file == OVERLAY, &mut known);
        found.extend(checked.into_iter().map(|offence| format!("{file}: {offence}")));
        let unexplained = variables(text).into_iter().filter(|name| !explains(&example, name));
        found.extend(unexplained.map(|name| format!("{file}: {name} is not in .env.example")));
    }
    for service in Service::ALL {
        for name in [service.name().to_owned(), format!("migrate-{}", service.name())] {
            if !known.contains(&name) {
                found.push(format!("{BASE}: no service {name}"));
            }
            found.extend(owner_offence(&base, &name, service));
        }
    }
    Failure::from_complaints(&found)
}

/// Only the job that migrates is the owner of the tables: the service would not be behind the
/// row-level security.
fn owner_offence(base: &str, name: &str, service: Service) -> Option<String> {
    let documents = YamlLoader::load_from_str(base).ok()?;
    let environment = merged(&merged(&documents.first()?["services"][name])["environment"]);
    let variable = format!("{}_MIGRATION_DATABASE_URL", service.name().to_uppercase());
    let is_owner = keys(&environment).contains(&variable);
    let migrates = name.starts_with("migrate-");
    (is_owner != migrates).then(|| {
        let word = if migrates { "needs" } else { "must not have" };
        format!("{BASE}: {name} {word} {variable}")
    })
}

fn file_offences(document: &Yaml, overlay: bool, known: &mut BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for key in keys(document) {
        if !TOP_KEYS.contains(&key.as_str()) && !key.starts_with("x-") {
            found.push(format!("unknown key {key}"));
        }
    }
    let services = &document["services"];
    let names = keys(services);
    if overlay {
        let strangers = names.iter().filter(|name| !known.contains(*name));
        found.extend(strangers.map(|name| format!("{name} is not in {BASE}")));
    } else {
        known.extend(names.iter().cloned());
    }
    for name in &names {
        let service = merged(&services[name.as_str()]);
        let mut offences = service_offences(&service, known);
        if !overlay {
            offences.extend(base_offences(&service, &keys(&document["volumes"])));
        }
        found.extend(offences.into_iter().map(|offence| format!("{name}: {offence}")));
    }
    found
}

fn service_offences(service: &Yaml, known: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for key in keys(service) {
        if !SERVICE_KEYS.contains(&key.as_str()) {
            found.push(format!("unknown key {key}"));
        }
    }
    let needs = merged(&service["depends_on"]);
    for target in keys(&needs) {
        if !known.contains(&target) {
            found.push(format!("waits for {target}, which does not exist"));
        }
        let condition = needs[target.as_str()]["condition"].as_str();
        if !condition.is_some_and(|condition| CONDITIONS.contains(&condition)) {
            found.push(format!("waits for {target} on no known condition"));
        }
    }
    let environment = merged(&service["environment"]);
    for name in keys(&environment) {
        let value = &environment[name.as_str()];
        let secret = ["PASSWORD", "TOKEN", "SECRET", "SIGNING_KEY_PEM"];
        let is_secret = secret.iter().any(|word| name.contains(word));
        if is_secret && !value.as_str().is_some_and(|text| text.starts_with("${")) {
            found.push(format!("{name} must come from .env"));
        }
    }
    found
}

/// What only the base file must have.
fn base_offences(service: &Yaml, volumes: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if service["image"].is_badvalue() && service["build"].is_badvalue() {
        found.push("has neither image nor build".to_owned());
    }
    for port in texts(&service["ports"]) {
        if !port.starts_with("127.0.0.1:") {
            found.push(format!("publishes {port} to the whole network"));
        }
    }
    for volume in texts(&service["volumes"]) {
        let source = volume.split(':').next().unwrap_or_default();
        if let Some(path) = source.strip_prefix("./") {
            if !shell::root().join(path).exists() {
                found.push(format!("mounts {source}, which does not exist"));
            }
        } else if !volumes.iter().any(|name| name == source) {
            found.push(format!("uses the volume {source}, which is not declared"));
        }
    }
    found
}

fn keys(yaml: &Yaml) -> Vec<String> {
    let hash = merged(yaml);
    let pairs = hash.as_hash().into_iter().flatten();
    pairs.filter_map(|(key, _)| key.as_str().map(str::to_owned)).collect()
}

fn texts(yaml: &Yaml) -> Vec<String> {
    yaml.as_vec()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The mapping with its `<<` merged in, the way YAML 1.1 and Docker do it.
fn merged(yaml: &Yaml) -> Yaml {
    let merge = Yaml::String("<<".to_owned());
    let Some(hash) = yaml.as_hash() else { return yaml.clone() };
    let mut own = hash.clone();
    let Some(inherited) = own.remove(&merge) else { return yaml.clone() };
    let parents = inherited.as_vec().cloned().unwrap_or_else(|| vec![inherited.clone()]);
    for parent in parents {
        for (key, value) in merged(&parent).as_hash().into_iter().flatten() {
            if !own.contains_key(key) {
                own.insert(key.clone(), value.clone());
            }
        }
    }
    Yaml::Hash(own)
}

/// The names in `${NAME}` and `${NAME:-default}`; `$$` is a plain dollar.
fn variables(text: &str) -> BTreeSet<String> {
    text.split("${")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        .collect()
}

fn explains(example: &str, name: &str) -> bool {
    example.lines().any(|line| {
        line.trim_start_matches(['#', ' ']).split_once('=').is_some_and(|(left, _)| left == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offences(text: &str) -> Vec<String> {
        let document = YamlLoader::load_from_str(text).expect("YAML").remove(0);
        file_offences(&document, false, &mut BTreeSet::new())
    }

    #[test]
    fn what_points_nowhere_is_named() {
        let text = "
x-base: &base
  image: a
  environment: { DB_PASSWORD: hunter2 }
services:
  one:
    <<: *base
    colour: red
    depends_on: { two: { condition: service_healthy } }
    ports: ['8000:8000']
    volumes: ['data:/data']
  three: { depends_on: { one: { condition: someday } } }
";
        let expected = [
            "one: unknown key colour",
            "one: waits for two, which does not exist",
            "one: DB_PASSWORD must come from .env",
            "one: publishes 8000:8000 to the whole network",
            "one: uses the volume data, which is not declared",
            "three: waits for one on no known condition",
            "three: has neither image nor build",
        ];
        assert_eq!(offences(text), expected);
    }

    #[test]
    fn only_the_job_that_migrates_is_the_owner() {
        let text = "
services:
  user: { environment: { USER_MIGRATION_DATABASE_URL: x } }
  migrate-user: { environment: {} }
  migrate-tenant: { environment: { TENANT_MIGRATION_DATABASE_URL: x } }
";
        let offence = |name: &str, service| owner_offence(text, name, service);
        assert!(offence("user", Service::User).is_some_and(|text| text.contains("must not")));
        assert!(offence("migrate-user", Service::User).is_some_and(|text| text.contains("needs")));
        assert_eq!(offence("migrate-tenant", Service::Tenant), None);
    }

    #[test]
    fn variables_are_found_and_must_be_explained() {
        let names = variables("url: postgres://a:${A_PASSWORD:?set it}@x/${B:-c}");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["A_PASSWORD", "B"]);
        assert!(explains("# B=2\nC=", "B") && !explains("# about B", "B"));
    }
}
