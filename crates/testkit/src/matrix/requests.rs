//! One good request an operation.

use chrono::{Days, NaiveDate};
use http::Method;
use serde_json::{Value, json};

use super::scene::{CHANGED, PASSWORD, Scene, slot, tenant};

/// A request of the matrix.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET /users/{id}`.
    pub operation: &'static str,
    /// What stands for the parts of the path, in order.
    pub ids: Vec<String>,
    /// The query, with its `?`.
    pub query: String,
    /// The body, or null; a calendar file is a text.
    pub body: Value,
}

impl Request {
    /// The operation's method.
    pub fn method(&self) -> Method {
        let method = self.operation.split(' ').next().unwrap_or_default();
        method.parse().expect("a method")
    }

    /// The path with its ids and the query.
    pub fn path(&self) -> String {
        let path = self.operation.split(' ').nth(1).unwrap_or_default();
        let mut ids = self.ids.iter();
        let part = |part: &str| {
            if part.starts_with('{') {
                ids.next().expect("an id for every part").clone()
            } else {
                part.to_owned()
            }
        };
        let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
        format!("{path}{}", self.query)
    }
}

/// A calendar file without an event.
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";

fn request(operation: &'static str, ids: &[&String], query: &str, body: Value) -> Request {
    let ids = ids.iter().map(|id| (*id).clone()).collect();
    Request { operation, ids, query: query.to_owned(), body }
}

/// In this order: what is needed longest goes last.
pub fn requests(scene: &Scene, today: NaiveDate) -> Vec<Request> {
    let mut all = tenants_and_people(scene);
    all.extend(things(scene, today));
    all.extend(links(scene, today));
    all.extend(calendars(scene, today));
    all.extend(ends(scene));
    all
}

fn tenants_and_people(scene: &Scene) -> Vec<Request> {
    let Scene { tenant: t, domain, user, erased, ends: [key, session], .. } = scene;
    let ana = format!("ana@{domain}");
    let new = |name: &str| {
        json!({
            "tenant_id": t, "name": "Vera", "email": format!("{name}@{domain}"), "user_type": "user",
        })
    };
    let login = json!({ "tenant_id": t, "email": ana, "password": PASSWORD });
    let forgotten = json!({ "email": format!("desconhecido@{domain}") });
    let reset = json!({ "token": "mp_x", "password": "another horse 3" });
    let grant = json!({ "username": ana, "password": PASSWORD });
    let joins = json!({
        "tenant_id": t, "name": "Nova", "email": format!("nova@{domain}"), "password": PASSWORD,
    });
    let act = json!({ "user_id": user, "reason": "chamado 4711" });
    let integration = json!({ "name": "x", "scopes": {} });
    let name = || json!({ "name": "x" });
    let nil = || Value::Null;
    let longer = json!({ "settings": { "booking_interval": 60 } });
    vec![
        request("GET /auth/.well-known/jwks.json", &[], "", nil()),
        request("GET /tenants/", &[], "?limit=1", nil()),
        request("GET /tenants/{id}", &[t], "", nil()),
        request("GET /tenants/{id}/settings", &[t], "", nil()),
        request("PUT /tenants/{id}", &[t], "", name()),
        request("PUT /tenants/{id}/settings", &[t], "", json!({ "business_type": "x" })),
        request("POST /tenants/{id}/settings/preview", &[t], "", longer),
        request("POST /users/login", &[], "", login),
        request("POST /auth/token", &[], "", grant),
        request("POST /auth/password/recover", &[], "", forgotten),
        request("POST /auth/password/reset", &[], "", reset),
        request("POST /auth/refresh", &[], "", nil()),
        request("POST /auth/register", &[], "", joins),
        request("GET /auth/me", &[], "", nil()),
        request("GET /auth/sessions", &[], "", nil()),
        request("DELETE /auth/sessions/{id}", &[session], "", nil()),
        request("GET /users/me", &[], "", nil()),
        request("GET /users/", &[], "", nil()),
        request("POST /users/", &[], "", new("vera")),
        request("GET /users/{id}", &[user], "", nil()),
        request("PUT /users/{id}", &[user], "", name()),
        request("POST /auth/impersonate", &[], "", act),
        request("GET /users/{id}/export", &[user], "", nil()),
        request("DELETE /users/{id}", &[user], "", nil()),
        request("POST /users/{id}/erasure", &[erased], "", nil()),
        request("GET /tenants/{id}/api-keys", &[t], "", nil()),
        request("POST /tenants/{id}/api-keys", &[t], "", integration),
        request("GET /tenants/{id}/api-keys/{key_id}", &[t, key], "", nil()),
        request("DELETE /tenants/{id}/api-keys/{key_id}", &[t, key], "", nil()),
    ]
}

