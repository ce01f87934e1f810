//! A row group: up to some thousand consecutive records as columns, each compressed and checksummed by itself.
//!
//! The lines are one column, kept apart from time, level, score, template and layout, so that a question about those never
//! unpacks a line. Encoding needs no state but the group's own records and can run on any thread.

mod build;
mod derived;
mod read;

use serde::{Deserialize, Serialize};

pub use self::build::{EncodedGroup, GroupBuilder};
pub use self::read::{GroupColumns, GroupLines, SectionError, decode_columns, decode_lines};
use crate::model::{InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

/// Raw bytes of all records, one after the other.
const LINES: u8 = 1;
/// Length of each record in bytes; absent where the lines tell it (templates and columns).
const LENGTHS: u8 = 2;
/// Time of each record in ns since the epoch ([`derived`]); a record without a time repeats the one before.
const TIMES: u8 = 3;
/// One byte a record: quality of its time, and its level plus one in the high half (0: none).
const MARKS: u8 = 4;
/// Score of each record in steps.
const SCORES: u8 = 5;
/// Score minus novelty of each record in steps: nothing for most.
const NOVELTIES: u8 = 6;
/// Template of each record: its position in the list of templates ([`derived`]).
const TEMPLATE_IDS: u8 = 7;
/// The templates of the group in order of appearance, a JSON string a line.
const TEMPLATES: u8 = 8;
/// Layout of each record: its position in the list of layouts.
const LAYOUT_IDS: u8 = 9;
/// The layouts of the group in order of appearance, as a JSON list.
const LAYOUTS: u8 = 10;
/// Verdicts of flagged records, JSON `[row, verdict]` a line.
const VERDICTS: u8 = 11;
/// Rules that fired on each record: position in the list of rule sets.
const RULE_IDS: u8 = 12;
/// The distinct sets of rules in order of appearance, as a JSON list of lists.
const RULES: u8 = 13;

/// The section is stored as it is.
const STORED: u8 = 0;
/// The section is one zstd frame.
const ZSTD: u8 = 1;
/// The section is so many lines as templates and columns ([`lines`]).
const COLUMNAR: u8 = 2;

/// Scores are kept in this many steps: a finer one is noise that costs more than the lines (flagged records have theirs whole).
pub const SCORE_STEPS: f32 = 100.0;

/// A record on its way into the archive.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    /// Where its bytes come from. Records of one input follow one another without a gap unless bytes were skipped.
    pub origin: Origin,
    /// Its bytes, terminators included.
    pub raw: &'a [u8],
    /// Its time.
    pub time: Option<Timestamp>,
    /// How the time was obtained.
    pub time_quality: TimeQuality,
    /// Its level.
    pub level: Option<Level>,
    /// How its fields are cut.
    pub layout: &'a Layout,
    /// Hash of its template's text; equal for equal texts.
    pub template_hash: u64,
    /// Its template.
    pub template: &'a str,
    /// Score and novelty, 0 to 1.
    pub score: f32,
    /// Learned surprise alone.
    pub novelty: f32,
    /// What detection said, where it is flagged or a rule fired.
    pub verdict: Option<&'a Verdict>,
}

/// Rows of one input that follow one another without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// First row of the run in the group.
    pub row: u32,
    /// The input.
    pub input: InputId,
    /// Offset of that row's first byte in the input.
    pub offset: u64,
}

/// Where a section lies and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Section {
    kind: u8,
    codec: u8,
    /// Offset from the group's first byte.
    at: u64,
    /// Stored bytes.
    len: u64,
    /// Bytes once unpacked.
    raw: u64,
    /// Lines of a section that is kept in columns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    rows: Option<u32>,
    /// XXH3-64 of the stored bytes, hexadecimal.
    sum: String,
}

/// What is known of a group without reading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupStats {
    /// Number of records.
    pub rows: u32,
    /// Raw bytes of the records.
    pub raw_bytes: u64,
    /// Earliest time, ns since the epoch; absent where no record has a time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_time: Option<i64>,
    /// Latest time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_time: Option<i64>,
    /// Records without a time.
    pub untimed: u32,
    /// Bit n is set where a record has level n; bit 9 where one has none.
    pub levels: u16,
    /// Bit n is set where a record has time quality n.
    pub qualities: u8,
    /// Highest score in steps of [`SCORE_STEPS`].
    pub top_score: u8,
    /// Highest novelty in steps.
    pub top_novelty: u8,
    /// Flagged records.
    pub flagged: u32,
    /// Which rows come from where.
    pub runs: Vec<Run>,
    sections: Vec<Section>,
}

impl GroupStats {
    /// Stored bytes of the group, or `None` where the directory adds up to more than can be.
    pub fn stored_bytes(&self) -> Option<u64> {
        self.sections.iter().try_fold(0u64, |sum, section| sum.checked_add(section.len))
    }

    fn section(&self, kind: u8) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }
}

#[cfg(test)]
mod tests;
