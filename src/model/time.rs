//! Points in time, how they were obtained, and half-open ranges of them.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z; covers the years 1678 to 2261.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The moment of `seconds` and `nanos` after the epoch, or `None` where it can't be held.
    pub fn from_seconds(seconds: i64, nanos: u32) -> Option<Timestamp> {
        seconds.checked_mul(SECOND)?.checked_add(i64::from(nanos)).map(Timestamp)
    }

    /// The moment of a civil date and time in UTC, or `None` where there is no such moment. A leap second (60) is the
    /// second after 59.
    pub fn from_civil(
        year: i32,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
        nanos: u32,
    ) -> Option<Timestamp> {
        if hour > 23 || minute > 59 || second > 60 || nanos >= 1_000_000_000 {
            return None;
        }
        let days = days_from_civil(year, month, day)?;
        let seconds = days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        Timestamp::from_seconds(seconds, nanos)
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Nanoseconds past the whole second.
    pub fn subsec_nanos(self) -> u32 {
        self.0.rem_euclid(SECOND) as u32
    }

    /// Year, month (1-12), day, hour, minute and second in UTC.
    pub fn civil(self) -> (i32, u8, u8, u8, u8, u8) {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        (year, month, day, (of_day / 3_600) as u8, (of_day / 60 % 60) as u8, (of_day % 60) as u8)
    }

    /// This moment shifted by `nanos`, held at the ends of what can be held.
    pub fn saturating_add(self, nanos: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanos))
    }

    /// RFC 3339 in the given zone, with as many sub-second digits (0, 3, 6 or 9) as there are.
    pub fn display(self, zone: Zone) -> impl fmt::Display {
        DisplayTime { time: self, zone }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DisplayTime { time: *self, zone: Zone::UTC }.fmt(f)
    }
}

/// A fixed offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Zone {
    /// Seconds east of UTC.
    pub east: i32,
}

impl Zone {
    /// No offset.
    pub const UTC: Zone = Zone { east: 0 };

    /// Reads `Z`, `UTC`, `+02`, `+0200`, `+02:00` or `-05:30`; `None` for anything else or beyond 18 hours.
    pub fn parse(text: &str) -> Option<Zone> {
        if matches!(text, "Z" | "z" | "UTC" | "utc" | "GMT") {
            return Some(Zone::UTC);
        }
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let digits: String = rest.chars().filter(|c| *c != ':').collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (hours, minutes) = match digits.len() {
            1 | 2 => (digits.parse::<i32>().ok()?, 0),
            4 => (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?),
            _ => return None,
        };
        (hours <= 18 && minutes < 60).then_some(Zone { east: sign * (hours * 3_600 + minutes * 60) })
    }
}

struct DisplayTime {
    time: Timestamp,
    zone: Zone,
}

impl fmt::Display for DisplayTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.time.saturating_add(i64::from(self.zone.east) * SECOND);
        let (year, month, day, hour, minute, second) = local.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let nanos = local.subsec_nanos();
        if nanos != 0 {
            if nanos.is_multiple_of(1_000_000) {
                write!(f, ".{:03}", nanos / 1_000_000)?;
            } else if nanos.is_multiple_of(1_000) {
                write!(f, ".{:06}", nanos / 1_000)?;
            } else {
                write!(f, ".{nanos:09}")?;
            }
        }
        if self.zone.east == 0 {
            return write!(f, "Z");
        }
        let minutes = self.zone.east.unsigned_abs() / 60;
        let sign = if self.zone.east < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Days since 1970-01-01 of a civil date, or `None` where there is no such date.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_from_civil(year: i32, month: u8, day: u8) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let shifted = i64::from(year) - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let month = i64::from(month);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The civil date of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted_month + 2) / 5 + 1) as u8;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u8;
    ((year_of_era + era * 400 + i64::from(month <= 2)) as i32, month, day)
}

