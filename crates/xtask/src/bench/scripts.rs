//! What the load clients run.

/// The booking and its event in the words the service uses, with its own slots.
pub(super) const REFERENCE: &str = r#"\set i :i + 1
\set slot :i * 100 + :client_id
WITH b AS (
  INSERT INTO booking (id, tenant_id, resource_id, user_id, client_id, start_time, end_time, zone,
    wall_start, tzdb, status, notes, recurring_enabled, recurring_pattern, confirmation_code,
    cancellation_hours, version, created_at, updated_at, claim_start, claim_end)
  SELECT gen_random_uuid(), 'b0000000-0000-0000-0000-000000000001',
    ('b0000000-0000-0000-' || lpad((:base)::text, 4, '0') || '-' || lpad((:slot % 400)::text, 12, '0'))::uuid,
    'b0000000-0000-0000-0000-000000000002', NULL,
    timestamptz '2027-01-01' + (:slot / 400) * interval '5 minutes',
    timestamptz '2027-01-01' + (:slot / 400 + 1) * interval '5 minutes',
    'America/Sao_Paulo', '2027-01-01 00:00:00', 'bundled 2026e', 'pendente', NULL, false, NULL,
    substr(md5(random()::text || :slot), 1, 12), 24, 1, now(), now(),
    timestamptz '2027-01-01' + (:slot / 400) * interval '5 minutes',
    timestamptz '2027-01-01' + (:slot / 400 + 1) * interval '5 minutes'
  WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE id IN ('b0000000-0000-0000-0000-000000000001',
    'b0000000-0000-0000-0000-000000000002', 'b0000000-0000-0000-0000-000000000003'))
  ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO outbox (event_id, tenant_id, aggregate_id, sequence, event_type, payload, trace_id, created_at)
SELECT gen_random_uuid(), 'b0000000-0000-0000-0000-000000000001', b.id, 1, 'booking.created',
  '{"booking_id":"b0000000-0000-0000-0000-000000000003","user_id":"b0000000-0000-0000-0000-000000000003","resource_id":"b0000000-0000-0000-0000-000000000003","tenant_id":"b0000000-0000-0000-0000-000000000003","status":"pendente","start_time":"2027-01-01T00:00:00Z","end_time":"2027-01-01T00:05:00Z"}',
  '01a200966fe7715d8acbbe5efcf47b3f', now() FROM b;
"#;

/// What every load client runs; its request stands in the middle.
pub(super) const SCRIPT: &str = r#"local resources = { {{resources}} }
local headers = { ["Authorization"] = "Bearer {{token}}", ["Content-Type"] = "application/json" }
local tenant, user, date = "{{tenant}}", "{{user}}", "{{date}}"
local counter = 0
local threads = 0
local epoch = os.time()
epoch = epoch - epoch % 300 + 86400
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function request() {{request}} end
function done(summary, latency, requests)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("FIGURES %.1f %.3f %.3f %d", (summary.requests - summary.errors.status) / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors))
end
"#;

/// Two threads take turns on the slots; a slot is used once.
pub(super) const CREATE: &str = r#"
  local n = counter * 2 + id
  counter = counter + 1
  local resource = resources[n % #resources + 1]
  local start = epoch + ({{first}} + math.floor(n / #resources) % {{slots}}) * 300
  local body = string.format('{"tenant_id":"%s","resource_id":"%s","user_id":"%s","start_time":"%s","end_time":"%s"}',
    tenant, resource, user, os.date("!%Y-%m-%dT%H:%M:%SZ", start), os.date("!%Y-%m-%dT%H:%M:%SZ", start + 300))
  return wrk.format("POST", "/bookings/", headers, body)
"#;

/// A day of one of fifty resources.
pub(super) const READ: &str = r#"
  counter = counter + 1
  return wrk.format("GET", "/resources/" .. resources[counter % 50 + 1] .. "/availability?date=" .. date, headers)
"#;
