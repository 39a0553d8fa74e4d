//! One tenant's part of a history: its requests, and what became of them.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::app::{Answer, TestApp};

use super::model::Model;
use super::script::{Sent, Step, Stolen, What};
use super::told::Reading;
use crate::ask::{JSON, by};

/// A request as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Request {
    what: What,
    /// Of those made: the one it is about.
    entry: usize,
    step: Step,
    method: &'static str,
    path: String,
    body: Value,
    key: Option<String>,
    token: Option<String>,
}

/// What was made: its id, and its token if it was made as a hold.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) id: String,
    token: Option<String>,
}

/// What a tenant reads after its steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looks {
    Nowhere,
    List,
    Days,
}

/// A tenant in its window.
pub(super) struct Actor<'a> {
    pub(super) app: &'a TestApp,
    /// For failures, and the beginning of its keys.
    pub(super) case: String,
    pub(super) tenant: &'a str,
    pub(super) bearer: &'a str,
    pub(super) user: &'a str,
    /// The shared one and the exclusive one.
    pub(super) rooms: [&'a str; 2],
    pub(super) reading: Reading,
    pub(super) steps: Vec<Step>,
    pub(super) made: Vec<Made>,
    /// Requests that were answered, with the answers.
    pub(super) sent: Vec<(Request, Answer)>,
    pub(super) told: Vec<Value>,
    /// What has to be answered, where steps follow one another.
    pub(super) model: Option<Model>,
    pub(super) at: usize,
}