fn things(scene: &Scene, today: NaiveDate) -> Vec<Request> {
    let Scene { tenant: t, booker, booking, exception, spare: [category, resource], .. } = scene;
    let [(kept, token), (given_back, _)] = &scene.holds;
    let token = || json!({ "hold_token": token });
    let hold = self::slot(scene, today, 8, 13, booker);
    let kind = json!({ "tenant_id": t, "name": "x", "type": "fisico" });
    let room = json!({ "tenant_id": t, "category_id": scene.category, "name": "x" });
    let day = format!("?date={}", today + Days::new(3));
    let days = format!("?from={}&to={}", today + Days::new(3), today + Days::new(4));
    let closed = json!({
        "tenant_id": t, "level": "resource", "resource_id": resource, "kind": "closure",
        "start_date": today + Days::new(9),
    });
    let import = format!("?tenant_id={t}&level=tenant");
    let at = |days, hour| slot(scene, today, days, hour, booker);
    let slot = at(3, 13);
    let mut series = at(6, 15);
    series["rrule"] = json!("FREQ=DAILY;COUNT=2");
    let mut group = at(6, 19);
    group["items"] = json!([{ "resource_id": scene.resource }]);
    group.as_object_mut().expect("an object").remove("resource_id");
    let name = || json!({ "name": "x" });
    let nil = || Value::Null;
    vec![
        request("GET /categories/", &[], "", nil()),
        request("POST /categories/", &[], "", kind),
        request("GET /categories/{id}", &[category], "", nil()),
        request("PUT /categories/{id}", &[category], "", name()),
        request("DELETE /categories/{id}", &[category], "", nil()),
        request("GET /resources/", &[], "", nil()),
        request("POST /resources/", &[], "", room),
        request("GET /resources/{id}", &[resource], "", nil()),
        request("GET /resources/{id}/availability", &[resource], &day, nil()),
        request("GET /exceptions/", &[], "", nil()),
        request("POST /exceptions/", &[], "", closed),
        request("POST /exceptions/import", &[], &import, json!(CALENDAR)),
        request("GET /exceptions/{id}", &[exception], "", nil()),
        request("PUT /exceptions/{id}", &[exception], "", json!({ "reason": "x" })),
        request("DELETE /exceptions/{id}", &[exception], "", nil()),
        // It ends at once.
        request("GET /resources/{id}/availability/stream", &[resource], "?max_seconds=0", nil()),
        request("GET /availability/", &[], &days, nil()),
        request("PUT /resources/{id}", &[resource], "", name()),
        request("DELETE /resources/{id}", &[resource], "", nil()),
        request("GET /bookings/", &[], "", nil()),
        request("POST /bookings/", &[], "", slot),
        request("POST /bookings/series", &[], "", series),
        request("GET /bookings/series/{id}", &[&scene.series], "", nil()),
        request("POST /bookings/groups", &[], "", group),
        request("PATCH /bookings/groups/{id}/cancel", &[&scene.group], "", nil()),
        request("GET /bookings/{id}", &[booking], "", nil()),
        request("PUT /bookings/{id}", &[booking], "", json!({ "notes": "x" })),
        request("PATCH /bookings/{id}/status", &[booking], "?status_param=confirmado", nil()),
        request("PATCH /bookings/{id}/check-in", &[booking], "", nil()),
        request("PATCH /bookings/{id}/cancel", &[booking], "", nil()),
        request("POST /bookings/waitlist", &[], "", self::slot(scene, today, 6, 13, booker)),
        request("GET /bookings/waitlist", &[], "", nil()),
        request("DELETE /bookings/waitlist/{id}", &[&scene.entry], "", nil()),
        request("POST /bookings/holds", &[], "", hold),
        request("POST /bookings/holds/{id}/extend", &[kept], "", token()),
        request("POST /bookings/holds/{id}/confirm", &[kept], "", token()),
        request("DELETE /bookings/holds/{id}", &[given_back], "", nil()),
    ]
}

/// By their tokens before they are taken back.
fn links(scene: &Scene, today: NaiveDate) -> Vec<Request> {
    let [booking, link, token] = &scene.linked;
    let later = slot(scene, today, 12, 16, &scene.admin);
    let later = json!({ "start_time": later["start_time"], "end_time": later["end_time"] });
    let nil = || Value::Null;
    let day = format!("?date={}", today + Days::new(2));
    vec![
        request("GET /bookings/links/{token}", &[token], "", nil()),
        request("GET /bookings/links/{token}/slots", &[token], &day, nil()),
        request("PUT /bookings/links/{token}", &[token], "", later),
        request("DELETE /bookings/links/{token}", &[token], "", nil()),
        request("POST /bookings/{id}/links", &[booking], "", nil()),
        request("GET /bookings/{id}/links", &[booking], "", nil()),
        request("DELETE /bookings/{id}/links/{link_id}", &[booking, link], "", nil()),
    ]
}

fn calendars(scene: &Scene, today: NaiveDate) -> Vec<Request> {
    let Scene { tenant: t, resource, booking, calendar: (calendar, secret), .. } = scene;
    let days = format!("?from={}&to={}", today + Days::new(3), today + Days::new(4));
    let body = json!({ "tenant_id": t, "resource_id": resource });
    let nil = || Value::Null;
    vec![
        request("GET /bookings/{id}/calendar.ics", &[booking], "", nil()),
        request("GET /calendars/", &[], "", nil()),
        request("POST /calendars/", &[], "", body),
        request("GET /calendars/feeds/{secret}", &[secret], "", nil()),
        request("GET /calendars/resources/{id}/free-busy.ics", &[resource], &days, nil()),
        request("DELETE /calendars/{id}", &[calendar], "", nil()),
    ]
}

/// What ends sessions; see `Token::of`.
fn ends(scene: &Scene) -> Vec<Request> {
    let change = json!({ "current_password": PASSWORD, "new_password": CHANGED });
    let new = tenant(&format!("novo.{}", scene.domain));
    vec![
        request("POST /auth/password/change", &[], "", change),
        request("POST /auth/logout", &[], "", Value::Null),
        request("POST /auth/logout-all", &[], "", Value::Null),
        request("DELETE /tenants/{id}", &[&scene.tenant], "", Value::Null),
        request("POST /tenants/", &[], "", new),
    ]
}
