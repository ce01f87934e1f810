//! Stamps with the name of a month or a weekday in them.

use super::Stamp;
use super::civil::{Clock, clock, finish, pair, small, year, yearless};

/// 1 to 12 for the first three letters of a month's name in any case; longer names only if they are spelled out.
fn month(text: &[u8], at: usize) -> Option<(u8, usize)> {
    const NAMES: [&[u8]; 12] = [
        b"january",
        b"february",
        b"march",
        b"april",
        b"may",
        b"june",
        b"july",
        b"august",
        b"september",
        b"october",
        b"november",
        b"december",
    ];
    let s: &[u8; 3] = text.get(at..at + 3)?.try_into().ok()?;
    let number = match &[s[0] | 32, s[1] | 32, s[2] | 32] {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    };
    if !text.get(at + 3).is_some_and(u8::is_ascii_alphabetic) {
        return Some((number, at + 3));
    }
    let name = NAMES.get(usize::from(number) - 1)?;
    let spelled = text.get(at..at + name.len()).is_some_and(|word| word.eq_ignore_ascii_case(name));
    let end = if spelled {
        at + name.len()
    } else if text.get(at..at + 4)?.eq_ignore_ascii_case(b"sept") {
        at + 4
    } else {
        return None;
    };
    (!text.get(end).is_some_and(u8::is_ascii_alphabetic)).then_some((number, end))
}

/// Past the name of a weekday, its comma and blanks.
fn weekday(text: &[u8]) -> Option<usize> {
    let s: &[u8; 3] = text.get(..3)?.try_into().ok()?;
    match &[s[0] | 32, s[1] | 32, s[2] | 32] {
        b"mon" | b"tue" | b"wed" | b"thu" | b"fri" | b"sat" | b"sun" => {}
        _ => return None,
    }
    let letters = text.iter().take(10).take_while(|byte| byte.is_ascii_alphabetic()).count();
    if letters != 3 && !text.get(..letters)?.to_ascii_lowercase().ends_with(b"day") {
        return None;
    }
    let mut at = letters + usize::from(text.get(letters) == Some(&b','));
    let from = at;
    while text.get(at) == Some(&b' ') && at < from + 3 {
        at += 1;
    }
    (at > from).then_some(at)
}

/// Past one to three blanks, or `None` where there is none.
fn blanks(text: &[u8], at: usize) -> Option<usize> {
    let mut next = at;
    while text.get(next) == Some(&b' ') && next < at + 3 {
        next += 1;
    }
    (next > at).then_some(next)
}

/// A stamp that begins with a letter.
pub(super) fn read(text: &[u8]) -> Option<Stamp> {
    if let Some((month, next)) = month(text, 0) {
        return after_month(text, month, next);
    }
    let at = weekday(text)?;
    if let Some((month, next)) = month(text, at) {
        return after_month(text, month, next);
    }
    if text.get(at)?.is_ascii_digit() {
        // RFC 5322: "Mon, 05 Dec 2005 07:51:23 +0000".
        if let Some((day, next)) = small(text, at)
            && matches!(text.get(next), Some(b' ' | b'-'))
            && let Some(stamp) = day_month(text, day, next + 1)
        {
            return Some(stamp);
        }
        let inner = super::read(text, at)?;
        return Some(Stamp { len: inner.len + at, ..inner });
    }
    None
}

/// After the name of the month: day, then the year before or after the time, or no year.
fn after_month(text: &[u8], month: u8, at: usize) -> Option<Stamp> {
    if text.get(at) == Some(&b'-') {
        // "Apr-07-13 07:08:36".
        let (day, next) = small(text, at + 1)?;
        if text.get(next) != Some(&b'-') {
            return None;
        }
        let (year, next) = match year(text, next + 1) {
            Some(year) => (year, next + 5),
            None => (2000 + i32::from(pair(text, next + 1)?), next + 3),
        };
        let (clock, end) = clock(text, blanks(text, next)?)?;
        return finish(text, (year, month, day), clock, end);
    }
    let (day, next) = small(text, blanks(text, at)?)?;
    let comma = next + usize::from(text.get(next) == Some(&b','));
    let mut next = blanks(text, comma)?;
    if text.get(next + 4).is_some_and(|byte| matches!(byte, b' ' | b','))
        && let Some(year) = year(text, next)
    {
        next += 4 + usize::from(text.get(next + 4) == Some(&b','));
        let (clock, end) = clock(text, blanks(text, next)?)?;
        return finish(text, (year, month, day), clock, end);
    }
    let (clock, end) = clock(text, next)?;
    trailing_year(text, (month, day), clock, end)
}

/// The year behind the time (`… 07:51:23 2005`, `… 08:00:01 EST 2021`), or none.
fn trailing_year(text: &[u8], date: (u8, u8), clock: Clock, end: usize) -> Option<Stamp> {
    let (month, day) = date;
    let at_year = |at: usize| {
        let year = (text.get(at) == Some(&b' ')).then(|| year(text, at + 1)).flatten()?;
        (!text.get(at + 5).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/' | b'.')))
            .then_some(year)
    };
    if let Some(year) = at_year(end) {
        let inner = finish(text, (year, month, day), clock, end + 5)?;
        return Some(inner);
    }
    if let Some((zone, past)) = super::zone::read(text, end)
        && let Some(year) = at_year(past)
    {
        let local =
            crate::model::Timestamp::from_civil(year, month, day, clock.hour, clock.minute, clock.second, clock.nanos)?;
        return Some(Stamp { when: super::When::Exact(super::civil::to_utc(local, zone)), len: past + 5 });
    }
    yearless(text, date, clock, end)
}

/// `dd Mon yyyy`, `dd/Mon/yyyy:`, `dd-Mon-yyyy`, from the month on.
pub(super) fn after_day(text: &[u8], day: u8, at: usize) -> Option<Stamp> {
    day_month(text, day, at)
}

fn day_month(text: &[u8], day: u8, at: usize) -> Option<Stamp> {
    let (month, next) = month(text, at)?;
    let separator = *text.get(next)?;
    if !matches!(separator, b' ' | b'/' | b'-') {
        return None;
    }
    let Some(year) = year(text, next + 1) else {
        let (clock, end) = clock(text, next + 1)?;
        return yearless(text, (month, day), clock, end);
    };
    let next = next + 5;
    let next = match text.get(next)? {
        b':' | b'T' => next + 1,
        b',' => blanks(text, next + 1)?,
        b' ' => blanks(text, next)?,
        _ => return None,
    };
    let (clock, end) = clock(text, next)?;
    finish(text, (year, month, day), clock, end)
}

/// `YYYY Mon dd hh:mm:ss`, from the month on.
pub(super) fn after_year(text: &[u8], year: i32) -> Option<Stamp> {
    let (month, next) = month(text, 5)?;
    let (day, next) = small(text, blanks(text, next)?)?;
    let (clock, end) = clock(text, blanks(text, next)?)?;
    finish(text, (year, month, day), clock, end)
}

/// `YYYY-Mon-dd hh:mm:ss`.
pub(super) fn day_inside(text: &[u8], year: i32, separator: u8) -> Option<Stamp> {
    let (month, next) = month(text, 5)?;
    if text.get(next) != Some(&separator) {
        return None;
    }
    let (day, next) = small(text, next + 1)?;
    let (clock, end) = clock(text, next + 1)?;
    finish(text, (year, month, day), clock, end)
}
