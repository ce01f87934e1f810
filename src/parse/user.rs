//! Formats that users define in TOML: a pattern with named groups, and samples that prove it when it is loaded.
//!
//! ```toml
//! [[format]]
//! name = "till"
//! grok = "%{TIMESTAMP_ISO8601:time} till=%{INT:till} %{IPORHOST:source_ip} %{GREEDYDATA:message}"
//! time_format = "auto"          # or as in strftime: "%d.%m.%Y %H:%M"
//! level = "info"                # where no group is called level
//! multiline = true              # lines that do not match belong to the record before them
//! samples = [{ line = "2026-11-20 10:00:00 till=4 10.0.0.7 sold", fields = { till = "4", source_ip = "10.0.0.7" } }]
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use regex::bytes::Regex;
use serde::Deserialize;

use crate::model::{Layout, Level, Timestamp, canonical_name};

use super::ParseError;
use super::cursor::Cursor;
use super::draft::Draft;
use super::format::{FORMATS, Frame};
use super::grok;
use super::timestamp::{self, Stamp, When};

/// Largest compiled pattern, in bytes.
const MAX_PROGRAM: usize = 4 << 20;

/// What separates the pattern from what else a layout must remember of a user's format.
const ASIDE: char = '\u{1f}';

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    format: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: String,
    pattern: Option<String>,
    grok: Option<String>,
    time_format: Option<String>,
    level: Option<String>,
    #[serde(default)]
    multiline: bool,
    #[serde(default)]
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    line: String,
    #[serde(default)]
    fields: BTreeMap<String, toml::Value>,
}

/// Stored formats by name and what is stored of them; nothing where a pattern does not compile.
type Compiled = BTreeMap<(String, String), Option<Arc<UserFormat>>>;

/// A user's format, compiled.
#[derive(Debug)]
pub(super) struct UserFormat {
    pub name: String,
    stored: String,
    regex: Regex,
    /// Canonical name of each group, by number.
    groups: Vec<Option<String>>,
    time_format: Option<String>,
    level: Option<Level>,
    multiline: bool,
}

impl UserFormat {
    /// Compiles a pattern; the reason where it is broken.
    fn compile(
        name: &str,
        pattern: &str,
        time_format: Option<&str>,
        level: Option<&str>,
    ) -> Result<UserFormat, String> {
        let regex = regex::bytes::RegexBuilder::new(pattern)
            .size_limit(MAX_PROGRAM)
            .build()
            .map_err(|error| error.to_string())?;
        let groups: Vec<Option<String>> = regex.capture_names().map(|group| group.map(canonical_name)).collect();
        if groups.iter().all(Option::is_none) {
            return Err("the pattern has no named group, such as (?P<message>.*)".to_owned());
        }
        let level = match level {
            Some(word) => Some(Level::from_word(word.as_bytes()).ok_or_else(|| format!("unknown level '{word}'"))?),
            None => None,
        };
        let time_format = time_format.filter(|format| *format != "auto").map(str::to_owned);
        let stored = [pattern, time_format.as_deref().unwrap_or_default(), level.map_or("", Level::name)]
            .join(&ASIDE.to_string());
        Ok(UserFormat { name: name.to_owned(), stored, regex, groups, time_format, level, multiline: false })
    }

    /// The format of a stored layout, compiled once in the life of the process.
    pub(super) fn stored(name: &str, stored: &str) -> Option<Arc<UserFormat>> {
        static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);
        let mut compiled = COMPILED.lock().ok()?;
        let entry = compiled.entry((name.to_owned(), stored.to_owned())).or_insert_with(|| {
            let mut parts = stored.split(ASIDE);
            let pattern = parts.next()?;
            let time_format = parts.next().filter(|part| !part.is_empty());
            let level = parts.next().filter(|part| !part.is_empty());
            UserFormat::compile(name, pattern, time_format, level).ok().map(Arc::new)
        });
        entry.clone()
    }

    /// What a layout stores: the pattern and what belongs to it.
    pub(super) fn pattern(&self) -> &str {
        &self.stored
    }

    /// The layout of its records.
    pub(super) fn layout(&self) -> Layout {
        Layout { format: self.name.clone(), pattern: Some(self.stored.clone()), ..Layout::default() }
    }

    /// How its lines become records.
    pub(super) fn frame(&self) -> Frame {
        if self.multiline { Frame::Block } else { Frame::Line }
    }

    /// Reads one record.
    pub(super) fn cut(&self, raw: &[u8], draft: &mut Draft) -> bool {
        let cursor = Cursor::new(raw);
        let Some(captures) = self.regex.captures(cursor.rest()) else { return false };
        for (group, name) in self.groups.iter().enumerate() {
            let (Some(name), Some(hit)) = (name, captures.get(group)) else { continue };
            let range = cursor.pos + hit.start()..cursor.pos + hit.end();
            self.take(raw, name, unquoted(raw, range), draft);
        }
        draft.level = draft.level.or(self.level);
        draft.message(cursor.rest_range());
        true
    }

    fn take(&self, raw: &[u8], name: &str, range: Range<usize>, draft: &mut Draft) {
        let bytes = raw.get(range.clone()).unwrap_or_default();
        match (name, &self.time_format) {
            ("time", Some(format)) => draft.stamp = by_format(bytes, format),
            ("time", None) => draft.stamp = timestamp::value(bytes),
            ("level", _) => {
                draft.level = Level::from_word(bytes);
                draft.fields.push_raw("level_raw", range);
            }
            ("message", _) => draft.message(range),
            _ => draft.fields.push_named_raw(name, range),
        }
    }
}

