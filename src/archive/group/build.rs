//! Records -> the encoded sections of a stripe of row groups.

use hashbrown::HashMap;

use super::section::{Related, SectionWriter};
use super::told::Told;
use super::{
    FIELDS, FLAGGED, GroupStats, LAYOUT_IDS, LAYOUTS, LENGTHS, LINES, MARKS, NOVELTIES, NewRecord, RULE_IDS, RULES,
    Run, SCORE_STEPS, SCORES, SHARED_LINES, STARTS, STARTS_STEP, StripeStats, TEMPLATE_IDS, TEMPLATES, TIMES,
    USUAL_TEMPLATES, VERDICTS, derived, edits,
};
use crate::archive::column;
use crate::archive::fields::{self, FieldMap, Noted, Pieces};
use crate::archive::frame::pack;
use crate::archive::lines::{self, EncodedLines, Outline, Outlined, Stripe};
use crate::model::{InputId, Layout, TimeQuality};

/// A stripe ready to be written.
#[derive(Debug)]
pub struct EncodedStripe {
    /// Its sections, one after the other.
    pub bytes: Vec<u8>,
    /// What is known of it.
    pub stats: StripeStats,
}

/// Scores below are those of ordinary records: nobody asks how ordinary to the last digit.
const ORDINARY: f32 = 0.5;

/// From this level of zstd on, templates may be told from the first records that have them, which must be read before them.
const EDITS_LEVEL: i32 = 19;

/// Collects the records of one stripe.
#[derive(Debug, Default)]
pub struct StripeBuilder {
    /// Raw bytes and lengths of the records of all groups.
    lines: Vec<u8>,
    lengths: Vec<u32>,
    closed: Vec<Group>,
    group: Group,
    template_of: HashMap<u64, i64>,
    templates: Vec<String>,
    /// The first row that has each template.
    first_rows: Vec<usize>,
    layouts: Vec<Layout>,
    verdicts: Vec<Told>,
    rules: Vec<Vec<String>>,
    /// Where the fields of all records stand, and how they were cut, if somebody says.
    noted: Noted,
    revision: Option<u64>,
}

/// The columns of one group.
#[derive(Debug, Default)]
struct Group {
    raw_bytes: u64,
    times: Vec<i64>,
    marks: Vec<u8>,
    scores: Vec<i64>,
    novelties: Vec<i64>,
    template_ids: Vec<i64>,
    layout_ids: Vec<i64>,
    rule_ids: Vec<i64>,
    runs: Vec<Run>,
    next: Option<(InputId, u64)>,
    first_time: Option<i64>,
    last_time: Option<i64>,
    untimed: u32,
    levels: u16,
    qualities: u8,
    flagged: u32,
}

impl StripeBuilder {
    /// One whose records come with their fields, cut in the way of that [revision](crate::model::Interpret::revision).
    pub fn with_fields(revision: u64) -> StripeBuilder {
        StripeBuilder { revision: Some(revision), ..StripeBuilder::default() }
    }

    /// Makes room for so many records and raw bytes: a buffer that grows leaves holes of its sizes behind in the heap.
    pub fn reserve(&mut self, rows: usize, bytes: usize) {
        self.lines.reserve_exact(bytes);
        self.lengths.reserve_exact(rows);
        self.noted.reserve(rows);
    }

    /// Names of the fields of all records so far.
    pub fn field_names(&self) -> &[String] {
        self.noted.names()
    }

    /// Records of the open group.
    pub fn group_rows(&self) -> usize {
        self.group.marks.len()
    }

    /// Raw bytes of the open group.
    pub fn group_bytes(&self) -> u64 {
        self.group.raw_bytes
    }

    /// Records so far.
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// The next record begins another group. A group without records is none.
    pub fn close_group(&mut self) {
        if self.group_rows() > 0 {
            self.closed.push(std::mem::take(&mut self.group));
        }
    }

