//! Zones as they stand behind a time: `Z`, `+02:00`, `-0500`, `CEST`.

use crate::model::Zone;

/// Seconds east of UTC of the abbreviations that mean one thing in practice.
const NAMED: &[(&[u8], i32)] = &[
    (b"UTC", 0),
    (b"GMT", 0),
    (b"WET", 0),
    (b"WEST", 3_600),
    (b"BST", 3_600),
    (b"CET", 3_600),
    (b"CEST", 7_200),
    (b"EET", 7_200),
    (b"EEST", 10_800),
    (b"MSK", 10_800),
    (b"JST", 32_400),
    (b"KST", 32_400),
    (b"AEST", 36_000),
    (b"AEDT", 39_600),
    (b"EST", -18_000),
    (b"EDT", -14_400),
    (b"CST", -21_600),
    (b"CDT", -18_000),
    (b"MST", -25_200),
    (b"MDT", -21_600),
    (b"PST", -28_800),
    (b"PDT", -25_200),
];

/// The zone that begins at `at`, perhaps after one space, and the offset past it.
pub(super) fn read(text: &[u8], at: usize) -> Option<(Zone, usize)> {
    let spaced = text.get(at) == Some(&b' ');
    let at = at + usize::from(spaced);
    match text.get(at)? {
        b'Z' | b'z' if !spaced => {
            let ends = !text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
            ends.then_some((Zone::UTC, at + 1))
        }
        sign @ (b'+' | b'-') => offset(text, at + 1, *sign == b'-', spaced),
        b'A'..=b'Z' => {
            let rest = text.get(at..)?;
            let length = rest.iter().take(6).position(|byte| !byte.is_ascii_uppercase()).unwrap_or(rest.len().min(6));
            if rest.get(length).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                return None;
            }
            let name = rest.get(..length)?;
            if let (b"GMT" | b"UTC", Some(sign @ (b'+' | b'-'))) = (name, rest.get(length))
                && let Some(zone) = offset(text, at + length + 1, *sign == b'-', false)
            {
                return Some(zone);
            }
            let east = NAMED.iter().find(|(known, _)| *known == name)?.1;
            Some((Zone { east }, at + length))
        }
        _ => None,
    }
}

/// `hhmm` or `hh:mm`, or `hh` alone where it stands right behind the time.
fn offset(text: &[u8], at: usize, west: bool, spaced: bool) -> Option<(Zone, usize)> {
    let pair = |at: usize| match text.get(at..at + 2)? {
        &[a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i32::from(a - b'0') * 10 + i32::from(b - b'0')),
        _ => None,
    };
    let hours = pair(at)?;
    let (minutes, end) = if text.get(at + 2) == Some(&b':') {
        (pair(at + 3)?, at + 5)
    } else if let Some(minutes) = pair(at + 2) {
        (minutes, at + 4)
    } else if !spaced {
        (0, at + 2)
    } else {
        return None;
    };
    if hours > 18 || minutes > 59 || text.get(end).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let east = hours * 3_600 + minutes * 60;
    Some((Zone { east: if west { -east } else { east } }, end))
}
