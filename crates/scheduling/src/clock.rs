//! A clock time of a civil day, without date or zone.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

const DAY: u32 = 86_400;

/// A clock time, in whole seconds since 00:00 as the wall clock counts them: 0 to 86,400.
///
/// 86,400 is 24:00, which is allowed only as the end of a window.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime {
    seconds: u32,
}

impl ClockTime {
    /// 00:00.
    pub const MIDNIGHT: Self = Self { seconds: 0 };
    /// 24:00, the end of a day.
    pub const END_OF_DAY: Self = Self { seconds: DAY };

    /// `None` above 86,400.
    pub fn from_seconds(seconds: u32) -> Option<Self> {
        (seconds <= DAY).then_some(Self { seconds })
    }

    /// Reads `HH:MM` or `HH:MM:SS`, two digits each, 00:00:00 to 23:59:59.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (hour, minute, second) = match *bytes {
            [h1, h2, b':', m1, m2] => (two(h1, h2)?, two(m1, m2)?, 0),
            [h1, h2, b':', m1, m2, b':', s1, s2] => (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?),
            _ => return None,
        };
        (hour < 24 && minute < 60 && second < 60)
            .then_some(Self { seconds: hour * 3_600 + minute * 60 + second })
    }

    /// As [`ClockTime::parse`], and `24:00` or `24:00:00` as well: the end of a window.
    pub fn parse_end(text: &str) -> Option<Self> {
        match text {
            "24:00" | "24:00:00" => Some(Self::END_OF_DAY),
            _ => Self::parse(text),
        }
    }

    /// Seconds since 00:00 on the wall clock, 0 to 86,400.
    pub fn seconds(self) -> u32 {
        self.seconds
    }

    pub(crate) fn since_midnight(self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.seconds))
    }
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

impl fmt::Display for ClockTime {
    /// `HH:MM`, or `HH:MM:SS` when the seconds are not zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) =
            (self.seconds / 3_600, self.seconds / 60 % 60, self.seconds % 60);
        write!(f, "{hour:02}:{minute:02}")?;
        if second == 0 { Ok(()) } else { write!(f, ":{second:02}") }
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for ClockTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse_end(&text).ok_or("not a clock time HH:MM[:SS]")
    }
}
