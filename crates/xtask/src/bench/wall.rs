//! What row-level security costs: the same booking service on the same database, once as the role of
//! production and once as a superuser, whom no policy holds. The two take turns.

use std::time::Duration;

use super::house::House;
use super::load::{Load, wrk};
use super::table::Row;
use crate::failure::Failure;

/// Pages of a list as clients ask for them.
const LIST: &str = r#"
  return wrk.format("GET", "/bookings/?limit=50&tenant_id=" .. tenant, headers)
"#;

/// Every request changes the notes of another booking.
const EDIT: &str = r#"
  local ids = { {{ids}} }
  counter = counter + 1
  local body = string.format('{"notes":"%d %d"}', id, counter)
  return wrk.format("PUT", "/bookings/" .. ids[(counter * 2 + id) % #ids + 1], headers, body)
"#;

/// Creating, listing and changing bookings, behind the policies and without them. Bookings are made
/// on slots from run `from` on.
pub(crate) fn rows(
    house: &House,
    from: usize,
    rounds: usize,
    time: Duration,
) -> Result<Vec<Row>, Failure> {
    let list = house.script("list.lua", LIST)?;
    let mut rows = Vec::new();
    let mut slots = from;
    for what in ["create a booking", "list 50 bookings", "change a booking"] {
        let (mut held, mut free) = (Load::default(), Load::default());
        for _ in 0..rounds {
            for (url, load) in [(house.booking_url(), &mut held), (house.unheld_url(), &mut free)] {
                let script = match what {
                    "create a booking" => {
                        slots += 1;
                        house.create_script(slots)?
                    }
                    "list 50 bookings" => list.clone(),
                    _ => edit_script(house)?,
                };
                *load = load.best(wrk(house, &script, &url, 16, time)?);
            }
        }
        rows.push(Row::new(
            format!("{what}, behind the policies"),
            held,
            "the same, held by none",
            free,
            0.90,
        ));
    }
    Ok(rows)
}

/// Changes bookings that were made before.
fn edit_script(house: &House) -> Result<std::path::PathBuf, Failure> {
    let ids: Vec<String> = house.booking_ids()?.iter().map(|id| format!("\"{id}\"")).collect();
    house.script("edit.lua", &EDIT.replace("{{ids}}", &ids.join(",")))
}
