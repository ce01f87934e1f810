//! One record as later stages see it.

use super::{FieldSet, Fields, Layout, Level, Origin, RecordId, TimeQuality, Timestamp, Verdict};

/// A record with what was understood of it; everything is borrowed.
#[derive(Debug, Clone, Copy)]
pub struct RecordView<'a> {
    /// Its number in the archive.
    pub id: RecordId,
    /// Where its bytes come from.
    pub origin: Origin,
    /// Name of its input, as the user gave it or as the container names the member.
    pub source: &'a str,
    /// Its bytes, terminators included.
    pub raw: &'a [u8],
    /// Its time in UTC.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub time_quality: TimeQuality,
    /// Its normalised level.
    pub level: Option<Level>,
    /// Its fields; without `time` and `level`, which stand above.
    pub fields: Fields<'a>,
    /// Its message with variable parts masked, such as `Failed password for root from <ip> port <n> ssh2`.
    pub template: &'a str,
    /// How odd it is, 0 to 1.
    pub score: f32,
    /// Learned surprise alone, 0 to 1.
    pub novelty: f32,
    /// Ids of the rules that fired on it.
    pub rules: &'a [String],
    /// What detection said of it beyond the numbers; present where the record is flagged.
    pub verdict: Option<&'a Verdict>,
    /// The incident it belongs to, by the number of its first record; known where the question asks for incidents.
    pub incident: Option<u64>,
}

impl<'a> RecordView<'a> {
    /// The bytes without the terminator of the last line (`\n` or `\r\n`).
    pub fn line(&self) -> &'a [u8] {
        let line = self.raw.strip_suffix(b"\n").unwrap_or(self.raw);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

/// Cuts archived bytes into fields again; implemented by the parsers, called by whoever holds archived records.
pub trait Interpret: Send + Sync {
    /// Fills `fields` (cleared first) from `raw` by the rules of `layout`. Never fails: an unknown format gives no fields.
    fn interpret(&self, layout: &Layout, raw: &[u8], fields: &mut FieldSet);

    /// Names the way in which records are cut: another number wherever a record may be cut into other fields than before.
    fn revision(&self) -> u64;
}
