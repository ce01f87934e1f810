//! Values of arguments as people type them, each refused in one sentence.

use crate::engine::Seal;
use crate::model::{Timestamp, Zone};

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    crate::engine::parse_time(text).ok_or_else(|| format!("'{text}' is no time; write it as 2026-11-20T12:00:00Z"))
}

pub(super) fn seal(text: &str) -> Result<Seal, String> {
    let known = Seal::ALL.into_iter().find(|seal| seal.name() == text);
    known.ok_or_else(|| format!("'{text}' is no effort; write fast, balanced or small"))
}

pub(super) fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| format!("'{text}' is no offset; write it as +02:00 or UTC"))
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("must be a number above 0".to_owned()),
    }
}

pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let (number, unit) =
        text.split_at(text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len()));
    let scale = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return Err("must be a number with ms, s or m behind it".to_owned()),
    };
    match number.parse::<f64>() {
        Ok(number) if number * scale <= 86_400.0 => Ok(std::time::Duration::from_secs_f64(number * scale)),
        _ => Err("must be a number with ms, s or m behind it, a day at most".to_owned()),
    }
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("must be a number with KiB, MiB or GiB behind it".to_owned()),
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(size) if size >= 128 << 20 => Ok(size),
        Some(_) => Err("must be 128MiB or more".to_owned()),
        None => Err("must be a number with KiB, MiB or GiB behind it".to_owned()),
    }
}
