//! A series of 52 weekly bookings beside 52 bookings one after the other, by the same client in the same
//! run: what one transaction saves, and what it costs.

use std::time::{Duration, Instant};

use contracts::Service;
use serde_json::{Value, json};

use super::house::House;
use super::load::Load;
use super::table::Row;
use crate::failure::Failure;

/// Occurrences of a series.
const BOOKINGS: u32 = 52;
/// Series made, and rounds of single bookings.
const ROUNDS: u32 = 20;

/// Measures both in turns, each on its own days and resources.
pub(crate) async fn row(house: &House) -> Result<Row, Failure> {
    let first = first_day()?;
    let rooms = house.rooms().await?;
    let half = rooms.len() / 2;
    let (mut series, mut singles) = (Vec::new(), Vec::new());
    for (ours, reference) in rooms[..half].iter().zip(&rooms[half..]) {
        let started = Instant::now();
        let rule = json!(format!("FREQ=WEEKLY;COUNT={BOOKINGS}"));
        let mut body = house.booking(ours, &first, 0);
        body["rrule"] = rule;
        let made = house.call(Service::Booking, "/bookings/series", body).await?;
        series.push(started.elapsed());
        let count = made["bookings"].as_array().map_or(0, Vec::len);
        if count != usize::try_from(BOOKINGS).unwrap_or(0) {
            return Err(Failure::new(format!("a series of {count}")));
        }
        let started = Instant::now();
        for week in 0..BOOKINGS {
            house
                .call(Service::Booking, "/bookings/", house.booking(reference, &first, week))
                .await?;
        }
        singles.push(started.elapsed());
    }
    let name = format!("a series of {BOOKINGS}, bookings");
    let of = BOOKINGS * ROUNDS;
    Ok(Row::new(name, load(series, of), "the same, one by one", load(singles, of), 1.0))
}

/// Tomorrow: 52 weeks from it are inside a window of 365 days.
pub(super) fn first_day() -> Result<String, Failure> {
    let day = crate::shell::capture(std::process::Command::new("date").args([
        "-u",
        "-d",
        "+1 day",
        "+%Y-%m-%d",
    ]))?;
    Ok(day.trim().to_owned())
}

impl House {
    /// Resources that no other load books: one for each series, and one for what it is compared with.
    pub(super) async fn rooms(&self) -> Result<Vec<String>, Failure> {
        let id = |made: &Value| made["id"].as_str().unwrap_or_default().to_owned();
        let category = json!({ "tenant_id": self.tenant, "name": "Rooms", "type": "fisico" });
        let category = id(&self.call(Service::Resource, "/categories/", category).await?);
        let mut rooms = Vec::new();
        for number in 0..ROUNDS * 2 {
            let name = format!("S{number}");
            let body = json!({ "tenant_id": self.tenant, "category_id": category, "name": name });
            rooms.push(id(&self.call(Service::Resource, "/resources/", body).await?));
        }
        Ok(rooms)
    }

    /// A booking of a resource at one o'clock, so many weeks after a day.
    pub(super) fn booking(&self, resource: &str, first: &str, weeks: u32) -> Value {
        let day = first.parse::<chrono::NaiveDate>().unwrap_or_default();
        let day = day + chrono::Days::new(u64::from(weeks) * 7);
        json!({
            "tenant_id": self.tenant, "resource_id": resource, "user_id": self.user,
            "start_time": format!("{day}T13:00:00Z"), "end_time": format!("{day}T13:05:00Z"),
        })
    }
}

/// Bookings a second, of so many in all, and the times of whole rounds.
pub(super) fn load(mut times: Vec<Duration>, bookings: u32) -> Load {
    times.sort_unstable();
    let total: Duration = times.iter().sum();
    let at = |per_cent: usize| {
        let found = times.get((times.len() * per_cent / 100).min(times.len().saturating_sub(1)));
        found.map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let per_second = f64::from(bookings) / total.as_secs_f64();
    Load { per_second, p50: at(50), p99: at(99), errors: 0 }
}
