//! What a format fills in while it reads one record, and the meaning of named values (which key is the time, the level, …).

use std::ops::Range;

use crate::model::{FieldSet, Level};

use super::alias::{Role, role};
use super::cursor::number;
use super::timestamp::{Stamp, When, value};

/// The reading of one record in the making; memory is reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Fields so far.
    pub fields: FieldSet,
    /// The stamp, if one was found.
    pub stamp: Option<Stamp>,
    /// The level, if one was found.
    pub level: Option<Level>,
    /// Whether a `message` was pushed.
    pub has_message: bool,
    /// Common fields that were pushed by an alias or by the message, one bit each; see [`Role::Also`].
    pub taken: u32,
    /// Rank of the key that `stamp` was read from, where its value lies, and whether it is a moment by itself.
    time_from: Option<(usize, Range<usize>, bool)>,
    /// Scratch for the path of nested keys.
    pub(super) path: String,
    /// Scratch for values that are put together.
    pub(super) text: Vec<u8>,
    /// Name of the key that `stamp` was read from, for the case that a better key follows.
    time_name: String,
}

impl Draft {
    /// A draft that fills a given set.
    pub fn over(fields: FieldSet) -> Self {
        Draft { fields, ..Draft::default() }
    }

    /// Forgets the record and keeps the memory.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.stamp = None;
        self.level = None;
        self.has_message = false;
        self.taken = 0;
        self.time_from = None;
        self.path.clear();
        self.text.clear();
        self.time_name.clear();
    }

    /// Sets the message, once.
    pub fn message(&mut self, range: Range<usize>) {
        if !self.has_message {
            self.has_message = true;
            self.fields.push_raw("message", range);
        }
    }

    /// Sets the level from a word if it is one, and keeps the word.
    pub fn level_word(&mut self, raw: &[u8], range: Range<usize>) -> bool {
        let Some(level) = raw.get(range.clone()).and_then(Level::from_word) else {
            return false;
        };
        self.level = Some(level);
        self.fields.push_raw("level_raw", range);
        true
    }

    /// Adds a field unless its value is empty or the dash that stands for nothing.
    pub fn push(&mut self, raw: &[u8], name: &'static str, range: Range<usize>) {
        if !matches!(raw.get(range.clone()), None | Some(b"" | b"-")) {
            self.fields.push_raw(name, range);
        }
    }

    /// Takes a named value: finds out what it means and keeps it. `name` is lower case.
    pub fn assign(&mut self, raw: &[u8], name: &str, range: Range<usize>) {
        let bytes = raw.get(range.clone()).unwrap_or_default();
        match role(name) {
            Some(Role::Time(rank)) => self.assign_time(raw, name, rank, range),
            Some(Role::Level) => self.assign_level(name, bytes, Ok(range)),
            Some(Role::Message) if !self.has_message => self.message(range),
            Some(Role::Rename(common)) => self.fields.push_raw(common, range),
            Some(Role::Also(common, bit)) => {
                if self.taken & bit == 0 && suits(common, bytes) {
                    self.taken |= bit;
                    self.fields.push_raw(common, range.clone());
                }
                self.fields.push_named_raw(name, range);
            }
            _ => self.fields.push_named_raw(name, range),
        }
    }

    /// The same for a value that does not stand in the record as it is.
    pub fn assign_derived(&mut self, name: &str, bytes: &[u8]) {
        match role(name) {
            Some(Role::Time(_)) if self.stamp.is_none() => match value(bytes) {
                Some(stamp) => self.stamp = Some(stamp),
                None => self.fields.push_named_derived(name, bytes),
            },
            Some(Role::Level) => self.assign_level(name, bytes, Err(())),
            Some(Role::Message) if !self.has_message => {
                self.has_message = true;
                let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                self.fields.push_derived("message", line);
            }
            Some(Role::Rename(common)) => self.fields.push_derived(common, bytes),
            Some(Role::Also(common, bit)) => {
                if self.taken & bit == 0 && suits(common, bytes) {
                    self.taken |= bit;
                    self.fields.push_derived(common, bytes);
                }
                self.fields.push_named_derived(name, bytes);
            }
            _ => self.fields.push_named_derived(name, bytes),
        }
    }

    /// A time key: a moment with its zone beats one without, then the better key does; the loser stays a field.
    fn assign_time(&mut self, raw: &[u8], name: &str, rank: u8, range: Range<usize>) {
        let Some(stamp) = raw.get(range.clone()).and_then(value) else {
            self.fields.push_named_raw(if name == "time" { "time_raw" } else { name }, range);
            return;
        };
        let exact = matches!(stamp.when, When::Exact(_));
        if let Some((held_rank, held, held_exact)) = self.time_from.take() {
            if (held_exact, usize::MAX - held_rank) >= (exact, usize::MAX - usize::from(rank)) {
                self.time_from = Some((held_rank, held, held_exact));
                self.fields.push_named_raw(name, range);
                return;
            }
            self.fields.push_named_raw(&self.time_name, held);
        }
        self.stamp = Some(stamp);
        self.time_from = Some((usize::from(rank), range, exact));
        self.time_name.clear();
        self.time_name.push_str(name);
    }

    /// A level key: a word, or a number of bunyan's and pino's scale; `place` is its range, or nothing where it is derived.
    fn assign_level(&mut self, name: &str, bytes: &[u8], place: Result<Range<usize>, ()>) {
        let level = Level::from_word(bytes).or_else(|| number(bytes).and_then(|code| numbered(name, code)));
        let first = self.level.is_none();
        if first {
            self.level = level;
        }
        match (place, first && (level.is_some() || matches!(name, "level" | "severity"))) {
            (Ok(range), true) => self.fields.push_raw("level_raw", range),
            (Ok(range), false) => self.fields.push_named_raw(other(name), range),
            (Err(()), true) => self.fields.push_derived("level_raw", bytes),
            (Err(()), false) => self.fields.push_named_derived(other(name), bytes),
        }
    }
}

/// A level given as a number: on syslog's scale under syslog's keys, on Windows' under its key, else on bunyan's and pino's.
fn numbered(name: &str, code: u64) -> Option<Level> {
    match (name, code) {
        ("priority" | "syslog.severity.code" | "log.syslog.severity.code", 0..=7) => {
            Level::from_syslog(u8::try_from(code).ok()?)
        }
        ("event.system.level", 1) => Some(Level::Critical),
        ("event.system.level", 2) => Some(Level::Error),
        ("event.system.level", 3) => Some(Level::Warn),
        ("event.system.level", 0 | 4) => Some(Level::Info),
        ("event.system.level", 5) => Some(Level::Trace),
        (_, 10..=19) => Some(Level::Trace),
        (_, 20..=29) => Some(Level::Debug),
        (_, 30..=39) => Some(Level::Info),
        (_, 40..=49) => Some(Level::Warn),
        (_, 50..=59) => Some(Level::Error),
        (_, 60) => Some(Level::Critical),
        _ => None,
    }
}

/// A second level key must not be called like the column.
fn other(name: &str) -> &str {
    if name == "level" || name == "severity" { "level_raw" } else { name }
}

/// Whether a value is what the common name promises: an address for `source_ip`, a number for `bytes` and `pid`.
fn suits(common: &str, bytes: &[u8]) -> bool {
    match common {
        "source_ip" => super::address::is_address(bytes) && !matches!(bytes, b"0.0.0.0" | b"::"),
        "event_type" => bytes.len() != 36 && !bytes.is_empty(),
        "bytes" | "pid" => number(bytes).is_some(),
        _ => !matches!(bytes, b"" | b"-" | b"--" | b"null"),
    }
}
