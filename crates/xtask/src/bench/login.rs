//! Whether the time of a refused sign-in tells if there is such an account: wrong passwords of a known
//! address against those of unknown ones, in turns, in the same run.

use std::time::{Duration, Instant};

use contracts::Service;
use serde_json::json;

use super::house::{ADMIN, House};
use crate::failure::Failure;

/// Sign-ins of each kind.
const ROUNDS: usize = 60;

/// Measures, and says in a line what came out.
pub(crate) async fn timing(house: &House) -> Result<String, Failure> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
    let client = client.map_err(|error| Failure::new(error.to_string()))?;
    let url = format!("{}/users/login", house.url(Service::User));
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let stranger = format!("nobody{round:03}@bench.example");
        // Each is first in every other round.
        let mut turns = [(ADMIN, &mut known), (stranger.as_str(), &mut unknown)];
        if round % 2 == 1 {
            turns.reverse();
        }
        for (email, times) in turns {
            house.forget_failures()?;
            times.push(refused(&client, &url, email).await?);
        }
    }
    let (known, unknown) = (median(known), median(unknown));
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    Ok(format!(
        "login timing, {ROUNDS} refusals each: known address p50 {:.1} ms, unknown address p50 {:.1} ms, \
         ratio **{ratio:.3}** (1 tells nothing)",
        known.as_secs_f64() * 1e3,
        unknown.as_secs_f64() * 1e3,
    ))
}

async fn refused(client: &reqwest::Client, url: &str, email: &str) -> Result<Duration, Failure> {
    let body = json!({ "email": email, "password": "wrong-password-1" }).to_string();
    let request = client.post(url).header("content-type", "application/json").body(body);
    let started = Instant::now();
    let response = request.send().await.map_err(|error| Failure::new(error.to_string()))?;
    let took = started.elapsed();
    let status = response.status().as_u16();
    if status == 401 { Ok(took) } else { Err(Failure::new(format!("login timing: {status}"))) }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        let times = [5, 1, 9].map(Duration::from_millis).to_vec();
        assert_eq!(median(times), Duration::from_millis(5));
        assert_eq!(median(Vec::new()), Duration::ZERO);
    }
}
