//! The search over 10,000 resources with a million bookings, and the slot lists of a day and of 31 days:
//! the real resource and booking services over HTTP, seeded straight into their databases.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use contracts::Service;
use serde_json::{Value, json};

use super::house::House;
use super::load::{Load, wrk};
use super::table::Row;
use crate::failure::Failure;

const RESOURCES: u32 = 10_000;
/// A hundred of each.
const BOOKINGS: u32 = 1_000_000;
const ADMIN: &str = "admin@search.example";

/// A tenant with many resources.
pub(crate) struct Crowd {
    tenant: String,
    token: String,
    /// How long the first search took, which had to ask for everything.
    first: Duration,
}

/// Searches of all kinds: a few hours to a week, half an hour to five hours, narrowed and not. Nothing is
/// free for five hours where there are bookings: that one looks at everything.
const SEARCH: &str = r#"
  local lengths = { 30, 60, 90, 120, 180, 240, 300 }
  local windows = { 6, 24, 72, 168 }
  local from = midnight + 86400 * math.random(1, 20) + 1800 * math.random(16, 34)
  local query = string.format("from=%s&to=%s&duration=%d", os.date("!%Y-%m-%dT%H:%M:%SZ", from),
    os.date("!%Y-%m-%dT%H:%M:%SZ", from + 3600 * windows[math.random(4)]), lengths[math.random(7)])
  local kind = math.random(4)
  if kind == 1 then query = query .. "&q=sala%20" .. math.random(10, 99) end
  if kind == 2 then query = query .. "&min_capacity=" .. math.random(1, 10) end
  if kind == 3 then query = query .. "&attributes.andar=" .. math.random(1, 20) end
  return wrk.format("GET", "/availability/?tenant_id=" .. tenant .. "&" .. query, headers)
"#;

const DAY: &str = r#"
  return wrk.format("GET", "/resources/" .. room(200) .. "/availability?date=" .. os.date("!%Y-%m-%d", midnight + 86400 * math.random(1, 25)), headers)
"#;

const DAYS: &str = r#"
  return wrk.format("GET", "/resources/" .. room(200) .. "/availability?days=31&date=" .. os.date("!%Y-%m-%d", midnight), headers)
"#;

const CONSTANT: &str = "return wrk.format('GET', '/health', headers)";

const SCRIPT: &str = r#"local headers = { ["Authorization"] = "Bearer {{token}}" }
local tenant = "{{tenant}}"
local midnight = os.time() - os.time() % 86400
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init() math.randomseed(id + 1) end
local function room(most) return string.format("c0000000-0000-7000-8000-%012d", math.random(0, most - 1)) end
function request() {{request}} end
function done(summary, latency, requests)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("FIGURES %.1f %.3f %.3f %d", (summary.requests - summary.errors.status) / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors))
end
"#;

impl Crowd {
    /// Makes the tenant, its resources and its bookings.
    pub(crate) async fn seed(house: &House) -> Result<Self, Failure> {
        let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
        let tenant = json!({
            "name": "Search", "domain": "search.example", "plan": "basico",
            "logo_url": "https://search.example/logo.png", "theme_primary_color": "#000000",
            "settings": {
                "business_type": "bench", "timezone": "UTC", "working_hours_start": "08:00",
                "working_hours_end": "18:00", "booking_interval": 30, "advance_booking_days": 60,
                "custom_labels": { "resource_singular": "R", "resource_plural": "R", "booking_label": "B", "user_label": "U" },
            },
        });
        let tenant = id(&house.call_as("", Service::Tenant, "/tenants/", tenant).await?);
        let password = "bench-password-1";
        let admin = json!({
            "tenant_id": tenant, "name": "Search", "email": ADMIN, "user_type": "admin",
            "password": password,
        });
        let user = id(&house.call_as("", Service::User, "/users/", admin).await?);
        let login = json!({ "email": ADMIN, "password": password });
        let login = house.call_as("", Service::User, "/users/login", login).await?;
        let token = login["access_token"].as_str().unwrap_or_default().to_owned();
        let category = json!({ "tenant_id": tenant, "name": "Salas", "type": "fisico" });
        let category = house.call_as(&token, Service::Resource, "/categories/", category).await?;
        house.sql(Service::Resource, &resources(&tenant, &id(&category)))?;
        for statement in bookings(&tenant, &user) {
            house.sql(Service::Booking, &statement)?;
        }
        let mut crowd = Self { tenant, token, first: Duration::ZERO };
        let started = Instant::now();
        let found = crowd.ask(house).await?;
        crowd.first = started.elapsed();
        if found == 0 {
            return Err(Failure::new("the first search found nothing"));
        }
        Ok(crowd)
    }

