//! Templates: the constant text of records with places for variables, found by hash and proven by comparison.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::tokens::{Cutter, Piece, Words};
use super::{DecodeError, Span, pack::Meta, slice};
use crate::archive::column::write_varint;

/// Constant text with places for variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    /// The constant texts, one after the other: one more than there are variables.
    pub text: Vec<u8>,
    /// Where each constant text ends in `text`.
    pub ends: Vec<u32>,
    /// The column each variable is in.
    pub columns: Vec<u32>,
}

/// No group needs more; beyond, records are kept whole.
pub const MOST_TEMPLATES: usize = 4_096;
/// Variables of a template as read: an honest one has no more.
pub const MOST_READ_VARIABLES: usize = 1_024;

/// Columns do not pay where the first so many records have more templates than this.
const PROBE: usize = 512;
const PROBE_TEMPLATES: usize = 360;

/// A template of fewer records costs more than it saves.
const LEAST_ROWS: u32 = 4;

/// Stands for a variable in the stored text.
pub const VARIABLE: u8 = 0;
/// The next byte stands for itself.
pub const ESCAPE: u8 = 1;
/// The template is over.
pub const END: u8 = 2;

/// Marks a record that has no template.
pub const WHOLE: u32 = u32::MAX;

/// Writes templates: their text, then the columns (0 for one not met before).
pub fn write_templates(meta: &mut Vec<u8>, templates: &[Template]) {
    write_varint(meta, templates.len() as u64);
    for template in templates {
        let mut start = 0usize;
        for (index, end) in template.ends.iter().enumerate() {
            if index > 0 {
                meta.push(VARIABLE);
            }
            for byte in template.text.get(start..*end as usize).unwrap_or_default() {
                if *byte <= END {
                    meta.push(ESCAPE);
                }
                meta.push(*byte);
            }
            start = *end as usize;
        }
        meta.push(END);
    }
    let mut next = 0;
    for column in templates.iter().flat_map(|template| &template.columns) {
        if *column == next {
            write_varint(meta, 0);
            next += 1;
        } else {
            write_varint(meta, u64::from(*column) + 1);
        }
    }
}

/// Reads what [`write_templates`] wrote, and the number of columns.
pub fn read_templates(meta: &mut Meta<'_>) -> Result<(Vec<Template>, usize), DecodeError> {
    let count = meta.size()?;
    if count > 2 * MOST_TEMPLATES {
        return Err(DecodeError("too many templates"));
    }
    let mut templates = Vec::with_capacity(count);
    // Filled anew for each, so that none grows step by step.
    let (mut text, mut ends): (Vec<u8>, Vec<u32>) = (Vec::new(), Vec::new());
    for _ in 0..count {
        loop {
            text.extend_from_slice(meta.above(END));
            match meta.byte()? {
                VARIABLE => ends.push(text.len() as u32),
                ESCAPE => text.push(meta.byte()?),
                _ => break,
            }
        }
        if ends.len() > MOST_READ_VARIABLES {
            return Err(DecodeError("too many variables in a template"));
        }
        ends.push(text.len() as u32);
        let columns = Vec::with_capacity(ends.len() - 1);
        templates.push(Template { text: text.clone(), ends: ends.clone(), columns });
        text.clear();
        ends.clear();
    }
    let mut next = 0u32;
    for template in &mut templates {
        for _ in 1..template.ends.len() {
            let column = match meta.number()? {
                0 => {
                    next += 1;
                    next - 1
                }
                known if known <= u64::from(next) => known as u32 - 1,
                _ => return Err(DecodeError("a template names a column that is not there")),
            };
            template.columns.push(column);
        }
    }
    Ok((templates, next as usize))
}

/// The records of a group by template.
#[derive(Debug, Default)]
pub struct Grouping {
    /// Template of each record, or [`WHOLE`].
    pub template_of: Vec<u32>,
    /// First piece of each record in `pieces`.
    pub first_piece: Vec<u32>,
    /// The pieces of all records.
    pub pieces: Vec<Piece>,
    /// The templates; their columns are not yet given.
    pub templates: Vec<Template>,
    /// The format of each variable of each template: 0 or that of a time stamp.
    pub stamps: Vec<Vec<u8>>,
    found: HashTable<(u64, u32)>,
}

