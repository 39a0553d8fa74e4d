//! §1: lists, pages, literal search, and both forms of a path.

use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use crate::ask::{By, JSON, by, column, invalid};
use crate::world::{World, person, tenant};

testkit::on_both_engines!(crate::world::open =>
    pages_follow_each_other_until_the_end,
    limits_and_cursors_are_judged,
    links_go_where_the_client_came_from,
    search_is_a_literal_substring_in_any_case,
    both_forms_of_a_path_work_directly,
);

/// Follows `Link` headers from `path` to the end: every id in order, and the pages asked for.
async fn walk(ask: By<'_>, path: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    while !next.is_empty() && pages < 20 {
        let page = ask.get(&next).await.expect(200);
        ids.extend(column(&page, "id"));
        pages += 1;
        next = link(&page);
    }
    (ids, pages)
}

/// The path of the next page, empty at the end.
fn link(page: &Answer) -> String {
    let header = page.header("link");
    if header.is_empty() {
        return String::new();
    }
    let target = header.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    target.unwrap().strip_prefix("http://marca.test:8000").unwrap().to_owned()
}

async fn pages_follow_each_other_until_the_end(app: TestApp) {
    let w = World::new(&app, "paginas.example").await;
    // Names that tempt databases to different orders, twins among them.
    let names = ["b", "A", "Á", "a", "a b", "a-b", "a_b", "a", "ß", "Zé", "10", "9"];
    for (at, name) in names.iter().enumerate() {
        let user = person(&w.tenant, name, &format!("p{at}@x.example"), "user");
        let mut user = user;
        user["password"] = Value::Null;
        app.post("/users/", user).await.expect(201);
        let category = json!({ "tenant_id": w.tenant, "type": "humano", "name": name });
        app.post("/categories/", category).await.expect(201);
        w.room(&app, name).await;
        let mut business = tenant(&format!("t{at}.example"), &json!({}));
        business["name"] = json!(name);
        app.post("/tenants/", business).await.expect(201);
        let hour = 6 + at;
        let start = format!("2027-03-02T{hour:02}:00:00");
        w.book(&app, &start, &format!("2027-03-02T{:02}:00:00", hour + 1)).await.expect(201);
    }
    let ask = by(&app, "");
    for (path, total) in [
        ("/users/", 14),
        ("/categories/", 13),
        ("/resources/", 13),
        ("/tenants/", 13),
        ("/bookings/", 12),
    ] {
        let whole = ask.get(&format!("{path}?limit=200&count=true")).await.expect(200);
        assert_eq!(whole.header("x-total-count"), total.to_string(), "{path}");
        assert_eq!(whole.header("link"), "", "{path}");
        let whole = column(&whole, "id");
        assert_eq!(whole.len(), total, "{path}");
        for limit in [1, 3, 6, total, 200] {
            let (ids, pages) = walk(ask, &format!("{path}?limit={limit}")).await;
            assert_eq!(ids, whole, "{path} by {limit}");
            assert_eq!(pages, total.div_ceil(limit), "{path} by {limit}");
        }
    }
    let by_name = column(&ask.get("/users/").await.expect(200), "name");
    let place = |name: &str| by_name.iter().position(|found| found == name).unwrap();
    assert!(place("A") < place("Ana Admin") && place("Ana Admin") < place("b"));
    assert!(place("b") < place("João Silva") && place("João Silva") < place("Zé"));
    app.stop().await;
}

async fn limits_and_cursors_are_judged(app: TestApp) {
    let w = World::new(&app, "limites.example").await;
    let ask = by(&app, "");
    for path in ["/tenants/", "/users/", "/categories/", "/resources/", "/bookings/"] {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=1.5", "limit"),
            ("limit=muitos", "limit"),
            ("count=talvez", "count"),
            ("cursor=***", "cursor"),
            ("cursor=bnVsbA", "cursor"),
            ("cursor=WyJcdTAwMDAiLCIwMDAwMDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDAiXQ", "cursor"),
        ] {
            let answer = ask.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status.as_u16(), 422, "{path}?{query}: {}", answer.text);
            invalid(answer, &[field]);
        }
        for fine in ["limit=1", "limit=200", "count=false", "unknown=1"] {
            ask.get(&format!("{path}?{fine}")).await.expect(200);
        }
    }
    // Fifty unless told otherwise.
    for at in 0..51 {
        let category = json!({ "tenant_id": w.tenant, "type": "humano", "name": format!("c{at}") });
        app.post("/categories/", category).await.expect(201);
    }
    let page = ask.get("/categories/").await.expect(200);
    assert_eq!(page.body.as_array().map(Vec::len), Some(50));
    assert_eq!(ask.get(&link(&page)).await.expect(200).body.as_array().map(Vec::len), Some(2));
    app.stop().await;
}