    /// One search, as long as it takes: how many resources it found.
    async fn ask(&self, house: &House) -> Result<usize, Failure> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1));
        let client = client.build()?;
        let base = house.url(Service::Resource);
        let day = house.sql(Service::Booking, "SELECT (now() + interval '3 days')::date")?;
        let (day, tenant) = (day.trim(), &self.tenant);
        let url = format!(
            "{base}/availability/?tenant_id={tenant}&from={day}T09:00:00Z&to={day}T18:00:00Z&duration=90"
        );
        let answer = client.get(url).bearer_auth(&self.token).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            return Err(Failure::new(format!("search: {status}: {text}")));
        }
        let found: Value = serde_json::from_str(&text)?;
        Ok(found["resources"].as_array().map_or(0, Vec::len))
    }

    fn script(&self, house: &House, name: &str, request: &str) -> Result<PathBuf, Failure> {
        let text = SCRIPT
            .replace("{{token}}", &self.token)
            .replace("{{tenant}}", &self.tenant)
            .replace("{{request}}", request);
        house.write(name, &text)
    }

    /// Each beside a constant route, in turns.
    pub(crate) fn rows(
        &self,
        house: &House,
        rounds: usize,
        time: Duration,
    ) -> Result<Vec<Row>, Failure> {
        let constant = self.script(house, "beside.lua", CONSTANT)?;
        let url = house.url(Service::Resource);
        let mut rows = Vec::new();
        for (what, name, request, connections) in [
            ("search, 10k resources, 1M bookings, 2 connections", "search.lua", SEARCH, 2),
            ("search, 10k resources, 1M bookings, 8 connections", "search.lua", SEARCH, 8),
            ("slots of a day, 16 connections", "day.lua", DAY, 16),
            ("slots of 31 days, 16 connections", "days.lua", DAYS, 16),
        ] {
            let script = self.script(house, name, request)?;
            let (mut ours, mut reference) = (Load::default(), Load::default());
            for _ in 0..rounds {
                ours = ours.best(wrk(house, &script, &url, connections, time)?);
                reference = reference.best(wrk(house, &constant, &url, connections, time)?);
            }
            rows.push(Row::new(
                what.to_owned(),
                ours,
                "a route that returns a constant",
                reference,
                0.0,
            ));
        }
        Ok(rows)
    }

    /// How long it took to begin, and what a search by SQL alone costs: gaps of an hour in a week, without
    /// working hours, schedules, exceptions and policies, so less than would be needed.
    pub(crate) async fn notes(&self, house: &House) -> Result<Vec<String>, Failure> {
        let query = format!(
            "EXPLAIN (ANALYZE, TIMING OFF) WITH gap AS (SELECT resource_id, claim_end AS free_from, \
             lead(claim_start) OVER (PARTITION BY resource_id ORDER BY claim_start) AS free_to \
             FROM booking WHERE tenant_id = '{}' AND status IN ('reservado','pendente','confirmado') \
             AND claim_end > now() + interval '3 days' AND claim_start < now() + interval '10 days') \
             SELECT resource_id, min(free_from) FROM gap WHERE free_to - free_from >= interval '1 hour' \
             GROUP BY 1 ORDER BY 2, 1 LIMIT 20",
            self.tenant
        );
        let mut times = Vec::new();
        for _ in 0..7 {
            let printed = house.sql(Service::Booking, &query)?;
            let time = printed.lines().find_map(|line| {
                line.strip_prefix("Execution Time: ")?.split(' ').next()?.parse::<f64>().ok()
            });
            times.extend(time);
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let (first, again) = (self.first, Instant::now());
        let found = self.ask(house).await?;
        Ok(vec![
            format!(
                "search: the first one, which asks for {RESOURCES} resources and {BOOKINGS} bookings, took \
                 {:.1} s; the same now {:.1} ms ({found} found)",
                first.as_secs_f64(),
                again.elapsed().as_secs_f64() * 1e3,
            ),
            format!("search by SQL alone, gaps of an hour in a week: median {median:.0} ms of 7"),
            format!("memory of the resource service: {}", memory()),
        ])
    }
}