impl Grouping {
    /// Cuts all records; those whose template is rare are cut again with fewer constant words, then kept whole. `None` where
    /// nearly each of the first records has a template of its own, as in random bytes.
    pub fn of(raw: &[u8], records: &[Span], words: &Words, quoted: bool) -> Option<Grouping> {
        let mut grouping = Grouping {
            template_of: vec![WHOLE; records.len()],
            first_piece: vec![0; records.len()],
            ..Grouping::default()
        };
        let mut scratch = Vec::new();
        let usual = Cutter { words, strict: false, quoted };
        for row in 0..records.len() {
            grouping.take(raw, records, row, usual, &mut scratch);
            if row + 1 == PROBE && grouping.templates.len() > PROBE_TEMPLATES {
                return None;
            }
        }
        let rare = grouping.rare(LEAST_ROWS);
        let strict = Cutter { strict: true, ..usual };
        for row in rare {
            grouping.take(raw, records, row, strict, &mut scratch);
        }
        for row in grouping.rare(LEAST_ROWS) {
            if let Some(template) = grouping.template_of.get_mut(row) {
                *template = WHOLE;
            }
        }
        Some(grouping)
    }

    /// Rows whose template has fewer than `least`.
    fn rare(&self, least: u32) -> Vec<usize> {
        let mut counts = vec![0u32; self.templates.len()];
        for template in &self.template_of {
            if let Some(count) = counts.get_mut(*template as usize) {
                *count += 1;
            }
        }
        let is_rare = |template: &u32| counts.get(*template as usize).is_none_or(|count| *count < least);
        self.template_of.iter().enumerate().filter(|(_, template)| is_rare(template)).map(|(row, _)| row).collect()
    }

    fn take(&mut self, raw: &[u8], records: &[Span], row: usize, cutter: Cutter<'_>, scratch: &mut Vec<Piece>) {
        let Some(record) = records.get(row) else { return };
        let template = if cutter.cut(raw, *record, scratch) { self.template(raw, *record, scratch) } else { WHOLE };
        if let (Some(of), Some(first)) = (self.template_of.get_mut(row), self.first_piece.get_mut(row)) {
            *of = template;
            *first = self.pieces.len() as u32;
        }
        if template != WHOLE {
            self.pieces.extend_from_slice(scratch);
        }
    }

    /// The template of a record that was cut into `pieces`.
    fn template(&mut self, raw: &[u8], record: Span, pieces: &[Piece]) -> u32 {
        let mut hash = pieces.len() as u64;
        let mut at = record.start;
        for piece in pieces {
            hash = chain(hash, constant(raw, at, piece.span.start), piece.stamp);
            at = piece.span.start + piece.span.len;
        }
        let tail = constant(raw, at, record.start + record.len);
        hash = chain(hash, tail, u8::MAX);
        let (templates, stamps) = (&self.templates, &self.stamps);
        let same = |index: u32| {
            let (Some(template), Some(stamps)) = (templates.get(index as usize), stamps.get(index as usize)) else {
                return false;
            };
            is_cut_so(template, stamps, raw, record, pieces)
        };
        if let Some((_, index)) = self.found.find(hash, |(known, index)| *known == hash && same(*index)) {
            return *index;
        }
        if self.templates.len() >= MOST_TEMPLATES {
            return WHOLE;
        }
        let index = self.templates.len() as u32;
        let mut template = Template::default();
        let mut at = record.start;
        for piece in pieces {
            template.text.extend_from_slice(constant(raw, at, piece.span.start));
            template.ends.push(template.text.len() as u32);
            at = piece.span.start + piece.span.len;
        }
        template.text.extend_from_slice(tail);
        template.ends.push(template.text.len() as u32);
        self.templates.push(template);
        self.stamps.push(pieces.iter().map(|piece| piece.stamp).collect());
        self.found.insert_unique(hash, (hash, index), |(hash, _)| *hash);
        index
    }
}

fn is_cut_so(template: &Template, stamps: &[u8], raw: &[u8], record: Span, pieces: &[Piece]) -> bool {
    if stamps.len() != pieces.len() {
        return false;
    }
    let (mut at, mut start) = (record.start, 0u32);
    for ((piece, stamp), end) in pieces.iter().zip(stamps).zip(&template.ends) {
        let text = template.text.get(start as usize..*end as usize);
        if piece.stamp != *stamp || text != Some(constant(raw, at, piece.span.start)) {
            return false;
        }
        at = piece.span.start + piece.span.len;
        start = *end;
    }
    template.text.get(start as usize..) == Some(constant(raw, at, record.start + record.len))
}

fn constant(raw: &[u8], start: u32, end: u32) -> &[u8] {
    slice(raw, Span { start, len: end.saturating_sub(start) })
}

/// Adds constant text and the mark of what follows it to a hash.
pub fn chain(hash: u64, text: &[u8], mark: u8) -> u64 {
    xxh3_64_with_seed(text, hash.rotate_left(7) ^ u64::from(mark).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
