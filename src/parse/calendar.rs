//! Fills in what stamps leave out (zone, year, date) from the file's time and the order of the records.

use crate::model::{TimeQuality, Timestamp, Zone};

use super::timestamp::{Stamp, When};

/// Nanoseconds in a day.
const DAY: i64 = 86_400 * 1_000_000_000;

/// How far back a record may lie behind the one before it without another year being assumed.
const DISORDER: i64 = 60 * DAY;

/// How far past the file's time a record may lie when it follows closely on the one before it: a file that is still growing.
const GROWTH: i64 = 45 * DAY;

/// The memory of one input that completes its stamps. Year and date are those that keep the records in order, with the last
/// one not after the time at which the file was modified (and a day, for zones).
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    zone: Zone,
    modified: Option<Timestamp>,
    year: Option<i32>,
    last: Option<Timestamp>,
}

impl Calendar {
    pub(super) fn new(zone: Zone, modified: Option<Timestamp>, year: Option<i32>, last: Option<Timestamp>) -> Self {
        Calendar { zone, modified, year, last }
    }

    /// Takes note of a later time of the file.
    pub(super) fn set_modified(&mut self, at: Timestamp) {
        self.modified = Some(at);
    }

    /// The moment of a stamp and how it was obtained; no moment where the year or date can't be known.
    pub(super) fn resolve(&mut self, stamp: Stamp) -> (Option<Timestamp>, TimeQuality) {
        let (time, quality) = match stamp.when {
            When::Exact(time) => (Some(time), TimeQuality::Exact),
            When::Local(time) => (Some(self.utc(time, self.zone)), TimeQuality::ZoneAssumed),
            When::Yearless { month, day, of_day, zone } => {
                let zone = zone.unwrap_or(self.zone);
                (self.with_year(month, day, of_day, zone), TimeQuality::YearInferred)
            }
            When::Clock { of_day } => (self.with_date(of_day), TimeQuality::DateInferred),
        };
        if time.is_some() {
            self.last = time;
        }
        (time, if time.is_some() { quality } else { TimeQuality::Missing })
    }

    fn utc(&self, local: Timestamp, zone: Zone) -> Timestamp {
        local.saturating_add(-i64::from(zone.east) * 1_000_000_000)
    }

    fn with_year(&self, month: u8, day: u8, of_day: i64, zone: Zone) -> Option<Timestamp> {
        let at = |year: i32| {
            let midnight = Timestamp::from_civil(year, month, day, 0, 0, 0, 0)?;
            Some(self.utc(midnight.saturating_add(of_day), zone))
        };
        let limit = self.modified.map(|modified| modified.saturating_add(DAY));
        let Some(last) = self.last else {
            if let Some(year) = self.year {
                return at(year).or_else(|| latest(year + 8, &at, None));
            }
            let limit = limit?;
            return latest(limit.civil().0 + 1, &at, Some(limit));
        };
        // Exactly one year puts the record into the twelve months that begin two months before the last one.
        let year = last.civil().0;
        let from = last.saturating_add(-DISORDER);
        let this = at(year).filter(|time| *time >= from && *time < from.saturating_add(365 * DAY));
        let next = this.or_else(|| (year - 1..=year + 1).filter_map(at).find(|time| *time >= from));
        match (next, limit) {
            (Some(time), Some(limit)) if time > limit && time > last.saturating_add(GROWTH) => {
                latest(limit.civil().0 + 1, &at, Some(limit))
            }
            (Some(time), _) => Some(time),
            // A leap day with no leap year near: the nearest one before.
            (None, _) => latest(year, &at, None),
        }
    }

    fn with_date(&self, of_day: i64) -> Option<Timestamp> {
        let zone = i64::from(self.zone.east) * 1_000_000_000;
        let reference = self.last.or(self.modified)?;
        let midnight = reference.0.saturating_add(zone).div_euclid(DAY).checked_mul(DAY)?;
        let today = midnight.checked_add(of_day)?.checked_sub(zone)?;
        let day = if self.last.is_none() {
            if today > reference.0 { -DAY } else { 0 }
        } else if today < reference.0 - DAY / 2 {
            DAY
        } else if today > reference.0 + DAY / 2 {
            -DAY
        } else {
            0
        };
        Some(Timestamp(today.checked_add(day)?))
    }
}

/// The latest moment of that date in the nine years up to `year`, not after `limit`. Nine, since 1900 was no leap year.
fn latest(year: i32, at: &impl Fn(i32) -> Option<Timestamp>, limit: Option<Timestamp>) -> Option<Timestamp> {
    (0..9).filter_map(|back| at(year - back)).find(|time| limit.is_none_or(|limit| *time <= limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::timestamp::read;

    fn run(modified: &str, stamps: &[&str]) -> Vec<String> {
        let modified = read(modified.as_bytes(), 0).and_then(|stamp| match stamp.when {
            When::Local(time) => Some(time),
            _ => None,
        });
        let mut calendar = Calendar::new(Zone::UTC, modified, None, None);
        let each = stamps.iter().map(|text| calendar.resolve(read(text.as_bytes(), 0).unwrap()));
        each.map(|(time, _)| time.map_or("none".to_owned(), |time| time.to_string())).collect()
    }

    #[test]
    fn years_run_on_across_new_year() {
        let times =
            run("2026-02-03 00:00:00", &["Nov 20 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:01", "Feb  2 10:00:00"]);
        assert_eq!(
            times,
            ["2025-11-20T10:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z", "2026-02-02T10:00:00Z"]
        );
    }

    #[test]
    fn a_growing_file_passes_new_year_and_a_stray_record_does_not_leap() {
        assert_eq!(run("2025-12-31 12:00:00", &["Dec 31 11:00:00", "Jan  1 00:00:01"])[1], "2026-01-01T00:00:01Z");
        assert_eq!(run("2026-02-03 00:00:00", &["Nov 20 10:00:00", "Nov 10 10:00:00"])[1], "2025-11-10T10:00:00Z");
        assert_eq!(run("2026-02-03 00:00:00", &["Jan  1 00:00:01", "Dec 31 23:59:59"])[1], "2025-12-31T23:59:59Z");
    }

    #[test]
    fn a_leap_day_lies_in_a_leap_year() {
        assert_eq!(run("2026-03-01 00:00:00", &["Feb 29 10:00:00"]), ["2024-02-29T10:00:00Z"]);
        assert_eq!(run("2024-03-01 00:00:00", &["Feb 28 10:00:00", "Feb 29 10:00:00"])[1], "2024-02-29T10:00:00Z");
    }

    #[test]
    fn clock_times_take_the_day_of_the_file_and_roll_over() {
        let times = run("2026-11-20 12:00:00", &["23:59:59.5", "00:00:01", "10:00:00"]);
        assert_eq!(times, ["2026-11-19T23:59:59.500Z", "2026-11-20T00:00:01Z", "2026-11-20T10:00:00Z"]);
    }

    #[test]
    fn without_any_reference_there_is_no_time() {
        let mut calendar = Calendar::new(Zone::UTC, None, None, None);
        let (time, quality) = calendar.resolve(read(b"Nov 20 10:00:00", 0).unwrap());
        assert_eq!((time, quality), (None, TimeQuality::Missing));
        let mut hinted = Calendar::new(Zone::parse("+02").unwrap(), None, Some(2004), None);
        assert_eq!(hinted.resolve(read(b"Nov 20 10:00:00", 0).unwrap()).0.unwrap().to_string(), "2004-11-20T08:00:00Z");
    }
}
