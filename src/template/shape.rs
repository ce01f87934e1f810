//! What the bytes at one place look like: number, address, time, path, word with digits; no look behind, no state.

use super::{Class, class, run_end};
use crate::model::SlotKind;

/// A value that was recognised.
pub(super) struct Found {
    /// What it is.
    pub kind: SlotKind,
    /// Offset after its last byte.
    pub end: usize,
}

/// Units that stay in the template behind a number, so that `12ms` reads `<n>ms`.
const UNITS: &[&[u8]] = &[
    b"ms", b"us", b"ns", b"s", b"sec", b"secs", b"min", b"kb", b"mb", b"gb", b"tb", b"kib", b"mib", b"gib", b"px",
    b"hz", b"mhz", b"ghz",
];

/// Shortest quoted text with a blank in it that counts as a value, in bytes.
const LONG_TEXT: usize = 32;
/// Longest quoted text looked at, in bytes.
const MAX_QUOTED: usize = 4096;

/// A value that starts with a digit, or with a minus before a digit: number, address, time, UUID, hexadecimal, id.
pub(super) fn digits(message: &[u8], at: usize) -> Option<Found> {
    let first = *message.get(at)?;
    let signed = first == b'-' && message.get(at + 1)?.is_ascii_digit();
    if !first.is_ascii_digit() && !signed {
        return None;
    }
    let end = run_end(message, at);
    let next = message.get(end).copied();
    // `12:05:36`, `2015-10-18 18:01:47,978`, `2001:db8::1`: the only values that reach over a colon.
    if next == Some(b':')
        && end - at <= 24
        && let Some(found) = clock(message, at, end)
    {
        return Some(found);
    }
    let mut end = end;
    while end > at + 1 && matches!(message.get(end - 1), Some(b'.' | b'-' | b'_')) {
        end -= 1;
    }
    let run = message.get(at..end)?;
    let (digits, dots, others) = count(run.strip_prefix(b"-").unwrap_or(run));
    if others == 0 && dots <= 1 {
        return Some(Found { kind: SlotKind::Number, end });
    }
    if others == 0 && dots == 3 && is_ipv4(run) {
        return Some(Found { kind: SlotKind::Ip, end });
    }
    if is_date(run) {
        return Some(Found { kind: SlotKind::Time, end: after_date(message, end) });
    }
    let number = run.iter().position(|&byte| !(byte.is_ascii_digit() || byte == b'.' || byte == b'-')).unwrap_or(0);
    if digits > 0 && number > 0 && is_unit(run.get(number..)?) {
        return Some(Found { kind: SlotKind::Number, end: at + number });
    }
    Some(Found { kind: word(run).unwrap_or(SlotKind::Id), end })
}

/// Digits, dots and other bytes of a run.
fn count(run: &[u8]) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for &byte in run {
        match byte {
            b'0'..=b'9' => counts.0 += 1,
            b'.' => counts.1 += 1,
            _ => counts.2 += 1,
        }
    }
    counts
}

fn is_unit(suffix: &[u8]) -> bool {
    suffix.len() <= 4 && UNITS.iter().any(|unit| unit.eq_ignore_ascii_case(suffix))
}

/// Four decimal parts of 0 to 255.
pub(super) fn is_ipv4(run: &[u8]) -> bool {
    let mut parts = 0;
    for part in run.split(|&byte| byte == b'.') {
        let value = part.iter().try_fold(0u32, |sum, &byte| {
            byte.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u32::from(byte - b'0')))
        });
        if part.is_empty() || part.len() > 3 || value.is_none_or(|value| value > 255) {
            return false;
        }
        parts += 1;
    }
    parts == 4
}

/// `2015-10-18`, `2015.10.18`, or that with `-HH.MM.SS` or `T12` behind it.
fn is_date(run: &[u8]) -> bool {
    let two = |range: std::ops::Range<usize>| run.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    run.len() >= 10
        && two(0..4)
        && two(5..7)
        && two(8..10)
        && matches!((run.get(4), run.get(7)), (Some(b'-'), Some(b'-')) | (Some(b'.'), Some(b'.')))
        && run.get(10).is_none_or(|byte| matches!(byte, b'T' | b't' | b'-' | b'_'))
        && run.get(11..).unwrap_or_default().iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z'))
}