    /// Takes up one record.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        let (templates, first_rows, row) = (&mut self.templates, &mut self.first_rows, self.lengths.len());
        let template = *self.template_of.entry(record.template_hash).or_insert_with(|| {
            templates.push(record.template.to_owned());
            first_rows.push(row);
            templates.len() as i64 - 1
        });
        self.group.template_ids.push(template);
        self.group.layout_ids.push(place_of(&mut self.layouts, record.layout));
        let rules = record.verdict.map_or(&[][..], |verdict| &verdict.rules);
        self.group.rule_ids.push(place_of(&mut self.rules, rules));
        if let Some(verdict) = record.verdict.filter(|verdict| verdict.flagged) {
            self.verdicts.push(Told::of(self.lengths.len() as u32, verdict));
        }
        self.noted.push(record.raw, record.fields);
        self.lines.extend_from_slice(record.raw);
        self.lengths.push(u32::try_from(record.raw.len()).unwrap_or(u32::MAX));
        self.group.push(record);
    }

    /// Compresses the columns at a zstd level (1 to 19).
    pub fn encode(mut self, level: i32) -> std::io::Result<EncodedStripe> {
        self.close_group();
        let mut writer = SectionWriter::default();
        let mut row = 0;
        let mut cut = |group: &Group| {
            row += group.marks.len();
            row
        };
        let cuts: Vec<usize> = self.closed.iter().map(&mut cut).collect();
        let mut pieces = Pieces::default();
        let noting = self.revision.is_some().then_some(&mut pieces);
        let encoded = lines::encode_noting(&self.lines, &self.lengths, &cuts, level, noting)?;
        let (mut outlines, mut constants) = (Vec::new(), None);
        if let Some(encoded) = &encoded {
            let opened = Stripe::open(&encoded.shared, self.lines.len() as u64).map_err(std::io::Error::other)?;
            outlines = self.outlines(encoded, &opened)?;
            constants = Some(opened.constants()).filter(|constants| !constants.is_empty());
        }
        if let Some(encoded) = &encoded {
            writer.add_columnar(SHARED_LINES, &encoded.shared, self.lines.len() as u64);
            if let Some(map) = self.field_map(&pieces, level) {
                writer.add(FIELDS, &map.encode(), level)?;
            }
        }
        drop((pieces, std::mem::take(&mut self.noted)));
        let ids = self.template_ids(&outlines, &mut writer, level)?;
        let edits = (level >= EDITS_LEVEL && encoded.is_some()).then(|| self.template_edits()).flatten();
        writer.add_texts(TEMPLATES, &self.templates, Related { constants: constants.as_deref(), edits }, level)?;
        writer.add_texts(LAYOUTS, &self.layouts, Related::default(), level)?;
        writer.add_texts(RULES, &self.rules, Related::default(), level)?;
        if !self.verdicts.is_empty() {
            writer.add_texts(VERDICTS, &self.verdicts, Related::default(), level)?;
        }
        let sections = writer.take();
        let mut groups = Vec::with_capacity(self.closed.len());
        let (mut first, mut start) = (0, 0);
        for (number, group) in self.closed.into_iter().enumerate() {
            let (rows, bytes) = (group.marks.len(), group.raw_bytes as usize);
            let lengths = self.lengths.get(first..first + rows).unwrap_or_default();
            match encoded.as_ref().and_then(|encoded| encoded.chunks.get(number)) {
                Some(chunk) => {
                    writer.add_columnar(LINES, chunk, group.raw_bytes);
                    writer.add(STARTS, &column::encode(&starts(lengths)), level)?;
                }
                None => {
                    writer.add(LINES, self.lines.get(start..start + bytes).unwrap_or_default(), level)?;
                    let lengths: Vec<i64> = lengths.iter().map(|length| i64::from(*length)).collect();
                    writer.add(LENGTHS, &column::encode(&lengths), level)?;
                }
            }
            let ids = ids.get(number).map_or(&[][..], Vec::as_slice);
            groups.push(group.encode(&mut writer, outlines.get(number), ids, level)?);
            (first, start) = (first + rows, start + bytes);
        }
        Ok(EncodedStripe { bytes: writer.bytes, stats: StripeStats { groups, sections } })
    }

    /// In which pieces the fields stand; `None` where nothing can be said of them.
    fn field_map(&self, pieces: &Pieces, level: i32) -> Option<FieldMap> {
        let revision = self.revision?;
        let ids = self.closed.iter().flat_map(|group| &group.layout_ids);
        let layouts: Vec<u32> = ids.map(|id| u32::try_from(*id).unwrap_or(u32::MAX)).collect();
        let least = if level >= EDITS_LEVEL { fields::LEAST_SMALL } else { fields::LEAST };
        let map = fields::learn(&self.noted, revision, &layouts, &self.lines, &self.lengths, pieces, least);
        (!map.cuts.is_empty()).then_some(map)
    }

    /// What can be told from the lines of each group; these were decoded as a whole when they were encoded.
    fn outlines(&self, encoded: &EncodedLines, stripe: &Stripe) -> std::io::Result<Vec<Outline>> {
        let mut outlines = Vec::with_capacity(self.closed.len());
        for (group, chunk) in self.closed.iter().zip(&encoded.chunks) {
            let outline = stripe.outline(chunk, group.marks.len() as u32, group.raw_bytes, Outlined::ALL);
            outlines.push(outline.map_err(std::io::Error::other)?);
        }
        Ok(outlines)
    }
}