/// Days of a month (1-12) of a year of the Gregorian calendar.
fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// How the time of a record was obtained; queries name it as `time.quality:NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TimeQuality {
    /// There is no time in the record.
    Missing = 0,
    /// Date, time and zone (or an epoch number) are in the record.
    Exact = 1,
    /// Date and time are in the record, the zone is the one given or UTC.
    ZoneAssumed = 2,
    /// The record has no year: it was inferred from the order of the records and the file's time.
    YearInferred = 3,
    /// The record has a clock time only: the date was inferred.
    DateInferred = 4,
}

impl TimeQuality {
    /// All qualities; the position is the value stored in columns.
    pub const ALL: [TimeQuality; 5] = [
        TimeQuality::Missing,
        TimeQuality::Exact,
        TimeQuality::ZoneAssumed,
        TimeQuality::YearInferred,
        TimeQuality::DateInferred,
    ];

    /// The name in queries and output.
    pub fn name(self) -> &'static str {
        match self {
            TimeQuality::Missing => "missing",
            TimeQuality::Exact => "exact",
            TimeQuality::ZoneAssumed => "zone-assumed",
            TimeQuality::YearInferred => "year-inferred",
            TimeQuality::DateInferred => "date-inferred",
        }
    }

    /// The quality of a value kept in a column, or `None` for any other number.
    pub fn from_code(code: u8) -> Option<TimeQuality> {
        TimeQuality::ALL.get(usize::from(code)).copied()
    }

    /// The value kept in columns.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A length of time in words, the two largest units of it: `3h 12m`, `48s`, `2d 3h`; below a second in ms.
pub fn lasting(nanos: i64) -> String {
    let seconds = nanos.unsigned_abs() / SECOND.unsigned_abs();
    if seconds == 0 {
        return format!("{}ms", nanos.unsigned_abs() / 1_000_000);
    }
    let units = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let told = units.into_iter().skip_while(|(number, _)| *number == 0).take(2).filter(|(number, _)| *number > 0);
    told.map(|(number, unit)| format!("{number}{unit}")).collect::<Vec<_>>().join(" ")
}

/// A half-open range of time: `from` is in it, `until` is not; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// First moment in the range.
    pub from: Option<Timestamp>,
    /// First moment after the range.
    pub until: Option<Timestamp>,
}

impl TimeRange {
    /// Whether the moment lies in the range.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }

    /// Whether any moment of `first..=last` may lie in the range.
    pub fn overlaps(&self, first: Timestamp, last: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= last) && self.until.is_none_or(|until| first < until)
    }

    /// The moments that lie in both ranges.
    pub fn intersect(&self, other: &TimeRange) -> TimeRange {
        let from = match (self.from, other.from) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        TimeRange { from, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_told_in_their_two_largest_units() {
        let told = |seconds: i64| lasting(seconds * SECOND);
        assert_eq!(
            [told(48), told(60), told(11_520), told(86_400 + 59), told(183_600)],
            ["48s", "1m", "3h 12m", "1d", "2d 3h"]
        );
        assert_eq!([lasting(0), lasting(-350_000_000), lasting(i64::MIN)], ["0ms", "350ms", "106751d 23h"]);
    }

    #[test]
    fn civil_dates_survive_the_way_there_and_back() {
        for days in (-100_000..100_000).step_by(17) {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days), "{year}-{month}-{day}");
        }
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2023, 2, 29), None);
        assert!(days_from_civil(2024, 2, 29).is_some());
    }

    #[test]
    fn a_moment_prints_as_rfc_3339_in_its_zone() {
        let time = Timestamp::from_civil(2026, 11, 20, 10, 0, 5, 120_000_000).unwrap();
        assert_eq!(time.to_string(), "2026-11-20T10:00:05.120Z");
        let zone = Zone::parse("+02:00").unwrap();
        assert_eq!(time.display(zone).to_string(), "2026-11-20T12:00:05.120+02:00");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn a_range_is_half_open() {
        let range = TimeRange { from: Some(Timestamp(5)), until: Some(Timestamp(9)) };
        assert!(range.contains(Timestamp(5)) && range.contains(Timestamp(8)) && !range.contains(Timestamp(9)));
        assert!(!range.overlaps(Timestamp(9), Timestamp(12)) && range.overlaps(Timestamp(0), Timestamp(5)));
    }
}
