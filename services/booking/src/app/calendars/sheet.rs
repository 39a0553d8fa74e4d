//! A booking as a calendar shows it, in the tenant's words.

use common::providers::TenantRules;
use contracts::BookingStatus;
use contracts::calendar::CalendarDetail;
use contracts::tenant::CustomLabels;
use scheduling::icalendar::{Event, State};
use scheduling::{Span, Zone};
use uuid::Uuid;

use crate::store::Booking;

/// The domain of every name in a calendar. It must never change: programs would take each event for
/// another one.
const DOMAIN: &str = "marca";
/// What is shown of a time of which nothing is told.
const BUSY: &str = "Ocupado";

/// A calendar file, whose it is, and what to call it.
pub(crate) struct Sheet {
    pub(crate) tenant: Uuid,
    pub(crate) text: String,
    pub(crate) name: String,
}

/// The lasting name of something in calendars.
pub(super) fn uid(id: Uuid) -> String {
    format!("{id}@{DOMAIN}")
}

/// A booking as an event; `None` for a stored one without a length. `name` is its resource's, which may be
/// gone.
pub(super) fn event(
    booking: &Booking,
    rules: &TenantRules,
    name: Option<&str>,
    detail: CalendarDetail,
) -> Option<Event> {
    let labels = &rules.settings.custom_labels;
    // A resource service of the release before does not tell it.
    let name = name.filter(|name| !name.is_empty());
    let (summary, description) = match detail {
        CalendarDetail::Full => (title(labels, name), description(booking, labels, name)),
        CalendarDetail::Busy => (BUSY.to_owned(), String::new()),
    };
    Some(Event {
        uid: uid(booking.id),
        sequence: booking.version,
        created: booking.created_at,
        changed: booking.updated_at,
        span: Span::new(booking.start_time, booking.end_time)?,
        // By the clock it was made by, even if the tenant's is another one now.
        zone: Zone::parse(&booking.zone).unwrap_or_else(|_| Zone::utc()),
        summary,
        description,
        state: state(booking.status()),
    })
}

fn title(labels: &CustomLabels, name: Option<&str>) -> String {
    let label = &labels.booking_label;
    name.map_or_else(|| label.clone(), |name| format!("{label}: {name}"))
}

fn description(booking: &Booking, labels: &CustomLabels, name: Option<&str>) -> String {
    let quantity = (booking.quantity > 1).then(|| booking.quantity.to_string());
    let lines = [
        (labels.resource_singular.as_str(), name),
        ("Código", Some(booking.confirmation_code.as_str())),
        ("Vagas", quantity.as_deref()),
        ("Observações", booking.notes.as_deref().filter(|notes| !notes.is_empty())),
    ];
    let told = lines.into_iter().filter_map(|(what, value)| Some(format!("{what}: {}", value?)));
    told.collect::<Vec<_>>().join("\n")
}

/// How sure a booking is. What took place stays confirmed, whoever came.
fn state(status: BookingStatus) -> State {
    match status {
        BookingStatus::Reservado | BookingStatus::Pendente | BookingStatus::SemDados => {
            State::Tentative
        }
        BookingStatus::Confirmado | BookingStatus::Concluido | BookingStatus::NaoCompareceu => {
            State::Confirmed
        }
        BookingStatus::Cancelado => State::Cancelled,
    }
}
