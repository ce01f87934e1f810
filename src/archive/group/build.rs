//! Records -> the encoded sections of a row group.

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    COLUMNAR, GroupStats, LAYOUT_IDS, LAYOUTS, LENGTHS, LINES, MARKS, NOVELTIES, NewRecord, RULE_IDS, RULES, Run,
    SCORE_STEPS, SCORES, STORED, Section, TEMPLATE_IDS, TEMPLATES, TIMES, VERDICTS, ZSTD, derived,
};
use crate::archive::column;
use crate::archive::lines::{self, Outline};
use crate::model::{InputId, Layout, TimeQuality, Verdict};

/// A group ready to be written.
#[derive(Debug)]
pub struct EncodedGroup {
    /// Its sections, one after the other.
    pub bytes: Vec<u8>,
    /// What is known of it.
    pub stats: GroupStats,
}

/// Collects the records of one group.
#[derive(Debug, Default)]
pub struct GroupBuilder {
    lines: Vec<u8>,
    lengths: Vec<i64>,
    times: Vec<i64>,
    marks: Vec<u8>,
    scores: Vec<i64>,
    novelties: Vec<i64>,
    template_ids: Vec<i64>,
    template_of: HashMap<u64, i64>,
    templates: Vec<String>,
    layout_ids: Vec<i64>,
    layouts: Vec<Layout>,
    verdicts: Vec<(u32, Verdict)>,
    rule_ids: Vec<i64>,
    rules: Vec<Vec<String>>,
    runs: Vec<Run>,
    next: Option<(InputId, u64)>,
    first_time: Option<i64>,
    last_time: Option<i64>,
    untimed: u32,
    levels: u16,
    qualities: u8,
    flagged: u32,
}

impl GroupBuilder {
    /// Number of records so far.
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// Raw bytes so far.
    pub fn raw_bytes(&self) -> usize {
        self.lines.len()
    }

    /// Takes up one record.
    pub fn push(&mut self, record: &NewRecord<'_>) {
        let row = self.lengths.len() as u32;
        if self.next != Some((record.origin.input, record.origin.offset)) {
            self.runs.push(Run { row, input: record.origin.input, offset: record.origin.offset });
        }
        self.next = Some((record.origin.input, record.origin.offset.saturating_add(record.raw.len() as u64)));
        self.lines.extend_from_slice(record.raw);
        self.lengths.push(record.raw.len() as i64);
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
        self.marks.push(quality.code() | record.level.map_or(0, |level| level.code() + 1) << 4);
        self.scores.push(i64::from(to_steps(record.score)));
        self.novelties.push(i64::from(to_steps(record.novelty)));
        let templates = &mut self.templates;
        let template = *self.template_of.entry(record.template_hash).or_insert_with(|| {
            templates.push(record.template.to_owned());
            templates.len() as i64 - 1
        });
        self.template_ids.push(template);
        let layout = match self.layouts.iter().rposition(|layout| layout == record.layout) {
            Some(at) => at,
            None => {
                self.layouts.push(record.layout.clone());
                self.layouts.len() - 1
            }
        };
        self.layout_ids.push(layout as i64);
        let rules = record.verdict.map_or(&[][..], |verdict| &verdict.rules);
        let set = match self.rules.iter().position(|known| known == rules) {
            Some(at) => at,
            None => {
                self.rules.push(rules.to_vec());
                self.rules.len() - 1
            }
        };
        self.rule_ids.push(set as i64);
        if let Some(verdict) = record.verdict.filter(|verdict| verdict.flagged) {
            self.flagged += 1;
            self.verdicts.push((row, verdict.clone()));
        }
    }

