//! A hold that is confirmed beside a booking that is made at once, by the same client in the same run: what
//! the moment costs for which a place is kept.

use std::time::Instant;

use contracts::Service;
use serde_json::json;

use super::house::House;
use super::series::{first_day, load};
use super::table::Row;
use crate::failure::Failure;

/// Weeks booked of each resource.
const WEEKS: u32 = 20;

/// Measures both in turns, each on its own resources.
pub(crate) async fn row(house: &House) -> Result<Row, Failure> {
    let first = first_day()?;
    let rooms = house.rooms().await?;
    let (mut confirmed, mut direct) = (Vec::new(), Vec::new());
    for pair in rooms.chunks_exact(2) {
        for week in 0..WEEKS {
            let started = Instant::now();
            let hold = house.booking(&pair[0], &first, week);
            let hold = house.call(Service::Booking, "/bookings/holds", hold).await?;
            let path =
                format!("/bookings/holds/{}/confirm", hold["id"].as_str().unwrap_or_default());
            let token = json!({ "hold_token": hold["hold_token"] });
            house.call(Service::Booking, &path, token).await?;
            confirmed.push(started.elapsed());
            let started = Instant::now();
            let booking = house.booking(&pair[1], &first, week);
            house.call(Service::Booking, "/bookings/", booking).await?;
            direct.push(started.elapsed());
        }
    }
    let count = u32::try_from(confirmed.len()).unwrap_or(u32::MAX);
    let name = "a hold, confirmed, one by one".to_owned();
    Ok(Row::new(name, load(confirmed, count), "a booking, one by one", load(direct, count), 0.0))
}
