//! Recognises a point in time written at a given place, in any of the spellings that logs use.
//!
//! One entry point, [`read`], for stamps in running text, and one, [`value`], for a value that is known to be a time (a JSON
//! key, a column). Neither looks at the calendar of the input: a missing year, date or zone is filled in by `calendar`.

use crate::model::{Timestamp, Zone};

use super::cursor::number;

mod civil;
mod named;
mod zone;

pub(super) use civil::{Clock, clock as civil_clock, compact_date, yearless};

/// What a stamp says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A moment: date, time and zone, or an epoch number.
    Exact(Timestamp),
    /// Date and time without a zone, held as if they were UTC.
    Local(Timestamp),
    /// Month, day and nanoseconds of the day, and the zone if it is stated.
    Yearless { month: u8, day: u8, of_day: i64, zone: Option<Zone> },
    /// Nanoseconds of the day alone.
    Clock { of_day: i64 },
}

/// A recognised stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// What it says.
    pub when: When,
    /// How many bytes it takes.
    pub len: usize,
}

/// First and last second that a bare epoch number is believed for: the years 1990 to 2100.
const EPOCH_SECONDS: std::ops::Range<u64> = 631_152_000..4_102_444_800;

/// The stamp that begins at `at`, or `None` where the bytes there are no time (or an impossible one).
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Stamp> {
    let text = bytes.get(at..)?;
    match text.first()? {
        b'0'..=b'9' => match text.iter().take(20).position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len().min(20))
        {
            4 => civil::year_first(text),
            8 => civil::compact_date(text),
            14 => civil::compact(text),
            6 => civil::two_digit_years(text),
            1 | 2 => civil::short_first(text),
            10 | 13 | 16 | 19 => epoch(text),
            _ => None,
        },
        b'A'..=b'Z' | b'a'..=b'z' => named::read(text),
        b'@' => tai64n(text),
        _ => None,
    }
}

/// The time that a whole value stands for: any stamp, a date alone, or an epoch number in s, ms, µs or ns (with or without
/// a fraction).
pub(super) fn value(bytes: &[u8]) -> Option<Stamp> {
    let text = bytes.trim_ascii();
    let text = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")).unwrap_or(text);
    if let Some(stamp) = read(text, 0)
        && text.get(stamp.len..).is_some_and(|rest| rest.is_empty() || names_zone_again(stamp, rest))
    {
        return Some(stamp);
    }
    if text.first().is_some_and(u8::is_ascii_digit) {
        if let Some(stamp) = epoch(text).filter(|stamp| stamp.len == text.len()) {
            return Some(stamp);
        }
        return civil::date(text).filter(|stamp| stamp.len == text.len());
    }
    None
}

/// What Go and JavaScript print behind the offset: ` UTC`, ` m=+0.01`, ` (Central European Time)`.
fn names_zone_again(stamp: Stamp, rest: &[u8]) -> bool {
    let named = rest.len() <= 6 && rest.iter().skip(1).all(u8::is_ascii_uppercase);
    matches!(stamp.when, When::Exact(_)) && rest.starts_with(b" ") && (named || matches!(rest, [_, b'(' | b'm', ..]))
}

/// An epoch number: 9 or 10 digits are seconds, 12 or 13 milliseconds, 15 or 16 microseconds, 18 or 19 nanoseconds; a
/// fraction may follow.
pub(super) fn epoch(text: &[u8]) -> Option<Stamp> {
    let digits = text.iter().take(20).position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len().min(20));
    let whole = number(text.get(..digits)?)?;
    let unit: u64 = match digits {
        9 | 10 => 1_000_000_000,
        12 | 13 => 1_000_000,
        15 | 16 => 1_000,
        18 | 19 => 1,
        _ => return None,
    };
    let nanos = whole.checked_mul(unit)?;
    if !EPOCH_SECONDS.contains(&(nanos / 1_000_000_000)) {
        return None;
    }
    let mut len = digits;
    let mut fraction = 0u64;
    if text.get(digits) == Some(&b'.') && text.get(digits + 1).is_some_and(u8::is_ascii_digit) {
        len += 1;
        let mut scale = unit / 10;
        while let Some(digit) = text.get(len).filter(|byte| byte.is_ascii_digit()) {
            fraction += u64::from(digit - b'0') * scale;
            scale /= 10;
            len += 1;
        }
    }
    let nanos = i64::try_from(nanos.checked_add(fraction)?).ok()?;
    Some(Stamp { when: When::Exact(Timestamp(nanos)), len })
}

/// A label of D. J. Bernstein's `tai64n`: `@`, 16 hex digits of TAI seconds from 2^62, 8 of nanoseconds.
fn tai64n(text: &[u8]) -> Option<Stamp> {
    let digits = text.get(1..25)?;
    let mut value = 0u128;
    for &byte in digits {
        value = value << 4 | u128::from(char::from(byte).to_digit(16)?);
    }
    let seconds = i64::try_from(value >> 32).ok()?.checked_sub((1 << 62) + 10)?;
    let nanos = u32::try_from(value & 0xFFFF_FFFF).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    if !EPOCH_SECONDS.contains(&u64::try_from(seconds).ok()?) {
        return None;
    }
    Some(Stamp { when: When::Exact(Timestamp::from_seconds(seconds, nanos)?), len: 25 })
}

#[cfg(test)]
mod tests;