impl Actor<'_> {
    fn time(&self, hour: i64) -> String {
        (self.reading.base + TimeDelta::hours(hour)).to_rfc3339()
    }

    fn body(&self, step: &Step, room: &str) -> Value {
        json!({
            "tenant_id": self.tenant, "resource_id": room, "user_id": self.user,
            "start_time": self.time(step.from), "end_time": self.time(step.to),
            "quantity": step.quantity,
        })
    }

    /// Who tries it with what is another's; `None` while there is nothing.
    fn steal(&self, stolen: Stolen, step: &Step, from: &Self) -> Option<Request> {
        let made = from.made.get(step.which % from.made.len().max(1));
        let path = made.map(|made| format!("/bookings/{}", made.id));
        let new = json!({ "start_time": from.time(step.from), "end_time": from.time(step.to) });
        let (method, path, body) = match stolen {
            Stolen::Room => {
                ("POST", "/bookings/".to_owned(), self.body(step, from.rooms[step.room]))
            }
            Stolen::Read => ("GET", path?, Value::Null),
            Stolen::Move => ("PUT", path?, new),
            Stolen::Cancel => ("PATCH", format!("{}/cancel", path?), Value::Null),
            Stolen::Confirm => {
                let path = format!("/bookings/holds/{}/confirm", made?.id);
                ("POST", path, json!({ "hold_token": made?.token.clone()? }))
            }
        };
        Some(self.request(step, (method, path, body), 0))
    }

    fn request(
        &self,
        step: &Step,
        (method, path, body): (&'static str, String, Value),
        entry: usize,
    ) -> Request {
        let key = (step.sent != Sent::Plain && method == "POST")
            .then(|| format!("{}-{}", self.case, self.at));
        let (what, step) = (step.what, step.clone());
        Request { what, entry, step, method, path, body, key, token: None }
    }

    /// What a step comes to here and now; a booking or hold where there is nothing to do it with.
    fn compose(&self, step: &Step, other: Option<&Self>) -> Request {
        let found = match step.what {
            What::Book | What::Hold => None,
            What::Repeat => self.earlier(step).map(|(request, _)| request.clone()),
            What::Reuse => {
                let done = self.earlier(step).filter(|(_, answer)| answer.status.is_success());
                done.map(|(request, _)| Request { what: What::Reuse, ..request.clone() })
            }
            What::Steal(stolen) => other.and_then(|other| self.steal(stolen, step, other)),
            What::Confirm
            | What::Extend
            | What::Release
            | What::Move
            | What::Resize
            | What::Cancel
            | What::Return => {
                let entry = step.which.checked_rem(self.made.len());
                entry.map(|entry| self.about(step, entry))
            }
        };
        found.unwrap_or_else(|| self.make(step))
    }

    /// An earlier request that had a key.
    fn earlier(&self, step: &Step) -> Option<&(Request, Answer)> {
        let keyed: Vec<_> = self.sent.iter().filter(|(sent, _)| sent.key.is_some()).collect();
        keyed.get(step.which.checked_rem(keyed.len())?).copied()
    }

    fn make(&self, step: &Step) -> Request {
        let hold = step.what == What::Hold;
        let path = if hold { "/bookings/holds" } else { "/bookings/" };
        let mut step = step.clone();
        step.what = if hold { What::Hold } else { What::Book };
        let body = self.body(&step, self.rooms[step.room]);
        self.request(&step, ("POST", path.to_owned(), body), 0)
    }

    fn about(&self, step: &Step, entry: usize) -> Request {
        let made = &self.made[entry];
        let mut step = step.clone();
        // Whether anybody has noticed its death yet is nobody's promise.
        if self.model.as_ref().is_some_and(|model| model.died(entry)) {
            step.what = What::Confirm;
        }
        let (path, hold) =
            (format!("/bookings/{}", made.id), format!("/bookings/holds/{}", made.id));
        let token = || json!({ "hold_token": made.token.as_deref().unwrap_or("nenhum") });
        let parts = match step.what {
            What::Confirm => ("POST", format!("{hold}/confirm"), token()),
            What::Extend => ("POST", format!("{hold}/extend"), token()),
            What::Release => ("DELETE", hold, Value::Null),
            What::Move => {
                let mut body = json!({ "resource_id": self.rooms[step.room] });
                body["start_time"] = json!(self.time(step.from));
                body["end_time"] = json!(self.time(step.to));
                ("PUT", path, body)
            }
            What::Resize => ("PUT", path, json!({ "quantity": step.quantity })),
            What::Return => ("PATCH", format!("{path}/status?status_param=pendente"), Value::Null),
            What::Cancel
            | What::Book
            | What::Hold
            | What::Repeat
            | What::Reuse
            | What::Steal(_) => ("PATCH", format!("{path}/cancel"), Value::Null),
        };
        let mut request = self.request(&step, parts, entry);
        request.token.clone_from(&made.token);
        request
    }

    async fn send(&self, request: &Request) -> Answer {
        let mut headers = Vec::new();
        if !request.body.is_null() {
            headers.push(JSON);
        }
        if let Some(key) = &request.key {
            headers.push(("idempotency-key", key.as_str()));
        }
        if let Some(token) = request.token.as_ref().filter(|_| request.what == What::Release) {
            headers.push(("x-hold-token", token.as_str()));
        }
        let mut body =
            if request.body.is_null() { String::new() } else { request.body.to_string() };
        if request.what == What::Reuse {
            // Another request is one that differs by a byte.
            body.push(' ');
        }
        by(self.app, self.bearer).raw(request.method, &request.path, &headers, &body).await
    }

    /// The next step, and whatever is to happen at once with it. Whether there was one in this part.
    pub(super) async fn go(&mut self, late: bool, other: Option<&Self>) -> bool {
        let mut requests = Vec::new();
        while let Some(step) = self.steps.get(self.at).filter(|step| step.late == late).cloned() {
            let alone = !step.joined || self.model.is_some();
            if alone && !requests.is_empty() {
                break;
            }
            let request = self.compose(&step, other);
            if step.sent == Sent::Twice && request.key.is_some() && self.model.is_none() {
                requests.push(request.clone());
            }
            requests.push(request);
            self.at += 1;
        }
        let answers = join_all(requests.iter().map(|request| self.send(request))).await;
        let any = !requests.is_empty();
        for (request, answer) in requests.into_iter().zip(answers) {
            self.note(request, answer);
        }
        any
    }

    fn note(&mut self, request: Request, answer: Answer) {
        let (case, status) = (&self.case, answer.status.as_u16());
        assert!(status < 500, "case {case}: {request:?}: {status} {}", answer.text);
        if let What::Steal(_) = request.what {
            assert_eq!(status, 404, "law 14, case {case}: {request:?}: {}", answer.text);
        }
        let first = self.sent.iter().find(|(sent, answer)| {
            request.key.is_some()
                && sent.key == request.key
                && sent.path == request.path
                && answer.status.is_success()
        });
        match (first, request.what) {
            (Some(_), What::Reuse) => {
                assert_eq!(
                    answer.code(),
                    "idempotency_key_reused",
                    "law 13, case {case}: {request:?}"
                );
            }
            (Some((_, first)), _) => {
                let same = |name| first.header(name) == answer.header(name);
                assert!(
                    status == first.status.as_u16() && answer.text == first.text && same("etag"),
                    "law 13, case {case}: {request:?}: {} {}, but first {}",
                    status,
                    answer.text,
                    first.text
                );
            }
            (None, _) => self.follow(&request, &answer),
        }
        if self.model.is_some() {
            self.told.push(self.reading.told(&answer));
        }
        self.sent.push((request, answer));
    }

    /// A first answer: what it has to be, and what it has made.
    fn follow(&mut self, request: &Request, answer: &Answer) {
        let status = answer.status.as_u16();
        if let Some(model) = &mut self.model {
            let expected = model.answer(&request.step, request.entry);
            assert_eq!(status, expected, "case {}: {request:?}: {}", self.case, answer.text);
        }
        if status == 201 {
            let token = answer.body["hold_token"].as_str().map(str::to_owned);
            let id = answer.id();
            self.reading.names.insert(id.clone(), format!("made {}", self.made.len()));
            self.made.push(Made { id, token });
        }
    }

    /// What the tenant can read in the end.
    pub(super) async fn look(&mut self, looks: Looks) {
        let day = self.reading.base.date_naive();
        let paths = match looks {
            Looks::Nowhere => Vec::new(),
            Looks::List => {
                let (room, until) = (self.rooms[0], format!("{day}T23:00:00Z"));
                vec![format!(
                    "/bookings/?resource_id={room}&start_date={day}&end_date={until}&count=true"
                )]
            }
            Looks::Days => {
                let day = |room| format!("/resources/{room}/availability?date={day}");
                self.rooms.map(day).to_vec()
            }
        };
        for path in paths {
            let headers = [("cache-control", "no-cache")];
            let answer = by(self.app, self.bearer).raw("GET", &path, &headers, "").await;
            self.told.push(self.reading.told(&answer.expect(200)));
        }
    }

    /// Law 14: whoever has no other tenant beside it is told the same.
    pub(super) fn is_told_the_same(&self, alone: &Self) {
        assert_eq!(self.told.len(), alone.told.len(), "law 14: {}", self.case);
        for (one, other) in self.told.iter().zip(&alone.told) {
            assert_eq!(one, other, "law 14: {}, and alone {}", self.case, alone.case);
        }
    }
}
