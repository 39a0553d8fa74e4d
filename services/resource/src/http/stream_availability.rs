//! `GET /resources/{id}/availability/stream`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use common::auth::{Authenticator, Caller, Scope};
use common::http::{Context, Id, Outcome, Params};
use contracts::form::{Decode, Form, from_text};
use contracts::resource::DayEvent;
use futures_util::Stream;
use tokio::time::{Instant, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::{Change, Directory, Frame, Reader};
use crate::error::Error;

/// Something is sent at least as often: proxies cut what is silent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is judged again whether the reader may read.
const JUDGED: Duration = Duration::from_secs(4);
/// Who is told to read anew again within this waits as long for it.
const RESETS: Duration = Duration::from_secs(2);
/// The longest a stream lasts, in seconds. Who wants more comes again with the last id.
const LONGEST: u64 = 3_600;

/// How long the client wants to listen.
pub(super) struct Wanted {
    seconds: u64,
}

impl Decode for Wanted {
    fn decode(form: &mut Form<'_>) -> Option<Self> {
        let most = i64::try_from(LONGEST).unwrap_or(i64::MAX);
        let seconds = form.or("max_seconds", most, from_text::integer(0, most));
        Some(Self { seconds: u64::try_from(seconds?).ok()? })
    }
}

/// A stream under way.
struct Listening {
    directory: Directory,
    authenticator: Authenticator,
    headers: HeaderMap,
    scope: Scope,
    resource: Uuid,
    frame: Frame,
    reader: Reader,
    /// Sent next.
    ready: Vec<Event>,
    end: CancellationToken,
    until: Instant,
    /// When it was told to read anew.
    reset: Option<Instant>,
    judged: tokio::time::Interval,
}

/// Watch the days of a resource.
///
/// Server-Sent Events. `changed` has the `date` of a day whose slots may be others now; `reset` says that
/// any day may be, or that it is not known what was missed: read anew. Each has an id; a client that
/// comes again with the last one as `Last-Event-ID` is told what it missed. `open` comes first.
#[utoipa::path(
    get,
    path = "/resources/{id}/availability/stream",
    operation_id = "stream_availability",
    tag = "resources",
    params(
        ("id" = Uuid, Path, description = "The resource"),
        ("max_seconds" = Option<u64>, Query, description = "The answer ends after so many seconds; 0: it tells what was missed and ends", minimum = 0, maximum = 3600),
        ("last-event-id" = Option<String>, Header, description = "The id of the last event that was seen"),
    ),
    responses(
        (status = 200, description = "Events, as they happen", body = DayEvent, content_type = "text/event-stream",
            example = "event: changed\nid: 01a2009e898b74b6887b043b4db80971-7\ndata: {\"date\":\"2027-03-02\"}\n\n"),
        (status = 404, description = "Recurso não encontrado"),
        (status = 429, description = "Muitas requisições. Tente novamente em instantes."),
    ),
)]
pub(super) async fn stream_availability(
    caller: Caller,
    State(directory): State<Directory>,
    State(authenticator): State<Authenticator>,
    context: Context,
    headers: HeaderMap,
    Id(resource): Id,
    Params(wanted): Params<Wanted>,
) -> Outcome<Response> {
    let scope = caller.scope();
    let found = directory.availability().frame(scope, resource).await?;
    context.note_tenant(found.tenant_id);
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let reader = directory.changes().watch(found.tenant_id, resource, last);
    let reader = reader.map_err(|_| Error::TooManyStreams)?;
    // Again: what changed before the reader was there is not told to it.
    let frame = directory.availability().frame(scope, resource).await?;
    let open = Event::default().event("open").id(reader.id()).data("{}");
    let listening = Listening {
        end: directory.changes().end(),
        directory,
        authenticator,
        headers,
        scope,
        resource,
        frame,
        reader,
        ready: vec![open],
        until: Instant::now() + Duration::from_secs(wanted.seconds),
        reset: None,
        judged: interval_at(Instant::now() + JUDGED, JUDGED),
    };
    let events = Sse::new(listening.events());
    let mut response = events.keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // For proxies that know it; ours is told in its configuration.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

impl Listening {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold(self, |mut this| async move {
            let event = this.next().await?;
            Some((Ok(event), this))
        })
    }

    /// The next event; `None`: it is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop() {
                return Some(event);
            }
            let changes = self.reader.take();
            if !changes.is_empty() {
                self.prepare(&changes).await?;
                continue;
            }
            tokio::select! {
                () = self.end.cancelled() => return None,
                () = sleep_until(self.until) => return None,
                () = self.reader.changed() => {}
                _ = self.judged.tick() => {
                    if !self.authenticator.still_counts(&self.headers).await {
                        return None;
                    }
                }
            }
        }
    }

    /// Puts changes into words; the last of them has the id that all were seen up to.
    async fn prepare(&mut self, changes: &[Change]) -> Option<()> {
        let mut dates = std::collections::BTreeSet::new();
        for change in changes {
            match change {
                Change::Times(times) => {
                    let of = |(start, end): &(_, _)| self.frame.dates(*start, *end);
                    dates.extend(times.iter().flat_map(of));
                }
                Change::Everything => {
                    // Its zone or its room may be others. One that is gone is watched no more.
                    let frame = self.directory.availability().frame(self.scope, self.resource);
                    self.frame = frame.await.ok()?;
                    let event = Event::default().event("reset").id(self.reader.id()).data("{}");
                    self.ready = vec![event];
                    let before = self.reset.replace(Instant::now());
                    if before.is_some_and(|before| before.elapsed() < RESETS) {
                        // While the bus is away this comes again and again.
                        tokio::time::sleep(RESETS).await;
                    }
                    return Some(());
                }
            }
        }
        let mut told = dates
            .into_iter()
            .rev()
            .map(|date| Event::default().event("changed").data(format!("{{\"date\":\"{date}\"}}")));
        let id = self.reader.id();
        self.ready = told.next().map(|last| last.id(id)).into_iter().chain(told).collect();
        Some(())
    }
}
