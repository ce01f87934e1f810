//! Stamps that begin with a digit: ISO and its relatives, compact ones, day-first and month-first ones, clock times.

use crate::model::{Timestamp, Zone};

use super::{Stamp, When, named, zone};

/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;

/// A time of day read from text.
#[derive(Debug, Clone, Copy)]
pub(in crate::parse) struct Clock {
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub nanos: u32,
}

impl Clock {
    /// Nanoseconds since midnight; a leap second is the next one.
    pub(super) fn of_day(self) -> i64 {
        (i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second)) * SECOND
            + i64::from(self.nanos)
    }
}

/// Two digits at `at`.
#[inline]
pub(super) fn pair(text: &[u8], at: usize) -> Option<u8> {
    match text.get(at..at + 2)? {
        &[a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some((a - b'0') * 10 + (b - b'0')),
        _ => None,
    }
}

/// Four digits at `at`, as a year of 1970 to 2199.
#[inline]
pub(super) fn year(text: &[u8], at: usize) -> Option<i32> {
    let year = i32::from(pair(text, at)?) * 100 + i32::from(pair(text, at + 2)?);
    (1970..2200).contains(&year).then_some(year)
}

/// One or two digits at `at`, and the offset past them.
pub(super) fn small(text: &[u8], at: usize) -> Option<(u8, usize)> {
    if let Some(value) = pair(text, at) {
        return Some((value, at + 2));
    }
    match text.get(at)? {
        digit @ b'0'..=b'9' => Some((digit - b'0', at + 1)),
        _ => None,
    }
}

/// Digits of a fraction at `at` as nanoseconds (digits past the ninth are dropped), and the offset past them.
fn fraction(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let (mut nanos, mut scale, mut end) = (0u32, 100_000_000u32, at);
    while let Some(digit) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        nanos += u32::from(digit - b'0') * scale;
        scale /= 10;
        end += 1;
    }
    (end > at).then_some((nanos, end))
}