impl StripeBuilder {
    /// How each template follows from the first record that has it.
    fn template_edits(&self) -> Option<Vec<u8>> {
        let mut firsts = self.first_rows.iter().peekable();
        let (mut start, mut records) = (0usize, Vec::with_capacity(self.templates.len()));
        for (row, length) in self.lengths.iter().enumerate() {
            let end = start.checked_add(*length as usize)?;
            if firsts.next_if_eq(&&row).is_some() {
                records.push(self.lines.get(start..end)?);
            }
            start = end;
        }
        edits::encode(&self.templates, &records)
    }

    /// The template ids of each group: as they are, or, where that is smaller, with the usual ones told once for the stripe.
    fn template_ids(
        &self,
        outlines: &[Outline],
        writer: &mut SectionWriter,
        level: i32,
    ) -> std::io::Result<Vec<Vec<u8>>> {
        let plain: Vec<Vec<u8>> =
            self.closed.iter().map(|group| derived::plain_template_ids(&group.template_ids)).collect();
        if outlines.is_empty() {
            return Ok(plain);
        }
        let cut_and_ids =
            || outlines.iter().zip(&self.closed).map(|(outline, group)| (outline, &group.template_ids[..]));
        let usual = derived::usual_templates(cut_and_ids());
        let unusual: Vec<Vec<u8>> =
            cut_and_ids().map(|(outline, ids)| derived::unusual_template_ids(ids, outline, &usual)).collect();
        let mut next = 0;
        let new = |(outline, ids)| derived::new_template_ids(ids, outline, &usual, &mut next);
        let new: Vec<Vec<u8>> = cut_and_ids().map(new).collect();
        let usual = column::encode(&usual);
        let size = |forms: &[Vec<u8>]| -> std::io::Result<usize> {
            forms.iter().try_fold(0, |sum, form| Ok(sum + pack(form, level)?.len()))
        };
        let least = size(&unusual)?.min(size(&new)?);
        if least + usual.len() >= size(&plain)? {
            return Ok(plain);
        }
        writer.add(USUAL_TEMPLATES, &usual, level)?;
        Ok(if size(&unusual)? == least { unusual } else { new })
    }
}

/// The place of a value in a list; a new value is added. The last are asked first: they are met again most.
fn place_of<T, Q>(list: &mut Vec<T>, value: &Q) -> i64
where
    T: std::borrow::Borrow<Q>,
    Q: ToOwned<Owned = T> + PartialEq + ?Sized,
{
    let place = list.iter().rposition(|known| known.borrow() == value);
    place.unwrap_or_else(|| {
        list.push(value.to_owned());
        list.len() - 1
    }) as i64
}

