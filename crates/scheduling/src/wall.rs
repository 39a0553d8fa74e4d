//! Times as they arrive on the wire.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::zone::{LocalInstant, Zone};

const FIRST_YEAR: i32 = 1970;
const LAST_YEAR: i32 = 9999;

/// A time on the wire: with an offset that instant, without one the tenant's local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInput {
    /// An offset was given.
    Instant(DateTime<Utc>),
    /// No offset was given; the zone decides.
    Local(NaiveDateTime),
}

/// The clocks of the zone jump over the local time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Horário {local} não existe no fuso {zone} (mudança de horário).")]
pub struct NonexistentLocalTime {
    /// The local time as given.
    pub local: NaiveDateTime,
    /// IANA name of the zone.
    pub zone: &'static str,
}

impl NonexistentLocalTime {
    /// Stable code for the wire.
    pub fn code(&self) -> &'static str {
        "nonexistent_local_time"
    }

    /// For people, in pt-BR.
    pub fn message(&self) -> String {
        self.to_string()
    }
}

impl TimeInput {
    /// Reads RFC 3339 and its usual relaxations: `YYYY-MM-DD`, then `T`, `t` or a space, then
    /// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f` (one digit or more), then nothing, `Z`, `z`, `±HH`,
    /// `±HHMM` or `±HH:MM`.
    ///
    /// Fractions are kept to the nanosecond, so that the rules refuse them instead of rounding;
    /// further digits are dropped. Leap seconds and 24:00 are refused, and so are years outside
    /// 1970 to 9999, as written or in UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let date = parse_date(date)?;
        let rest = rest.strip_prefix(['T', 't', ' '])?;
        let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
            Some(at) => (&rest[..at], Some(parse_offset(&rest[at..])?)),
            None => (rest, None),
        };
        let local = date.and_time(parse_time(time)?);
        let Some(offset) = offset else { return Some(Self::Local(local)) };
        let utc = local.checked_sub_offset(offset)?;
        in_range(utc.year()).then_some(Self::Instant(utc.and_utc()))
    }

    /// The instant meant, in the tenant's zone: in an overlap the first, in a gap an error.
    ///
    /// Stays inside the years 1970 to 9999 in UTC: the few hours at the ends that a zone pushes
    /// out are read as the first or last second.
    pub fn resolve(self, zone: &Zone) -> Result<DateTime<Utc>, NonexistentLocalTime> {
        let local = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Local(local) => local,
        };
        match zone.resolve(local) {
            LocalInstant::Unique(instant) | LocalInstant::Overlap { earlier: instant, .. } => {
                Ok(clamp(instant))
            }
            LocalInstant::Gap { .. } => Err(NonexistentLocalTime { local, zone: zone.name() }),
        }
    }
}

/// Reads `YYYY-MM-DD`, ten characters, years 1970 to 9999.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)?;
    in_range(year).then_some(date)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let (clock, nanosecond) = match text.split_once('.') {
        Some((clock, digits)) if clock.len() == 8 => (clock, fraction(digits)?),
        Some(_) => return None,
        None => (text, 0),
    };
    let (hour, minute, second) = match *clock.as_bytes() {
        [h1, h2, b':', m1, m2] => (number(&[h1, h2])?, number(&[m1, m2])?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => {
            (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?)
        }
        _ => return None,
    };
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)
}

/// Nanoseconds of a decimal fraction of a second.
fn fraction(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, push))
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    let (hours, minutes) = match *text.as_bytes() {
        [b'Z' | b'z'] => (0, 0),
        [_, h1, h2] => (number(&[h1, h2])?, 0),
        [_, h1, h2, m1, m2] | [_, h1, h2, b':', m1, m2] => (number(&[h1, h2])?, number(&[m1, m2])?),
        _ => return None,
    };
    if minutes > 59 {
        return None;
    }
    // 24 hours and more are refused by `FixedOffset` itself.
    let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
    FixedOffset::east_opt(if text.starts_with('-') { -seconds } else { seconds })
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().copied().fold(0, push))
}

fn push(number: u32, digit: u8) -> u32 {
    number * 10 + u32::from(digit - b'0')
}

fn in_range(year: i32) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&year)
}

fn clamp(instant: DateTime<Utc>) -> DateTime<Utc> {
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    if in_range(instant.year()) {
        return instant;
    }
    let second = instant.timestamp().clamp(0, LAST);
    DateTime::from_timestamp_secs(second).unwrap_or(instant)
}
