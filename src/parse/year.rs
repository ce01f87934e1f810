//! Finds the year of an input's first record where its stamps leave the year out.

use crate::model::Timestamp;

use super::cursor::Cursor;
use super::timestamp::{self, When};

/// Days that a record may lie behind the one before it without a New Year between them.
const DISORDER: i64 = 60;

/// Counts the New Years in an input, so that its first year follows from the time of its end.
///
/// Feed it the lines in order; the first and the last few suffice for inputs of less than a year (what lies between is then
/// taken as one way forward), all of them are needed beyond. Costs one look at the front of each line. Its answer belongs into
/// [`Hints::year`](super::Hints::year) before the parser is made.
#[derive(Debug, Clone, Default)]
pub struct YearScan {
    first: Option<(u8, u8)>,
    last: Option<(u8, u8, i64)>,
    new_years: i32,
}

impl YearScan {
    /// Takes the next line into account; lines that do not begin with a stamp without a year say nothing.
    pub fn line(&mut self, line: &[u8]) {
        let mut cursor = Cursor::new(line);
        if cursor.eat(b'<') {
            cursor.digits();
            cursor.eat(b'>');
        } else {
            cursor.eat(b'[');
        }
        let Some(When::Yearless { month, day, of_day, .. }) = timestamp::read(line, cursor.pos).map(|stamp| stamp.when)
        else {
            return;
        };
        if let Some((before, on, _)) = self.last {
            let step = days(month, day) - days(before, on);
            // A step back is a New Year if it is long; a step forward of eleven months is one taken back.
            if step < -DISORDER {
                self.new_years += 1;
            } else if step > 366 - DISORDER {
                self.new_years -= 1;
            }
        }
        self.first = self.first.or(Some((month, day)));
        self.last = Some((month, day, of_day));
    }

    /// The year of the first record of an input that was last written to at `modified`: the last record is not after that (and
    /// a day, for zones). `None` where no stamp lacks a year.
    pub fn year(&self, modified: Timestamp) -> Option<i32> {
        let (month, day, of_day) = self.last?;
        let limit = modified.saturating_add(86_400 * 1_000_000_000);
        let newest = limit.civil().0;
        let fits = |year: i32| {
            Timestamp::from_civil(year, month, day, 0, 0, 0, 0)
                .is_some_and(|midnight| midnight.saturating_add(of_day) <= limit)
        };
        let last = (newest - 8..=newest).rev().find(|year| fits(*year))?;
        let first = last - self.new_years.max(0);
        // A leap day fixes the year of the first record to a leap year at or before it.
        let (month, day) = self.first?;
        (first - 8..=first).rev().find(|year| Timestamp::from_civil(*year, month, day, 0, 0, 0, 0).is_some())
    }
}

/// Days since January 1 of a leap year, for comparison only.
fn days(month: u8, day: u8) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
    BEFORE.get(usize::from(month).saturating_sub(1)).copied().unwrap_or(0) + i64::from(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_year(modified: (i32, u8, u8), lines: &[&str]) -> Option<i32> {
        let mut scan = YearScan::default();
        lines.iter().for_each(|line| scan.line(line.as_bytes()));
        scan.year(Timestamp::from_civil(modified.0, modified.1, modified.2, 0, 0, 0, 0).unwrap())
    }

    #[test]
    fn the_last_record_is_not_after_the_file() {
        assert_eq!(first_year((2026, 11, 20), &["Jun  9 06:06:20 h a", "Nov  1 06:06:20 h a"]), Some(2026));
        assert_eq!(
            first_year((2026, 11, 20), &["Jun  9 06:06:20 h a", "Dec  1 06:06:20 h a", "Feb 28 04:00:00 h a"]),
            Some(2025)
        );
        assert_eq!(first_year((2026, 11, 20), &["Jun  9 06:06:20 h a", "Feb 28 04:00:00 h a"]), Some(2025));
        assert_eq!(first_year((2026, 1, 2), &["<3>Dec 30 06:06:20 h a", "Jan  2 06:06:20 h a"]), Some(2025));
    }

    #[test]
    fn disorder_is_no_new_year_and_many_new_years_count() {
        let lines = ["Dec 31 23:59:59 a", "Jan  1 00:00:01 a", "Dec 31 23:59:58 a", "Jan  1 00:00:02 a"];
        assert_eq!(first_year((2026, 1, 5), &lines), Some(2025));
        let lines =
            ["Mar  1 00:00:00 a", "Sep  1 00:00:00 a", "Mar  1 00:00:00 a", "Sep  1 00:00:00 a", "Mar  1 00:00:00 a"];
        assert_eq!(first_year((2026, 3, 2), &lines), Some(2024));
        assert_eq!(first_year((2026, 3, 2), &["2026-01-01 00:00:00 a", "text"]), None);
    }
}