impl Group {
    fn push(&mut self, record: &NewRecord<'_>) {
        if self.next != Some((record.origin.input, record.origin.offset)) {
            let row = self.marks.len() as u32;
            self.runs.push(Run { row, input: record.origin.input, offset: record.origin.offset });
        }
        self.next = Some((record.origin.input, record.origin.offset.saturating_add(record.raw.len() as u64)));
        self.raw_bytes += record.raw.len() as u64;
        match record.time {
            Some(time) => {
                self.first_time = Some(self.first_time.map_or(time.0, |first| first.min(time.0)));
                self.last_time = Some(self.last_time.map_or(time.0, |last| last.max(time.0)));
                self.times.push(time.0);
            }
            None => {
                self.untimed += 1;
                self.times.push(self.times.last().copied().unwrap_or(0));
            }
        }
        // A record without a time has no quality but `Missing`, whatever the caller says: readers rely on it.
        let quality = if record.time.is_some() { record.time_quality } else { TimeQuality::Missing };
        self.qualities |= 1 << quality.code();
        self.levels |= record.level.map_or(1 << 9, |level| 1 << level.code());
        let is_flagged = record.verdict.is_some_and(|verdict| verdict.flagged);
        self.flagged += u32::from(is_flagged);
        let flag = if is_flagged { FLAGGED } else { 0 };
        self.marks.push(quality.code() | flag | record.level.map_or(0, |level| level.code() + 1) << 4);
        // Those of flagged records are told by their verdicts; a value like the one before costs nothing.
        let (score, novelty) = match (is_flagged, self.scores.last(), self.novelties.last()) {
            (true, Some(score), Some(novelty)) => (*score, *novelty),
            _ => (to_steps(record.score), to_steps(record.novelty)),
        };
        self.scores.push(score);
        self.novelties.push(novelty);
    }

    fn encode(
        self,
        writer: &mut SectionWriter,
        outline: Option<&Outline>,
        template_ids: &[u8],
        level: i32,
    ) -> std::io::Result<GroupStats> {
        writer.add_smallest(TIMES, &derived::times(&self.times, outline), level)?;
        writer.add(MARKS, &self.marks, level)?;
        let known: Vec<i64> = self.scores.iter().zip(&self.novelties).map(|(score, novelty)| score - novelty).collect();
        writer.add_smallest(SCORES, &derived::by_cut(&self.scores, outline), level)?;
        writer.add_smallest(NOVELTIES, &derived::by_cut(&known, outline), level)?;
        writer.add(TEMPLATE_IDS, template_ids, level)?;
        writer.add(LAYOUT_IDS, &column::encode(&self.layout_ids), level)?;
        writer.add_smallest(RULE_IDS, &derived::by_cut(&self.rule_ids, outline), level)?;
        Ok(GroupStats {
            rows: self.marks.len() as u32,
            raw_bytes: self.raw_bytes,
            first_time: self.first_time,
            last_time: self.last_time,
            untimed: self.untimed,
            levels: self.levels,
            qualities: self.qualities,
            top_score: self.scores.iter().copied().max().unwrap_or(0) as u8,
            top_novelty: self.novelties.iter().copied().max().unwrap_or(0) as u8,
            flagged: self.flagged,
            runs: self.runs,
            sections: writer.take(),
        })
    }
}

/// Offset of each [`STARTS_STEP`]th record.
fn starts(lengths: &[u32]) -> Vec<i64> {
    let mut offset = 0i64;
    let mut start = |lengths: &[u32]| {
        let start = offset;
        offset += lengths.iter().map(|length| i64::from(*length)).sum::<i64>();
        start
    };
    lengths.chunks(STARTS_STEP).map(&mut start).collect()
}

/// A score as it is stored: what is ordinary in steps twice as wide.
fn to_steps(score: f32) -> i64 {
    let steps = score.clamp(0.0, 1.0) * SCORE_STEPS;
    if score < ORDINARY { ((steps / 2.0).round() * 2.0) as i64 } else { steps.round() as i64 }
}