/// The end of a date's clock time behind one blank, or of the date alone.
fn after_date(message: &[u8], end: usize) -> usize {
    if message.get(end) != Some(&b' ') {
        return end;
    }
    let run = run_end(message, end + 1);
    match message.get(run) {
        Some(b':') => clock(message, end + 1, run).filter(|found| found.kind == SlotKind::Time).map_or(end, |f| f.end),
        _ => end,
    }
}

/// A clock time (with its date glued by `T`) or an IPv6 address whose first part ends at `colon`.
fn clock(message: &[u8], at: usize, colon: usize) -> Option<Found> {
    let first = message.get(at..colon)?;
    let hour = first.get(first.len().checked_sub(2)?..)?;
    let minute = message.get(colon + 1..colon + 3)?;
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let dated =
        first.len() == 2 || first.strip_suffix(hour).and_then(|rest| rest.strip_suffix(b"T")).is_some_and(is_date);
    let whole = message.get(colon + 3).is_none_or(|&byte| !matches!(class(byte), Class::Word | Class::Digit));
    if !(dated && digits(hour) && digits(minute) && whole) {
        return ipv6(message, at).map(|end| Found { kind: SlotKind::Ip, end });
    }
    let mut end = colon + 3;
    let second = message.get(end + 1..end + 3).filter(|_| message.get(end) == Some(&b':')).filter(|part| digits(part));
    if second.is_some() {
        end += 3;
        if matches!(message.get(end), Some(b'.' | b',')) && message.get(end + 1).is_some_and(u8::is_ascii_digit) {
            let rest = message.get(end + 1..)?;
            end += 1 + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        }
    }
    if matches!(message.get(end), Some(b'Z')) {
        end += 1;
    } else if matches!(message.get(end), Some(b'+' | b'-')) && message.get(end + 1).is_some_and(u8::is_ascii_digit) {
        let rest = message.get(end + 1..)?;
        end += 1 + rest.iter().position(|&b| !(b.is_ascii_digit() || b == b':')).unwrap_or(rest.len()).min(5);
    }
    Some(Found { kind: SlotKind::Time, end })
}

