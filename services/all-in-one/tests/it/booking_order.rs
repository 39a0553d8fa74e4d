//! `POST /bookings/`: the order of checks. Each request breaks two rules; the earlier one is told.

use http::Method;
use serde_json::{Value, json};
use testkit::app::TestApp;

use crate::ask::{booking_events, by, invalid, refused};
use crate::world::World;

testkit::on_both_engines!(crate::world::guarded =>
    of_two_broken_rules_the_earlier_one_is_told,
    the_shape_is_judged_before_the_token,
    confirming_is_a_question_of_authority,
);

const OTHER_TENANT: &str = "Você não pode criar reservas para outro tenant.";
const NOT_SELF: &str = "Usuário comum só pode criar reservas para si mesmo.";
const MAY_NOT: &str = "Você não tem permissão para criar reservas.";
const NO_SUCH: &str = "00000000-0000-7000-8000-000000000000";

/// Who asks in a case.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Admin,
    User,
    /// A user without `can_book`.
    Idle,
}

struct Case {
    breaks: &'static str,
    who: Who,
    /// Laid over a good booking for Tuesday 10:00 to 11:00 local.
    with: Value,
    expect: (u16, &'static str, &'static str),
}

fn case(
    breaks: &'static str,
    who: Who,
    with: Value,
    expect: (u16, &'static str, &'static str),
) -> Case {
    Case { breaks, who, with, expect }
}

/// In the order of the contract: each case breaks the rule it names and the one after it.
#[expect(clippy::too_many_lines, reason = "one table")]
fn cases(w: &World, other: &World, closed: &str) -> Vec<Case> {
    use Who::{Admin, Idle, User};
    let time = |start: &str, end: &str| json!({ "start_time": start, "end_time": end });
    let on = |resource: &str, mut body: Value| {
        body["resource_id"] = json!(resource);
        body
    };
    let e = "outside_working_hours";
    vec![
        case(
            "tenant, self",
            User,
            json!({ "tenant_id": other.tenant, "user_id": other.user }),
            (403, "forbidden", OTHER_TENANT),
        ),
        case(
            "tenant, resource, admin",
            Admin,
            json!({ "tenant_id": other.tenant, "resource_id": NO_SUCH }),
            (403, "forbidden", OTHER_TENANT),
        ),
        case("self, can_book", Idle, json!({ "user_id": w.admin }), (403, "forbidden", NOT_SELF)),
        case(
            "can_book, resource",
            Idle,
            json!({ "resource_id": NO_SUCH }),
            (403, "forbidden", MAY_NOT),
        ),
        case(
            "resource, user",
            Admin,
            json!({ "resource_id": NO_SUCH, "user_id": NO_SUCH }),
            (404, "not_found", "Recurso não encontrado"),
        ),
        case(
            "another tenant's resource, user",
            Admin,
            json!({ "resource_id": other.resource, "user_id": other.user }),
            (404, "not_found", "Recurso não encontrado"),
        ),
        case(
            "user, resource status",
            Admin,
            json!({ "resource_id": closed, "user_id": other.user }),
            (404, "not_found", "Usuário não encontrado"),
        ),
        case(
            "resource status, a",
            User,
            on(closed, time("2027-03-02T10:00:00", "2027-03-02T12:00:00Z")),
            (400, "resource_unavailable", "Recurso indisponível para reservas."),
        ),
        case(
            "a, b",
            User,
            time("2027-03-01T08:00:00", "2027-03-01T10:00:00Z"),
            (400, "end_before_start", "Horário final deve ser maior que o inicial."),
        ),
        case(
            "b, d",
            User,
            time("2027-03-01T08:00:00", "2027-03-01T08:50:00"),
            (400, "not_in_future", "Agendamentos devem ser criados para horários futuros."),
        ),
        case(
            "c, d",
            User,
            time("2027-04-30T08:00:00", "2027-04-30T08:50:00"),
            (
                400,
                "too_far_ahead",
                "Agendamentos só podem ser feitos com até 30 dias de antecedência.",
            ),
        ),
        case(
            "d, e",
            User,
            time("2027-03-02T22:00:00", "2027-03-02T22:50:00"),
            (400, "duration_not_multiple", "Duração deve ser múltiplo de 60 minutos."),
        ),
        case(
            "e, weekday",
            User,
            time("2027-03-07T22:00:00", "2027-03-07T23:00:00"),
            (400, e, "Horário fora do expediente configurado."),
        ),
        case(
            "weekday, grid",
            User,
            time("2027-03-07T10:30:00", "2027-03-07T11:30:00"),
            (400, "closed_weekday", "Recurso indisponível neste dia da semana."),
        ),
        case(
            "schedule, conflict",
            User,
            time("2027-03-02T17:00:00", "2027-03-02T19:00:00"),
            (400, "outside_schedule", "Horário não permitido na disponibilidade do recurso."),
        ),
        case(
            "conflict, grid",
            User,
            time("2027-03-02T16:30:00", "2027-03-02T17:30:00"),
            (409, "conflict", "Recurso já possui reserva neste intervalo"),
        ),
        case(
            "grid",
            User,
            time("2027-03-02T10:30:00", "2027-03-02T11:30:00"),
            (400, "off_grid", "Horário inicial deve respeitar intervalos de 60 minutos."),
        ),
    ]
}

