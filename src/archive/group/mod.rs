//! Stripes of row groups: some thousand consecutive records as columns, each compressed and checksummed by itself.
//!
//! A row group (up to 8,192 records) is what is read at once. Up to eight consecutive ones are a stripe: they are encoded
//! together and share what repeats, templates and dictionaries above all. The lines are one column, kept apart from time, level,
//! score, template and layout, so that a question about those never unpacks a line. Encoding needs no state but the records of
//! the stripe and can run on any thread.

mod build;
mod columns;
mod derived;
mod edits;
mod few;
mod read;
mod section;
mod told;

use serde::{Deserialize, Serialize};

pub use self::build::{EncodedStripe, StripeBuilder};
pub use self::columns::{GroupColumns, GroupLines, Needs};
pub use self::read::{GroupReader, OpenStripe};
use self::section::Section;
pub use self::section::SectionError;
use crate::model::{Fields, InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

/// Of a group: raw bytes of all records, one after the other, or its chunk of the stripe's lines.
const LINES: u8 = 1;
/// Of a group: length of each record in bytes; absent where the lines tell it (templates and columns).
const LENGTHS: u8 = 2;
/// Of a group: time of each record in ns since the epoch ([`derived`]); a record without a time repeats the one before.
const TIMES: u8 = 3;
/// Of a group: one byte a record: quality of its time (3 bits), whether it is flagged (1), its level plus one (4; 0: none).
const MARKS: u8 = 4;
/// Of a group: score of each record in steps.
const SCORES: u8 = 5;
/// Of a group: score minus novelty of each record in steps: nothing for most.
const NOVELTIES: u8 = 6;
/// Of a group: template of each record: its position in the list of templates ([`derived`]).
const TEMPLATE_IDS: u8 = 7;
/// Of a stripe: the templates in order of appearance, a JSON string a line.
const TEMPLATES: u8 = 8;
/// Of a group: layout of each record: its position in the list of layouts.
const LAYOUT_IDS: u8 = 9;
/// Of a stripe: the layouts in order of appearance, a JSON object a line.
const LAYOUTS: u8 = 10;
/// Of a stripe: verdicts of flagged records, JSON `[row in the stripe, verdict]` a line.
const VERDICTS: u8 = 11;
/// Of a group: rules that fired on each record: position in the list of rule sets.
const RULE_IDS: u8 = 12;
/// Of a stripe: the distinct sets of rules in order of appearance, a JSON list a line.
const RULES: u8 = 13;
/// Of a stripe: what the lines of its groups share.
const SHARED_LINES: u8 = 14;
/// Of a stripe: the usual template of records that were cut alike ([`derived`]).
const USUAL_TEMPLATES: u8 = 15;

/// Of a group whose lines are in columns: offset in the lines of each [`STARTS_STEP`]th record, so that one record and its place are
/// read without the rest.
const STARTS: u8 = 16;
const STARTS_STEP: usize = 128;

/// Of a stripe whose lines are in columns: in which pieces of the lines the fields stand ([`FieldMap`](super::fields::FieldMap)); absent
/// where that is not known.
const FIELDS: u8 = 17;

/// The bit of a mark that says flagged.
const FLAGGED: u8 = 1 << 3;

/// Scores are kept in this many steps: a finer one is noise that costs more than the lines (flagged records have theirs to 1/10,000).
pub const SCORE_STEPS: f32 = 50.0;

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
    /// Its fields, exactly as they are cut from its bytes by its layout; absent where nobody cut them.
    pub fields: Option<Fields<'a>>,
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

/// What is known of a stripe without reading it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripeStats {
    /// Its groups in record order.
    pub groups: Vec<GroupStats>,
    sections: Vec<Section>,
}

/// A stripe as the directory of its segment has it: the same, and where it lies.
#[derive(Debug, Deserialize)]
pub struct PlacedStripe {
    /// Offset of its first byte in the file.
    pub at: u64,
    groups: Vec<GroupStats>,
    sections: Vec<Section>,
}

impl From<PlacedStripe> for StripeStats {
    fn from(PlacedStripe { groups, sections, .. }: PlacedStripe) -> StripeStats {
        StripeStats { groups, sections }
    }
}

impl StripeStats {
    /// Stored bytes of what its groups share.
    pub fn shared_bytes(&self) -> u64 {
        self.sections.iter().fold(0, |sum, section| sum.saturating_add(section.len))
    }

    /// Stored bytes, or `None` where the directory adds up to more than can be.
    pub fn stored_bytes(&self) -> Option<u64> {
        let of_groups = self.groups.iter().flat_map(|group| &group.sections);
        self.sections.iter().chain(of_groups).try_fold(0u64, |sum, section| sum.checked_add(section.len))
    }

    /// Number of records.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.rows)).sum()
    }

    /// Raw bytes of the records, or `None` where the directory adds up to more than can be.
    pub fn raw_bytes(&self) -> Option<u64> {
        self.groups.iter().try_fold(0u64, |sum, group| sum.checked_add(group.raw_bytes))
    }
}

#[cfg(test)]
mod tests;
