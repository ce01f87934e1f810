//! The values a query names: numbers with size suffixes, durations, moments and spans of time, networks, levels.

use std::net::IpAddr;

use crate::model::query::Network;
use crate::model::{Level, Timestamp};

use super::QueryContext;

const SECOND: f64 = 1e9;

/// Reads `-12.5`, `5k`, `2MiB`: decimal digits, an optional fraction, an optional size suffix in any case.
pub(crate) fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    if digits == 0 {
        return None;
    }
    let mut end = digits;
    if let Some(fraction) = unsigned.get(digits..)?.strip_prefix('.') {
        let places = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        if places == 0 {
            return None;
        }
        end += 1 + places;
    }
    let end = end + (text.len() - unsigned.len());
    let value: f64 = text.get(..end)?.parse().ok()?;
    let suffix = text.get(end..)?;
    if suffix.is_empty() {
        return Some(value);
    }
    let unit = match suffix.to_ascii_lowercase().as_str() {
        "k" | "kb" => 1e3,
        "kib" => 1024.0,
        "m" | "mb" => 1e6,
        "mib" => 1_048_576.0,
        "g" | "gb" => 1e9,
        "gib" => 1_073_741_824.0,
        _ => return None,
    };
    Some(value * unit)
}

/// Reads `90s`, `1h30m`, `1.5d`, `250ms` as nanoseconds above 0.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match rest.get(..letters)? {
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total += value * unit * SECOND;
        rest = rest.get(letters..)?;
    }
    (total >= 1.0 && total < i64::MAX as f64).then_some(total as i64)
}

/// The half-open span a literal names; for a moment such as `now` both ends are the same.
pub(crate) fn span(text: &str, context: &QueryContext) -> Option<(Timestamp, Timestamp)> {
    let anchors = [("now", Some(context.now)), ("end", context.end), ("start", context.start)];
    for (name, moment) in anchors {
        if let Some(rest) = text.strip_prefix(name) {
            let moment = moment.unwrap_or(context.now);
            let moment = match rest.split_at_checked(1) {
                None => moment,
                Some(("-", length)) => moment.saturating_add(-duration(length)?),
                Some(("+", length)) => moment.saturating_add(duration(length)?),
                Some(_) => return None,
            };
            return Some((moment, moment));
        }
    }
    if let Some(length) = text.strip_prefix('-') {
        let moment = context.now.saturating_add(-duration(length)?);
        return Some((moment, moment));
    }
    if text == "today" || text == "yesterday" {
        const DAY: i64 = 86_400_000_000_000;
        let east = i64::from(context.zone.east) * 1_000_000_000;
        let local = context.now.saturating_add(east).0;
        let today = Timestamp(local - local.rem_euclid(DAY)).saturating_add(-east);
        let yesterday = today.saturating_add(-DAY);
        let tomorrow = today.saturating_add(DAY);
        return Some(if text == "today" { (today, tomorrow) } else { (yesterday, today) });
    }
    civil_span(text, context)
}

/// The span of a civil date or time with as many parts as are written.
fn civil_span(text: &str, context: &QueryContext) -> Option<(Timestamp, Timestamp)> {
    let mut reader = Digits { text };
    let year = reader.take(4)? as i32;
    let mut parts = [1u8, 1, 0, 0, 0];
    let mut known = 0;
    for (part, separators) in parts.iter_mut().zip(["-", "-", "T ", ":", ":"]) {
        if !reader.skip(separators) {
            break;
        }
        *part = reader.take(2)? as u8;
        known += 1;
    }
    let nanos = if known == 5 && reader.skip(".") { reader.fraction()? } else { None };
    let zone = if reader.text.is_empty() { context.zone } else { crate::model::Zone::parse(reader.text)? };
    let [month, day, hour, minute, second] = parts;
    let moment = |year, month, day| {
        let time = Timestamp::from_civil(year, month, day, hour, minute, second, nanos.map_or(0, |(value, _)| value))?;
        Some(time.saturating_add(i64::from(zone.east) * -1_000_000_000))
    };
    let from = moment(year, month, day)?;
    const S: i64 = 1_000_000_000;
    let until = match known {
        0 => moment(year + 1, month, day)?,
        1 if month == 12 => moment(year + 1, 1, day)?,
        1 => moment(year, month + 1, day)?,
        2 => from.saturating_add(86_400 * S),
        3 => from.saturating_add(3_600 * S),
        4 => from.saturating_add(60 * S),
        _ => from.saturating_add(nanos.map_or(S, |(_, unit)| unit)),
    };
    Some((from, until))
}

