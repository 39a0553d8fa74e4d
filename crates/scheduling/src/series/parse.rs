//! Reading the text of a rule (RFC 5545, sections 3.1, 3.3.10 and 3.8.5).

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Weekday};

use super::rule::{Bound, ByDay, Freq, Moment, Rrule};
use crate::{fault::ScheduleFault, wall::parse_date};

const MAX_CHARACTERS: usize = 2_000;
const MAX_INTERVAL: u16 = 400;
const MAX_COUNT: u16 = 400;
const PARTS: [&str; 9] =
    ["FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"];
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const DATES: &str = "Use AAAAMMDD, AAAAMMDDTHHMMSS ou AAAAMMDDTHHMMSSZ.";

/// A fault of one value: its code and message.
type Wrong = (&'static str, String);

/// The parts of a rule, and what is wrong with them so far.
#[derive(Default)]
struct Parts {
    given: Vec<(String, String)>,
    excluded: Vec<Moment>,
    /// Values of EXDATE read so far, over all lines.
    exdates: usize,
    faults: Vec<ScheduleFault>,
}

pub(super) fn rrule(text: &str) -> Result<Rrule, Vec<ScheduleFault>> {
    if text.chars().nth(MAX_CHARACTERS).is_some() {
        return Err(vec![ScheduleFault::new("", "too_many", "No máximo 2.000 caracteres.")]);
    }
    let mut parts = Parts::default();
    parts.lines(text);
    let rule = parts.rule();
    let Some(rule) = rule.filter(|_| parts.faults.is_empty()) else { return Err(parts.faults) };
    Ok(rule)
}

impl Parts {
    fn lines(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
        let text = text.to_ascii_uppercase();
        let mut rules = 0;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or(("RRULE", line));
            match name.split_once(';').unwrap_or((name, "")) {
                ("RRULE", "") => {
                    rules += 1;
                    self.split(value);
                }
                ("EXDATE", parameter) => self.exdate(parameter, value),
                (property, _) => self.faults.push(ScheduleFault::unknown(property)),
            }
        }
        if rules > 1 {
            self.wrong("RRULE", ("too_many", "Use uma única RRULE.".to_owned()));
        }
    }

    fn split(&mut self, value: &str) {
        for part in value.split(';') {
            let Some((name, value)) = part.split_once('=') else {
                self.wrong(part, ("format", "Use NOME=VALOR.".to_owned()));
                continue;
            };
            if !PARTS.contains(&name) {
                self.faults.push(ScheduleFault::unknown(name));
            } else if self.has(name) {
                self.wrong(name, ("too_many", "Use esta parte uma só vez.".to_owned()));
            } else {
                self.given.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn exdate(&mut self, parameter: &str, values: &str) {
        if !["", "VALUE=DATE", "VALUE=DATE-TIME"].contains(&parameter) {
            self.wrong("EXDATE", ("unknown", format!("Parâmetro desconhecido: {parameter}.")));
            return;
        }
        for value in values.split(',') {
            let path = format!("EXDATE[{}]", self.exdates);
            self.exdates += 1;
            let is_date = matches!(moment(value), Some(Moment::Date(_)));
            match moment(value) {
                Some(moment) if is_date == (parameter == "VALUE=DATE") => {
                    self.excluded.push(moment);
                }
                Some(_) | None => self.wrong(&path, ("format", DATES.to_owned())),
            }
        }
    }

    /// Reads every part before it gives up, so that every fault is told.
    fn rule(&mut self) -> Option<Rrule> {
        let freq = self.freq();
        let interval = self.one("INTERVAL", |text| within(text, MAX_INTERVAL)).unwrap_or(1);
        let count = self.one("COUNT", |text| within(text, MAX_COUNT));
        let until = self.one("UNTIL", |text| moment(text).ok_or(("format", DATES.to_owned())));
        let by_day = self.list("BYDAY", by_day);
        let by_month_day = self.list("BYMONTHDAY", |text| signed(text, 31));
        let by_month = self.list("BYMONTH", |text| within(text, 12).map(u16::cast_signed));
        let by_set_pos = self.list("BYSETPOS", |text| signed(text, 366));
        let week_start = self.one("WKST", week_start).unwrap_or(Weekday::Mon);
        let bound = match (count, until) {
            (Some(count), _) => Bound::Count(count),
            (None, Some(until)) => Bound::Until(until),
            (None, None) => Bound::Never,
        };
        if let Some(freq) = freq {
            self.combinations(freq, &by_day);
        }
        let mut excluded = std::mem::take(&mut self.excluded);
        excluded.sort_unstable();
        excluded.dedup();
        let freq = freq?;
        Some(Rrule {
            freq,
            interval,
            bound,
            by_day,
            by_month_day,
            by_month,
            by_set_pos,
            week_start,
            excluded,
        })
    }

    fn combinations(&mut self, freq: Freq, by_day: &[ByDay]) {
        let mut refuse = |name: &str, message: &str| {
            self.faults.push(ScheduleFault::new(name, "combination", message));
        };
        let given = |name: &str| self.given.iter().any(|(given, _)| given == name);
        if given("COUNT") && given("UNTIL") {
            refuse("UNTIL", "Use COUNT ou UNTIL, não ambos.");
        }
        if given("BYSETPOS") && !["BYDAY", "BYMONTHDAY", "BYMONTH"].into_iter().any(given) {
            refuse("BYSETPOS", "Exige BYDAY, BYMONTHDAY ou BYMONTH.");
        }
        if freq == Freq::Weekly && given("BYMONTHDAY") {
            refuse("BYMONTHDAY", "Não pode ser usado com FREQ=WEEKLY.");
        }
        let largest = by_day.iter().filter_map(|day| day.nth).map(i16::unsigned_abs).max();
        match freq {
            Freq::Daily | Freq::Weekly if largest.is_some() => {
                refuse("BYDAY", "Números só podem ser usados com FREQ=MONTHLY ou FREQ=YEARLY.");
            }
            Freq::Monthly | Freq::Yearly
                if largest > Some(5) && (freq == Freq::Monthly || given("BYMONTH")) =>
            {
                refuse("BYDAY", "Dentro do mês, números vão de 1 a 5 e de -1 a -5.");
            }
            Freq::Daily | Freq::Weekly | Freq::Monthly | Freq::Yearly => {}
        }
    }

    fn freq(&mut self) -> Option<Freq> {
        if !self.has("FREQ") {
            self.faults.push(ScheduleFault::missing("FREQ"));
        }
        self.one("FREQ", |text| match text {
            "DAILY" => Ok(Freq::Daily),
            "WEEKLY" => Ok(Freq::Weekly),
            "MONTHLY" => Ok(Freq::Monthly),
            "YEARLY" => Ok(Freq::Yearly),
            _ => Err(("range", "Use DAILY, WEEKLY, MONTHLY ou YEARLY.".to_owned())),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    fn wrong(&mut self, path: &str, (code, message): Wrong) {
        self.faults.push(ScheduleFault::new(path, code, message));
    }

    fn one<T>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let (_, text) = self.given.iter().find(|(given, _)| given == name)?;
        read(text).map_err(|wrong| self.wrong(name, wrong)).ok()
    }

    /// Sorted and unique; empty when the part is not given.
    fn list<T: Ord>(&mut self, name: &str, read: impl Fn(&str) -> Result<T, Wrong>) -> Vec<T> {
        let Some((_, text)) = self.given.iter().find(|(given, _)| given == name) else {
            return Vec::new();
        };
        let (mut values, mut wrongs) = (Vec::new(), Vec::new());
        for (index, item) in text.split(',').enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err(wrong) => wrongs.push((format!("{name}[{index}]"), wrong)),
            }
        }
        for (path, wrong) in wrongs {
            self.wrong(&path, wrong);
        }
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// A whole number from 1 to `most`.
fn within(text: &str, most: u16) -> Result<u16, Wrong> {
    let range = || ("range", format!("Deve estar entre 1 e {most}."));
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(("format", format!("Deve ser um número inteiro de 1 a {most}.")));
    }
    text.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(range)
}

/// A whole number from 1 to `most` or from −`most` to −1.
fn signed(text: &str, most: u16) -> Result<i16, Wrong> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = within(digits, most)
        .map_err(|(code, _)| (code, format!("Use 1 a {most} ou -{most} a -1.")))?
        .cast_signed();
    Ok(if negative { -number } else { number })
}

fn by_day(text: &str) -> Result<ByDay, Wrong> {
    let wrong = || ("format", "Use MO, TU, WE, TH, FR, SA ou SU, como em MO, 1MO ou -1FR.".into());
    let (nth, name) = text.split_at_checked(text.len().saturating_sub(2)).ok_or_else(wrong)?;
    let weekday = (0_u8..).zip(WEEKDAYS).find(|(_, known)| *known == name).ok_or_else(wrong)?.0;
    let nth = if nth.is_empty() { None } else { Some(signed(nth, 53)?) };
    Ok(ByDay { weekday, nth })
}

fn week_start(text: &str) -> Result<Weekday, Wrong> {
    let wrong = || ("range", "Use MO, TU, WE, TH, FR, SA ou SU.".to_owned());
    let number = (0_u8..).zip(WEEKDAYS).find(|(_, known)| *known == text).ok_or_else(wrong)?.0;
    Weekday::try_from(number).map_err(|_| wrong())
}

/// `YYYYMMDD`, `YYYYMMDDTHHMMSS` or `YYYYMMDDTHHMMSSZ`, years 1970 to 9999.
fn moment(text: &str) -> Option<Moment> {
    let (day, clock) = match text.split_once('T') {
        Some((day, clock)) => (day, Some(clock)),
        None => (text, None),
    };
    let date = compact_date(day)?;
    let Some(clock) = clock else { return Some(Moment::Date(date)) };
    let (clock, utc) = match clock.strip_suffix('Z') {
        Some(clock) => (clock, true),
        None => (clock, false),
    };
    let local: NaiveDateTime = date.and_time(compact_time(clock)?);
    Some(if utc { Moment::Instant(local.and_utc()) } else { Moment::Local(local) })
}

fn compact_date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    parse_date(&format!("{year}-{month}-{day}"))
}

fn compact_time(text: &str) -> Option<NaiveTime> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let pair = |at: usize| text.get(at..at + 2)?.parse().ok();
    NaiveTime::from_hms_opt(pair(0)?, pair(2)?, pair(4)?)
}