async fn links_go_where_the_client_came_from(app: TestApp) {
    let w = World::new(&app, "links.example").await;
    w.room(&app, "Sala 2").await;
    let ask = by(&app, "");
    for (headers, origin) in [
        (vec![("host", "agenda.example:8443")], "http://agenda.example:8443"),
        (
            vec![("host", "agenda.example"), ("x-forwarded-proto", "https")],
            "https://agenda.example",
        ),
        (vec![("host", "[::1]:8000")], "http://[::1]:8000"),
    ] {
        for path in ["/resources/", "/resources"] {
            let query = "limit=1&search=sala%201%26&count=true&status=disponivel";
            let query = query.replace("%201%26", "");
            let page = ask.raw("GET", &format!("{path}?{query}"), &headers, "").await.expect(200);
            let link = page.header("link");
            assert!(link.starts_with(&format!("<{origin}/resources")), "{link}");
            for kept in ["limit=1", "search=sala", "count=true", "status=disponivel", "cursor="] {
                assert!(link.contains(kept), "{kept} in {link}");
            }
        }
    }
    app.stop().await;
}

async fn search_is_a_literal_substring_in_any_case(app: TestApp) {
    let w = World::new(&app, "busca.example").await;
    for (at, name) in ["100% Sala", "Sala_2", "SalaX2", "José Ávila", "a\\b 'c'"].iter().enumerate()
    {
        w.room(&app, name).await;
        let mut user = person(&w.tenant, name, &format!("s{at}@y.example"), "user");
        user["password"] = Value::Null;
        app.post("/users/", user).await.expect(201);
    }
    let ask = by(&app, "");
    for (text, found) in [
        ("%25", vec!["100% Sala"]),
        ("_", vec!["Sala_2"]),
        ("sala_2", vec!["Sala_2"]),
        ("0%25+s", vec!["100% Sala"]),
        ("JOS%C3%89", vec!["José Ávila"]),
        ("%C3%A1vila", vec!["José Ávila"]),
        ("%5C", vec!["a\\b 'c'"]),
        ("%27c%27", vec!["a\\b 'c'"]),
        ("nada", vec![]),
    ] {
        for path in ["/resources/", "/users/"] {
            let list = ask.get(&format!("{path}?search={text}&count=true")).await.expect(200);
            assert_eq!(column(&list, "name"), found, "{path}?search={text}");
            assert_eq!(list.header("x-total-count"), found.len().to_string());
        }
    }
    for path in ["/resources/", "/users/"] {
        let all = ask.get(path).await.expect(200);
        let none = ask.get(&format!("{path}?search=")).await.expect(200);
        assert_eq!(all.body, none.body, "an empty search narrows nothing");
        let long = "x".repeat(201);
        invalid(ask.get(&format!("{path}?search={long}")).await, &["search"]);
    }
    app.stop().await;
}

async fn both_forms_of_a_path_work_directly(app: TestApp) {
    let w = World::new(&app, "barra.example").await;
    let ask = by(&app, "");
    let id = w.book(&app, "2027-03-05T13:00:00Z", "2027-03-05T14:00:00Z").await.expect(201).id();
    for path in [
        "/tenants".to_owned(),
        "/users".to_owned(),
        "/categories".to_owned(),
        "/resources".to_owned(),
        "/bookings".to_owned(),
        format!("/tenants/{}", w.tenant),
        format!("/tenants/{}/settings", w.tenant),
        format!("/users/{}", w.user),
        format!("/categories/{}", w.category),
        format!("/resources/{}", w.resource),
        format!("/bookings/{id}"),
        "/auth/.well-known/jwks.json".to_owned(),
    ] {
        let (short, long) =
            (ask.get(&path).await.expect(200), ask.get(&format!("{path}/")).await.expect(200));
        assert_eq!(short.body, long.body, "{path}");
    }
    let query = format!("/resources/{}/availability/?date=2027-03-05", w.resource);
    assert_eq!(ask.get(&query).await.expect(200).body["date"], "2027-03-05");
    // A write keeps its method and its body.
    for (path, hour) in [("/bookings", 15), ("/bookings/", 16)] {
        let body = w.booking(
            &format!("2027-03-05T{hour}:00:00Z"),
            &format!("2027-03-05T{}:00:00Z", hour + 1),
        );
        ask.raw("POST", path, &[JSON], &body.to_string()).await.expect(201);
    }
    for (at, path) in [format!("/bookings/{id}"), format!("/bookings/{id}/")].iter().enumerate() {
        let note = format!("nota {at}");
        let answer = ask.put(path, json!({ "notes": note })).await.expect(200);
        assert_eq!(answer.body["notes"], note.as_str());
    }
    let status = format!("/bookings/{id}/status/?status_param=confirmado");
    assert_eq!(ask.patch(&status, Value::Null).await.expect(200).body["status"], "confirmado");
    let cancel = format!("/bookings/{id}/cancel/");
    let done = ask.patch(&cancel, json!({ "reason": "fim" })).await.expect(200);
    assert_eq!(done.body["cancellation_reason"], "fim");
    let login = json!({ "email": "ana@barra.example", "password": crate::world::PASSWORD });
    ask.post("/users/login/", login).await.expect(200);
    app.stop().await;
}