/// Reads fixed numbers of digits off the front of a text.
struct Digits<'a> {
    text: &'a str,
}

impl Digits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let (head, tail) = self.text.split_at_checked(count)?;
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.text = tail;
        head.parse().ok()
    }

    /// Skips one of the characters, but not a `-` that begins an offset (`2026-05:30` is no date).
    fn skip(&mut self, one_of: &str) -> bool {
        match self.text.strip_prefix(|c| one_of.contains(c)) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                self.text = rest;
                true
            }
            _ => false,
        }
    }

    /// Digits of a fraction of a second as nanoseconds, with the unit of the last digit.
    fn fraction(&mut self) -> Option<Option<(u32, i64)>> {
        let length = self.text.bytes().take_while(u8::is_ascii_digit).count();
        let mut unit = 1_000_000_000i64;
        let mut nanos = 0i64;
        for digit in self.text.bytes().take(length.min(9)) {
            unit /= 10;
            nanos += i64::from(digit - b'0') * unit;
        }
        self.text = self.text.get(length..)?;
        Some(Some((u32::try_from(nanos).ok()?, unit)))
    }
}

/// Reads an address or `address/prefix`.
pub(crate) fn network(text: &str) -> Option<Network> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let (bits, width, v4) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32u32, true),
        IpAddr::V6(address) => (u128::from(address), 128, false),
    };
    let prefix = match prefix {
        Some(prefix) if !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit()) => prefix.parse().ok()?,
        Some(_) => return None,
        None => width,
    };
    let free = width.checked_sub(prefix)?;
    let mask = if free == 128 { u128::MAX } else { (1u128 << free) - 1 };
    Some(Network { low: bits & !mask, high: bits | mask, v4 })
}

/// The level a query names; narrower than what logs use, so that a typing mistake is an error.
pub(crate) fn level(text: &str) -> Option<Level> {
    Some(match text.to_ascii_lowercase().as_str() {
        "trace" => Level::Trace,
        "debug" => Level::Debug,
        "info" | "informational" => Level::Info,
        "notice" => Level::Notice,
        "warn" | "warning" => Level::Warn,
        "err" | "error" => Level::Error,
        "crit" | "critical" | "fatal" => Level::Critical,
        "alert" => Level::Alert,
        "emerg" | "emergency" | "panic" => Level::Emergency,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    #[test]
    fn numbers_carry_size_suffixes_and_words_do_not() {
        assert_eq!(number(b"5k"), Some(5e3));
        assert_eq!(number(b"-2MiB"), Some(-2_097_152.0));
        assert_eq!(number(b"1.5"), Some(1.5));
        for text in ["", "k", "1.", "1.2.3", "5 k", "0x1f", "nan", "inf", "5s"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_literal_names_its_whole_span_in_the_zone() {
        let zone = Zone { east: 7_200 };
        let context =
            QueryContext { now: Timestamp(0), start: None, end: None, zone, known_fields: &[], lenient: false };
        let text = |text: &str| span(text, &context).map(|(from, until)| format!("{from} {until}"));
        assert_eq!(text("2026-12").unwrap(), "2026-11-30T22:00:00Z 2026-12-31T22:00:00Z");
        assert_eq!(text("2026-11-20T10:10:05.5Z").unwrap(), "2026-11-20T10:10:05.500Z 2026-11-20T10:10:05.600Z");
        assert_eq!(text("2026-02-30"), None);
        assert_eq!(text("9999"), None);
        assert_eq!(duration("1h30m"), Some(5_400_000_000_000));
        assert_eq!(duration("0s"), None);
    }

    #[test]
    fn networks_of_both_versions_are_read() {
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0 .. 10.255.255.255");
        assert!(network("::/0").is_some() && network("10.0.0.0/33").is_none() && network("10").is_none());
    }
}