    /// Compresses the columns at a zstd level (1 to 19).
    pub fn encode(self, level: i32) -> std::io::Result<EncodedGroup> {
        let stats = GroupStats {
            rows: self.lengths.len() as u32,
            raw_bytes: self.lines.len() as u64,
            first_time: self.first_time,
            last_time: self.last_time,
            untimed: self.untimed,
            levels: self.levels,
            qualities: self.qualities,
            top_score: self.scores.iter().copied().max().unwrap_or(0) as u8,
            top_novelty: self.novelties.iter().copied().max().unwrap_or(0) as u8,
            flagged: self.flagged,
            runs: self.runs,
            sections: Vec::new(),
        };
        let mut group = EncodedGroup { bytes: Vec::with_capacity(self.lines.len() / 8), stats };
        let lengths: Vec<u32> = self.lengths.iter().map(|length| u32::try_from(*length).unwrap_or(u32::MAX)).collect();
        let outline = group.add_lines(&self.lines, &lengths, level)?;
        if outline.is_none() {
            group.add(LENGTHS, &column::encode(&self.lengths), level)?;
        }
        group.add_smallest(TIMES, &derived::times(&self.times, outline.as_ref()), level)?;
        group.add(MARKS, &self.marks, level)?;
        let unlearnt: Vec<i64> =
            self.scores.iter().zip(&self.novelties).map(|(score, novelty)| score - novelty).collect();
        group.add(SCORES, &column::encode(&self.scores), level)?;
        group.add(NOVELTIES, &column::encode(&unlearnt), level)?;
        group.add_smallest(TEMPLATE_IDS, &derived::template_ids(&self.template_ids, outline.as_ref()), level)?;
        group.add_texts(TEMPLATES, &self.templates, level)?;
        group.add(LAYOUT_IDS, &column::encode(&self.layout_ids), level)?;
        group.add(LAYOUTS, &serde_json::to_vec(&self.layouts)?, level)?;
        group.add(RULE_IDS, &column::encode(&self.rule_ids), level)?;
        group.add(RULES, &serde_json::to_vec(&self.rules)?, level)?;
        if !self.verdicts.is_empty() {
            group.add_texts(VERDICTS, &self.verdicts, level)?;
        }
        Ok(group)
    }
}

impl EncodedGroup {
    fn add(&mut self, kind: u8, raw: &[u8], level: i32) -> std::io::Result<()> {
        self.add_smallest(kind, std::slice::from_ref(&raw), level)
    }

    /// Keeps the form that takes the fewest bytes.
    fn add_smallest<F: AsRef<[u8]>>(&mut self, kind: u8, forms: &[F], level: i32) -> std::io::Result<()> {
        let mut smallest: Option<(u8, Vec<u8>, usize)> = None;
        for form in forms {
            let raw = form.as_ref();
            let packed = zstd::bulk::compress(raw, level)?;
            let (codec, stored) = if packed.len() < raw.len() { (ZSTD, packed) } else { (STORED, raw.to_vec()) };
            if smallest.as_ref().is_none_or(|(_, known, _)| stored.len() < known.len()) {
                smallest = Some((codec, stored, raw.len()));
            }
        }
        if let Some((codec, stored, raw)) = smallest {
            self.store(kind, codec, &stored, raw, None);
        }
        Ok(())
    }

    /// Lines go in columns where that is smaller; what can be told from those is given back.
    fn add_lines(&mut self, raw: &[u8], lengths: &[u32], level: i32) -> std::io::Result<Option<Outline>> {
        let Some(block) = lines::encode(raw, lengths, level)? else {
            self.add(LINES, raw, level)?;
            return Ok(None);
        };
        let rows = lengths.len() as u32;
        self.store(LINES, COLUMNAR, &block, raw.len(), Some(rows));
        // The block was decoded as a whole when it was made.
        lines::outline(&block, rows, raw.len() as u64).map(Some).map_err(std::io::Error::other)
    }

    /// One JSON text a line, as lines or as plain text, whichever is smaller.
    fn add_texts<T: serde::Serialize>(&mut self, kind: u8, texts: &[T], level: i32) -> std::io::Result<()> {
        let mut raw = Vec::new();
        let mut lengths = Vec::with_capacity(texts.len());
        for text in texts {
            let start = raw.len();
            serde_json::to_writer(&mut raw, text)?;
            raw.push(b'\n');
            lengths.push((raw.len() - start) as u32);
        }
        let packed = zstd::bulk::compress(&raw, level)?;
        match lines::encode(&raw, &lengths, level)? {
            Some(block) if block.len() < packed.len() => {
                self.store(kind, COLUMNAR, &block, raw.len(), Some(lengths.len() as u32));
            }
            _ => self.add(kind, &raw, level)?,
        }
        Ok(())
    }

    fn store(&mut self, kind: u8, codec: u8, stored: &[u8], raw: usize, rows: Option<u32>) {
        self.stats.sections.push(Section {
            kind,
            codec,
            at: self.bytes.len() as u64,
            len: stored.len() as u64,
            raw: raw as u64,
            rows,
            sum: format!("{:016x}", xxh3_64(stored)),
        });
        self.bytes.extend_from_slice(stored);
    }
}

/// A score as it is stored.
fn to_steps(score: f32) -> u8 {
    (score.clamp(0.0, 1.0) * SCORE_STEPS).round() as u8
}