/// The most memory any resource service of this machine's has held.
fn memory() -> String {
    let mut most = 0_u64;
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let status = std::fs::read_to_string(process.path().join("status")).unwrap_or_default();
        if !status.starts_with("Name:\tmarca-resource") {
            continue;
        }
        let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = held.and_then(|held| held.trim().split(' ').next()?.parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0));
    }
    format!("{} MiB at most", most / 1024)
}

fn resources(tenant: &str, category: &str) -> String {
    format!(
        "INSERT INTO resource (id, tenant_id, category_id, version, name, name_key, search_key, status, \
         capacity, attributes, attribute_texts, availability_schedule, booking_policy, created_at, updated_at) \
         SELECT ('c0000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '{tenant}', '{category}', 1, \
         'Sala ' || n, 'sala ' || n, 'sala ' || n, 'disponivel', 1 + n % 12, '{{}}', \
         json_build_object('andar', (n % 20)::text), \
         (CASE n % 3 WHEN 0 THEN '{{}}' WHEN 1 THEN '{{\"monday\":[\"08:00-12:00\",\"13:00-18:00\"],\
\"tuesday\":[\"08:00-12:00\",\"13:00-18:00\"],\"wednesday\":[\"08:00-18:00\"],\"thursday\":[\"08:00-18:00\"],\
\"friday\":[\"08:00-17:00\"]}}' ELSE '{{\"saturday\":[\"08:00-18:00\"],\"sunday\":[\"08:00-18:00\"],\
\"monday\":[\"10:00-18:00\"],\"thursday\":[\"08:00-18:00\"]}}' END)::json, \
         '{{}}', now(), now() FROM generate_series(0, {RESOURCES} - 1) n"
    )
}

/// In each stretch of two and a half hours of the next 25 days one of half an hour to an hour and a half.
/// The guards are off meanwhile: they would take a lock for each of a million rows in one transaction.
fn bookings(tenant: &str, user: &str) -> Vec<String> {
    let insert = format!(
        "INSERT INTO booking (id, tenant_id, resource_id, user_id, start_time, end_time, claim_start, \
         claim_end, zone, wall_start, tzdb, status, recurring_enabled, confirmation_code, \
         cancellation_hours, version, created_at, updated_at) \
         SELECT gen_random_uuid(), '{tenant}', \
         ('c0000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '{user}', starts, ends, starts, ends, \
         'UTC', '', 'bundled', 'confirmado', false, 'S' || n || '-' || block, 24, 1, now(), now() \
         FROM (SELECT n, block, starts, starts + length * interval '30 minutes' AS ends FROM (\
           SELECT n, block, length, date_trunc('day', now()) + (1 + block / 4) * interval '1 day' \
             + interval '8 hours' + (block % 4) * interval '150 minutes' \
             + (abs(hashtext('o' || n || 'x' || block)) % (6 - length)) * interval '30 minutes' AS starts \
           FROM (SELECT n, block, 1 + abs(hashtext('l' || n || 'x' || block)) % 3 AS length \
             FROM generate_series(0, {RESOURCES} - 1) n, generate_series(0, {BOOKINGS} / {RESOURCES} - 1) block) a) b) c"
    );
    let exclude = "ALTER TABLE booking ADD CONSTRAINT booking_no_overlap EXCLUDE USING gist \
         (resource_id WITH =, tstzrange(claim_start, claim_end) WITH &&) \
         WHERE (exclusive AND status IN ('reservado','pendente','confirmado'))";
    vec![
        "ALTER TABLE booking DISABLE TRIGGER USER".to_owned(),
        "ALTER TABLE booking DROP CONSTRAINT booking_no_overlap".to_owned(),
        insert,
        exclude.to_owned(),
        "ALTER TABLE booking ENABLE TRIGGER USER".to_owned(),
        "ANALYZE booking".to_owned(),
    ]
}