async fn of_two_broken_rules_the_earlier_one_is_told(app: TestApp) {
    let week = json!({
        "monday": ["06:00-22:00"], "tuesday": ["08:00-18:00"], "friday": ["06:00-22:00"],
    });
    let w = World::with(&app, "um.example", json!({}), week).await;
    let other = World::new(&app, "dois.example").await;
    let closed = w.room(&app, "Fechada").await;
    let edit = json!({ "status": "manutencao" });
    w.admin(&app).put(&format!("/resources/{closed}"), edit).await.expect(200);
    let (idle, idle_token) = w.join(&app, "parado", "user", json!({})).await;
    w.book(&app, "2027-03-02T16:00:00", "2027-03-02T18:00:00").await.expect(201);
    let good = w.booking("2027-03-02T10:00:00", "2027-03-02T11:00:00");
    for Case { breaks, who, with, expect: (status, code, message) } in cases(&w, &other, &closed) {
        let (token, user) = match who {
            Who::Admin => (&w.admin_token, &w.user),
            Who::User => (&w.user_token, &w.user),
            Who::Idle => (&idle_token, &idle),
        };
        let mut body = good.clone();
        body["user_id"] = json!(user);
        for (name, value) in with.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = app.call(Method::POST, "/bookings/", token, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{breaks}: {}", answer.text);
        let answer = refused(answer, status, code, message);
        if code == "conflict" {
            assert_eq!(answer.body["conflicts"].as_array().map(Vec::len), Some(1));
        }
        // Whatever else is wrong, a body of the wrong shape is told first.
        body["notes"] = json!(7);
        let answer = app.call(Method::POST, "/bookings/", token, body).await;
        invalid(answer, &["notes"]);
    }
    let list = w.admin(&app).get("/bookings/").await.expect(200);
    assert_eq!(list.body.as_array().map(Vec::len), Some(1), "a refused request stored something");
    assert_eq!(booking_events(&app).await.len(), 1, "a refused request told something");
    w.user(&app).post("/bookings/", good).await.expect(201);
    app.stop().await;
}

async fn the_shape_is_judged_before_the_token(app: TestApp) {
    let w = World::new(&app, "um.example").await;
    let mut body = w.booking("2027-03-02T11:00:00Z", "2027-03-02T11:00:00Z");
    body["extra"] = json!(1);
    invalid(by(&app, "").post("/bookings/", body).await, &["end_time", "extra"]);
    let body = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    let answer = by(&app, "").post("/bookings/", body).await;
    refused(answer, 401, "unauthorized", "Autenticação necessária.");
    app.stop().await;
}

async fn confirming_is_a_question_of_authority(app: TestApp) {
    let w = World::new(&app, "um.example").await;
    let mut body = w.booking("2027-03-02T13:00:00Z", "2027-03-02T14:00:00Z");
    body["status"] = json!("confirmado");
    refused(
        w.user(&app).post("/bookings/", body.clone()).await,
        403,
        "forbidden",
        "Você não tem permissão para esta operação.",
    );
    // Authority comes before everything that is looked up.
    let mut lost = body.clone();
    lost["resource_id"] = json!(NO_SUCH);
    w.user(&app).post("/bookings/", lost).await.expect(403);
    let made = w.admin(&app).post("/bookings/", body).await.expect(201);
    assert_eq!(made.body["status"], "confirmado");
    app.stop().await;
}