/// An IPv6 address (RFC 4291 text form, with a digit in it) or a MAC address written with colons.
pub(super) fn ipv6(message: &[u8], at: usize) -> Option<usize> {
    let rest = message.get(at..)?;
    let length = rest
        .iter()
        .take(46)
        .position(|&byte| !(byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')))
        .unwrap_or(rest.len().min(46));
    let mut text = rest.get(..length)?;
    // A sentence's own punctuation: `from 2001:db8::1: closed`.
    while let Some(shorter) = text.strip_suffix(b".").or_else(|| text.strip_suffix(b":").filter(|t| !t.ends_with(b":")))
    {
        text = shorter;
    }
    let follows = rest.get(text.len()).is_some_and(|&b| matches!(class(b), Class::Word | Class::Digit) && b != b'.');
    let parts = text.split(|&byte| byte == b':').count();
    let has_digit = text.iter().any(u8::is_ascii_digit);
    if follows || parts < 3 || !has_digit || text.split(|&b| b == b':').any(|part| part.len() > 4 && !is_ipv4(part)) {
        return None;
    }
    let gaps = text.windows(2).filter(|pair| pair == b"::").count();
    let address = (gaps == 1 && parts <= 9) || (gaps == 0 && parts == 8);
    let mac = gaps == 0 && parts == 6 && text.split(|&b| b == b':').all(|part| part.len() == 2);
    (address || mac).then_some(at + text.len())
}

/// A URL whose scheme is `at..colon`; ends at a blank, a quote or a closing bracket.
pub(super) fn url(message: &[u8], at: usize, colon: usize) -> Option<usize> {
    let scheme = message.get(at..colon)?;
    if message.get(colon..colon + 3)? != b"://" || scheme.len() > 12 || !scheme.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let rest = message.get(colon..)?;
    let length = rest
        .iter()
        .position(|&b| class(b) == Class::Blank || matches!(b, b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}'))
        .unwrap_or(rest.len());
    let end = colon + length;
    Some(if matches!(message.get(end - 1), Some(b',' | b'.' | b';' | b':')) { end - 1 } else { end })
}

/// The target of an HTTP request: up to the next blank or double quote.
pub(super) fn target(message: &[u8], at: usize) -> usize {
    let rest = message.get(at..).unwrap_or_default();
    at + rest.iter().position(|&b| class(b) == Class::Blank || b == b'"').unwrap_or(rest.len())
}

/// An absolute path with at least two slashes, or with a digit in it.
pub(super) fn path(message: &[u8], at: usize) -> Option<usize> {
    let rest = message.get(at..)?;
    let mut slashes = 0;
    let mut has_digit = false;
    let mut length = 0;
    for &byte in rest {
        match byte {
            b'/' => slashes += 1,
            b'0'..=b'9' => has_digit = true,
            b'%' | b'+' | b'~' | b'#' | b'*' => {}
            _ if class(byte) == Class::Word => {}
            _ => break,
        }
        length += 1;
    }
    while length > 1 && matches!(rest.get(length - 1), Some(b'.' | b'-')) {
        length -= 1;
    }
    let text = rest.get(1..length)?;
    // `/10.250.15.198:50010` is an address as Java prints it.
    let address = text.split(|&b| b == b'/').next().is_some_and(is_ipv4);
    (!address && length > 1 && (slashes >= 2 || has_digit)).then_some(at + length)
}

/// The closing quote of a long quoted text with blanks, which is a value and not a sentence of the program.
pub(super) fn quoted(message: &[u8], at: usize) -> Option<usize> {
    let rest = message.get(at + 1..)?;
    let rest = rest.get(..MAX_QUOTED).unwrap_or(rest);
    let end = memchr::memchr(b'"', rest)?;
    let text = rest.get(..end)?;
    let request = text.split(|&b| b == b' ').next().is_some_and(is_method);
    (text.len() >= LONG_TEXT && !request && text.contains(&b' ')).then_some(at + 1 + end)
}

/// The methods of HTTP and WebDAV that are seen in logs.
pub(super) fn is_method(word: &[u8]) -> bool {
    matches!(
        word,
        b"GET" | b"POST" | b"HEAD" | b"PUT" | b"DELETE" | b"OPTIONS" | b"PATCH" | b"CONNECT" | b"TRACE" | b"PROPFIND"
    )
}

/// What a word without blanks or marks is, or `None` where it is constant.
///
/// A word without a digit is constant, and so is one with a single digit right behind a letter (`ssh2`, `ipv4`, `eth0`);
/// any other word with a digit is a value, and so are eight and more hexadecimal letters.
pub(super) fn word(word: &[u8]) -> Option<SlotKind> {
    let mut digits = 0usize;
    let mut last_digit = 0usize;
    let mut hex = 0usize;
    let mut at_sign = 0usize;
    for (index, &byte) in word.iter().enumerate() {
        if byte.is_ascii_digit() {
            digits += 1;
            last_digit = index;
        }
        hex += usize::from(byte.is_ascii_hexdigit());
        at_sign += usize::from(byte == b'@');
    }
    if at_sign == 1 && is_email(word) {
        return Some(SlotKind::Email);
    }
    if hex == word.len() && (word.len() >= 8 || (digits > 0 && word.len() >= 4)) {
        return Some(SlotKind::Hex);
    }
    if digits == 0 {
        return None;
    }
    if let Some(rest) = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X"))
        && !rest.is_empty()
        && rest.iter().all(u8::is_ascii_hexdigit)
    {
        return Some(SlotKind::Hex);
    }
    if word.len() == 36 && is_uuid(word) {
        return Some(SlotKind::Uuid);
    }
    let behind_letter = last_digit.checked_sub(1).and_then(|i| word.get(i)).is_some_and(u8::is_ascii_alphabetic);
    if digits == 1 && behind_letter && word.len() >= 3 {
        return None;
    }
    Some(SlotKind::Id)
}

/// `name@host.domain`.
fn is_email(word: &[u8]) -> bool {
    let mut parts = word.split(|&byte| byte == b'@');
    let (Some(name), Some(host)) = (parts.next(), parts.next()) else { return false };
    let dotted = host.iter().position(|&byte| byte == b'.').is_some_and(|dot| dot > 0 && dot + 2 < host.len());
    !name.is_empty() && dotted
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(word: &[u8]) -> bool {
    word.iter().enumerate().all(|(index, &byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}