fn unquoted(raw: &[u8], range: Range<usize>) -> Range<usize> {
    match raw.get(range.clone()) {
        Some([b'"', .., b'"']) => range.start + 1..range.end - 1,
        _ => range,
    }
}

/// A time by a format of chrono's strftime; the only place where chrono reads a time, since users chose the format.
fn by_format(bytes: &[u8], format: &str) -> Option<Stamp> {
    let text = std::str::from_utf8(bytes).ok()?;
    let nanos = |seconds: i64, nanos: u32| Timestamp::from_seconds(seconds, nanos);
    if let Ok(time) = DateTime::parse_from_str(text, format) {
        let moment = nanos(time.timestamp(), time.timestamp_subsec_nanos())?;
        return Some(Stamp { when: When::Exact(moment), len: bytes.len() });
    }
    let local = NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok().and_then(|date| date.and_hms_opt(0, 0, 0)))
        .map(|local| local.and_utc())?;
    Some(Stamp { when: When::Local(nanos(local.timestamp(), local.timestamp_subsec_nanos())?), len: bytes.len() })
}

/// Reads the formats of a TOML text and proves each by its samples.
pub(super) fn load(text: &str, file: &str) -> Result<Vec<UserFormat>, ParseError> {
    let parsed: File = toml::from_str(text)
        .map_err(|error| ParseError::File { file: file.to_owned(), reason: error.to_string().trim_end().to_owned() })?;
    parsed.format.into_iter().map(|definition| build(definition, file)).collect()
}

fn build(definition: Definition, file: &str) -> Result<UserFormat, ParseError> {
    let name = definition.name.clone();
    let broken = |reason: String| ParseError::Format { file: file.to_owned(), format: name.clone(), reason };
    if name.is_empty() || FORMATS.iter().any(|format| format.name == name) {
        return Err(broken("the name is empty or that of a built-in format".to_owned()));
    }
    let pattern = match (&definition.pattern, &definition.grok) {
        (Some(pattern), None) => pattern.clone(),
        (None, Some(text)) => grok::expand(text).map_err(&broken)?,
        _ => return Err(broken("give either 'pattern' or 'grok'".to_owned())),
    };
    let mut format =
        UserFormat::compile(&name, &pattern, definition.time_format.as_deref(), definition.level.as_deref())
            .map_err(&broken)?;
    format.multiline = definition.multiline;
    for (number, sample) in definition.samples.iter().enumerate() {
        prove(&format, sample).map_err(|reason| ParseError::Sample {
            file: file.to_owned(),
            format: name.clone(),
            sample: number + 1,
            reason,
        })?;
    }
    Ok(format)
}

/// Checks a sample: it matches, and each stated field has the stated value.
fn prove(format: &UserFormat, sample: &Sample) -> Result<(), String> {
    let raw = sample.line.as_bytes();
    let mut draft = Draft::default();
    if !format.cut(raw, &mut draft) {
        return Err("the pattern does not match the line".to_owned());
    }
    for (name, expected) in &sample.fields {
        let expected = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
        let name = canonical_name(name);
        let got = match name.as_str() {
            "level" => draft.level.map(|level| level.name().to_owned()),
            "time" => draft.stamp.map(|_| expected.clone()),
            _ => draft.fields.of(raw).first(&name).map(|value| String::from_utf8_lossy(value).into_owned()),
        };
        match got {
            Some(got) if got == expected => {}
            Some(got) => return Err(format!("field '{name}' is '{got}', not '{expected}'")),
            None => return Err(format!("field '{name}' is missing, expected '{expected}'")),
        }
    }
    Ok(())
}