/// `hh:mm:ss`, unpadded too, with a fraction behind `.`, `,` or `:`, and `AM` or `PM`. `.` may stand for `:`.
pub(in crate::parse) fn clock(text: &[u8], at: usize) -> Option<(Clock, usize)> {
    let (mut hour, next) = small(text, at)?;
    let separator = *text.get(next)?;
    if separator != b':' && separator != b'.' {
        return None;
    }
    let (minute, next) = small(text, next + 1)?;
    let (mut second, mut nanos, mut end) = (0, 0, next);
    if text.get(next) == Some(&separator) {
        (second, end) = small(text, next + 1)?;
        match text.get(end) {
            Some(b'.' | b',') => {
                if let Some((value, past)) = fraction(text, end + 1) {
                    (nanos, end) = (value, past);
                }
            }
            Some(b':') => {
                // Milliseconds behind a colon are unpadded: ":97" is 97 ms.
                let digits = text.get(end + 1..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
                if (1..=3).contains(&digits) {
                    let millis = super::number(text.get(end + 1..end + 1 + digits)?)?;
                    nanos = u32::try_from(millis).ok()? * 1_000_000;
                    end += 1 + digits;
                }
            }
            _ => {}
        }
    } else if separator == b'.' {
        return None;
    }
    if text.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let half = if text.get(end) == Some(&b' ') { end + 1 } else { end };
    if let Some([letter, b'M' | b'm']) = text.get(half..half + 2)
        && !text.get(half + 2).is_some_and(u8::is_ascii_alphanumeric)
        && (1..=12).contains(&hour)
    {
        match letter {
            b'A' | b'a' => (hour, end) = (hour % 12, half + 2),
            b'P' | b'p' => (hour, end) = (hour % 12 + 12, half + 2),
            _ => {}
        }
    }
    (hour <= 23 && minute <= 59 && second <= 60).then_some((Clock { hour, minute, second, nanos }, end))
}

/// Puts date and time together with the zone that may follow at `end`.
pub(super) fn finish(text: &[u8], date: (i32, u8, u8), clock: Clock, end: usize) -> Option<Stamp> {
    let (year, month, day) = date;
    let local = Timestamp::from_civil(year, month, day, clock.hour, clock.minute, clock.second, clock.nanos)?;
    Some(match zone::read(text, end) {
        Some((zone, end)) => Stamp { when: When::Exact(to_utc(local, zone)), len: end },
        None => Stamp { when: When::Local(local), len: end },
    })
}

/// The moment of a local time in a zone.
pub(super) fn to_utc(local: Timestamp, zone: Zone) -> Timestamp {
    local.saturating_add(-i64::from(zone.east) * SECOND)
}

/// Past the bytes between a date and a time: one of `T t _ -` or `:`, or blanks; a comma or a dash may be among them.
fn gap(text: &[u8], at: usize) -> Option<usize> {
    let mut next = at;
    match text.get(next)? {
        b'T' | b't' | b'_' | b'-' | b':' => return Some(next + 1),
        b',' => next += 1,
        b' ' => {}
        _ => return None,
    }
    while text.get(next) == Some(&b' ') && next < at + 4 {
        next += 1;
    }
    if text.get(next) == Some(&b'-') && text.get(next + 1) == Some(&b' ') {
        next += 2;
    }
    Some(next)
}

/// `YYYY-MM-DD`, with `-`, `/`, `.` or `:` between, then a time.
pub(super) fn year_first(text: &[u8]) -> Option<Stamp> {
    let year = year(text, 0)?;
    let separator = *text.get(4)?;
    match separator {
        b'-' | b'/' | b'.' | b':' => {}
        b' ' => return named::after_year(text, year),
        _ => return None,
    }
    if let Some(stamp) = iso(text, year, separator) {
        return Some(stamp);
    }
    if let Some(stamp) = named::day_inside(text, year, separator) {
        return Some(stamp);
    }
    let (month, next) = small(text, 5)?;
    if text.get(next) != Some(&separator) {
        return None;
    }
    let (day, next) = small(text, next + 1)?;
    let (clock, end) = clock(text, gap(text, next)?)?;
    finish(text, (year, month, day), clock, end)
}

/// The padded form, without detours: this is most lines of most logs.
fn iso(text: &[u8], year: i32, separator: u8) -> Option<Stamp> {
    let s: &[u8; 19] = text.get(..19)?.try_into().ok()?;
    if s[7] != separator || !matches!(s[10], b'T' | b' ') || s[13] != b':' || s[16] != b':' {
        return None;
    }
    let (month, day) = (pair(s, 5)?, pair(s, 8)?);
    let (hour, minute, second) = (pair(s, 11)?, pair(s, 14)?, pair(s, 17)?);
    let (mut nanos, mut end) = (0, 19);
    if let Some(b'.' | b',') = text.get(19)
        && let Some((value, past)) = fraction(text, 20)
    {
        (nanos, end) = (value, past);
    } else if text.get(19).is_some_and(|byte| matches!(byte, b':' | b' '))
        && text.get(20).is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'A' | b'P' | b'a' | b'p'))
    {
        return None;
    }
    finish(text, (year, month, day), Clock { hour, minute, second, nanos }, end)
}

/// A date alone, `YYYY-MM-DD`, for values known to be a time.
pub(super) fn date(text: &[u8]) -> Option<Stamp> {
    let year = year(text, 0)?;
    let separator = *text.get(4)?;
    if !matches!(separator, b'-' | b'/') || text.get(7) != Some(&separator) {
        return None;
    }
    let local = Timestamp::from_civil(year, pair(text, 5)?, pair(text, 8)?, 0, 0, 0, 0)?;
    Some(Stamp { when: When::Local(local), len: 10 })
}

/// `YYYYMMDD`, then `-`, `T`, `.` or a blank, then a time with or without colons.
pub(in crate::parse) fn compact_date(text: &[u8]) -> Option<Stamp> {
    let date = (year(text, 0)?, pair(text, 4)?, pair(text, 6)?);
    if !matches!(text.get(8)?, b'-' | b'T' | b'.' | b' ' | b'_') {
        return None;
    }
    let (clock, end) = clock(text, 9).or_else(|| bare_clock(text, 9))?;
    finish(text, date, clock, end)
}

/// `YYYYMMDDhhmmss`.
pub(super) fn compact(text: &[u8]) -> Option<Stamp> {
    let date = (year(text, 0)?, pair(text, 4)?, pair(text, 6)?);
    let (clock, end) = bare_clock(text, 8)?;
    finish(text, date, clock, end)
}

/// `hhmmss` with an optional fraction.
fn bare_clock(text: &[u8], at: usize) -> Option<(Clock, usize)> {
    let (hour, minute, second) = (pair(text, at)?, pair(text, at + 2)?, pair(text, at + 4)?);
    let (mut nanos, mut end) = (0, at + 6);
    if let Some(b'.' | b',') = text.get(end)
        && let Some((value, past)) = fraction(text, end + 1)
    {
        (nanos, end) = (value, past);
    }
    let fits = hour <= 23 && minute <= 59 && second <= 60 && !text.get(end).is_some_and(u8::is_ascii_digit);
    fits.then_some((Clock { hour, minute, second, nanos }, end))
}

/// A two-digit year: 70 to 99 are of the last century.
fn century(year: u8) -> i32 {
    i32::from(year) + if year >= 70 { 1900 } else { 2000 }
}

/// `yyMMdd hhmmss` (HDFS) or `yyMMdd hh:mm:ss` (MySQL, the hour perhaps blank-padded).
pub(super) fn two_digit_years(text: &[u8]) -> Option<Stamp> {
    let date = (century(pair(text, 0)?), pair(text, 2)?, pair(text, 4)?);
    if text.get(6) != Some(&b' ') {
        return None;
    }
    let at = if text.get(7) == Some(&b' ') { 8 } else { 7 };
    let (clock, end) = bare_clock(text, at).or_else(|| clock(text, at))?;
    finish(text, date, clock, end)
}

/// Stamps whose first number has one or two digits.
pub(super) fn short_first(text: &[u8]) -> Option<Stamp> {
    let (first, next) = small(text, 0)?;
    let separator = *text.get(next)?;
    if separator == b':' {
        let (clock, end) = clock(text, 0)?;
        // A bare hh:mm is too common in running text to be a stamp.
        let seconds = text.get(..end)?.iter().filter(|byte| **byte == b':').count() >= 2;
        let adjacent =
            text.get(end).is_some_and(|byte| matches!(byte, b':' | b'-' | b'/') || byte.is_ascii_alphanumeric());
        return (seconds && !adjacent).then_some(Stamp { when: When::Clock { of_day: clock.of_day() }, len: end });
    }
    if !matches!(separator, b'/' | b'-' | b'.' | b' ') {
        return None;
    }
    if text.get(next + 1).is_some_and(u8::is_ascii_alphabetic) {
        return named::after_day(text, first, next + 1);
    }
    if separator == b' ' {
        return None;
    }
    let (second, next) = small(text, next + 1)?;
    if text.get(next) == Some(&separator) {
        return full_date(text, (first, second), separator, next + 1);
    }
    // Month and day alone: Android ("09-26 18:18:27.862") and Proxifier ("10.30 16:49:06").
    if text.get(next) != Some(&b' ') || !(1..=12).contains(&first) || !(1..=31).contains(&second) {
        return None;
    }
    let (clock, end) = clock(text, next + 1)?;
    yearless(text, (first, second), clock, end)
}

/// A stamp without a year, with the zone that may follow at `end`; only possible dates (Feb 29 is one).
pub(in crate::parse) fn yearless(text: &[u8], date: (u8, u8), clock: Clock, end: usize) -> Option<Stamp> {
    let (month, day) = date;
    Timestamp::from_civil(2000, month, day, 0, 0, 0, 0)?;
    let (zone, end) = match zone::read(text, end) {
        Some((zone, end)) => (Some(zone), end),
        None => (None, end),
    };
    Some(Stamp { when: When::Yearless { month, day, of_day: clock.of_day(), zone }, len: end })
}

/// Three numbers: `yy/MM/dd`, `MM/dd/yyyy` or `dd/MM/yyyy`, then a time.
fn full_date(text: &[u8], start: (u8, u8), separator: u8, at: usize) -> Option<Stamp> {
    let (first, second) = start;
    let (date, next) = if let Some(year) = year(text, at).filter(|_| !text.get(at + 4).is_some_and(u8::is_ascii_digit))
    {
        // Slashes are American unless that can't be; dashes and dots put the day first unless that can't be.
        let month_first = if separator == b'/' { first <= 12 } else { second > 12 };
        ((year, if month_first { first } else { second }, if month_first { second } else { first }), at + 4)
    } else {
        ((century(first), second, pair(text, at)?), at + 2)
    };
    let (clock, end) = clock(text, gap(text, next)?)?;
    finish(text, date, clock, end)
}
