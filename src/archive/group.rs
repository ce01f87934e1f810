//! A row group: up to some thousand consecutive records as columns, each compressed and checksummed by itself.
//!
//! The lines are one column, kept apart from time, level, score, template and layout, so that a question about those never
//! unpacks a line. Encoding needs no state but the group's own records and can run on any thread.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{column, lines};
use crate::model::{InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

/// Raw bytes of all records, one after the other.
const LINES: u8 = 1;
/// Length of each record in bytes.
const LENGTHS: u8 = 2;
/// Time of each record in ns since the epoch; a record without a time repeats the one before.
const TIMES: u8 = 3;
/// One byte a record: quality of its time, and its level plus one in the high half (0: none).
const MARKS: u8 = 4;
/// Score of each record in 1/255.
const SCORES: u8 = 5;
/// Novelty of each record in 1/255.
const NOVELTIES: u8 = 6;
/// Template of each record: its position in the list of templates.
const TEMPLATE_IDS: u8 = 7;
/// The templates of the group in order of appearance, as a JSON list.
const TEMPLATES: u8 = 8;
/// Layout of each record: its position in the list of layouts.
const LAYOUT_IDS: u8 = 9;
/// The layouts of the group in order of appearance, as a JSON list.
const LAYOUTS: u8 = 10;
/// Verdicts of flagged records, as a JSON list of `[row, verdict]`.
const VERDICTS: u8 = 11;
/// Rules that fired on each record: position in the list of rule sets.
const RULE_IDS: u8 = 12;
/// The distinct sets of rules in order of appearance, as a JSON list of lists.
const RULES: u8 = 13;

/// The section is stored as it is.
const STORED: u8 = 0;
/// The section is one zstd frame.
const ZSTD: u8 = 1;
/// The section is lines as templates and columns ([`lines`]).
const COLUMNAR: u8 = 2;

/// Scores are kept in this many steps: a finer one is noise that costs more than the lines (flagged records have theirs whole).
const SCORE_STEPS: f32 = 255.0;

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
    /// Highest score in 1/255.
    pub top_score: u8,
    /// Highest novelty in 1/255.
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
        group.add(LENGTHS, &column::encode(&self.lengths), level)?;
        group.add(TIMES, &column::encode(&self.times), level)?;
        group.add(MARKS, &self.marks, level)?;
        group.add(SCORES, &column::encode(&self.scores), level)?;
        group.add(NOVELTIES, &column::encode(&self.novelties), level)?;
        group.add(TEMPLATE_IDS, &column::encode(&self.template_ids), level)?;
        group.add(TEMPLATES, &serde_json::to_vec(&self.templates)?, level)?;
        group.add(LAYOUT_IDS, &column::encode(&self.layout_ids), level)?;
        group.add(LAYOUTS, &serde_json::to_vec(&self.layouts)?, level)?;
        group.add(RULE_IDS, &column::encode(&self.rule_ids), level)?;
        group.add(RULES, &serde_json::to_vec(&self.rules)?, level)?;
        if !self.verdicts.is_empty() {
            group.add(VERDICTS, &serde_json::to_vec(&self.verdicts)?, level)?;
        }
        group.add_lines(&self.lines, &self.lengths, level)?;
        Ok(group)
    }
}

impl EncodedGroup {
    fn add(&mut self, kind: u8, raw: &[u8], level: i32) -> std::io::Result<()> {
        let packed = zstd::bulk::compress(raw, level)?;
        let (codec, stored) = if packed.len() < raw.len() { (ZSTD, &packed[..]) } else { (STORED, raw) };
        self.store(kind, codec, stored, raw.len());
        Ok(())
    }

    /// Lines go in columns where that is smaller.
    fn add_lines(&mut self, raw: &[u8], lengths: &[i64], level: i32) -> std::io::Result<()> {
        let lengths: Vec<u32> = lengths.iter().map(|length| u32::try_from(*length).unwrap_or(u32::MAX)).collect();
        match lines::encode(raw, &lengths, level)? {
            Some(block) => self.store(LINES, COLUMNAR, &block, raw.len()),
            None => self.add(LINES, raw, level)?,
        }
        Ok(())
    }

    fn store(&mut self, kind: u8, codec: u8, stored: &[u8], raw: usize) {
        self.stats.sections.push(Section {
            kind,
            codec,
            at: self.bytes.len() as u64,
            len: stored.len() as u64,
            raw: raw as u64,
            sum: format!("{:016x}", xxh3_64(stored)),
        });
        self.bytes.extend_from_slice(stored);
    }
}

/// A score as it is stored.
fn to_steps(score: f32) -> u8 {
    (score.clamp(0.0, 1.0) * SCORE_STEPS).round() as u8
}

/// The columns of a group other than its lines.
#[derive(Debug, Clone, Default)]
pub struct GroupColumns {
    times: Vec<i64>,
    marks: Vec<u8>,
    scores: Vec<i64>,
    novelties: Vec<i64>,
    template_ids: Vec<i64>,
    templates: Vec<String>,
    layout_ids: Vec<i64>,
    layouts: Vec<Layout>,
    verdicts: Vec<(u32, Verdict)>,
    rule_ids: Vec<i64>,
    rules: Vec<Vec<String>>,
    /// Offset of each record in the lines, and one past the last.
    starts: Vec<u64>,
    runs: Vec<Run>,
}

impl GroupColumns {
    /// Number of records.
    pub fn rows(&self) -> usize {
        self.marks.len()
    }

    /// Time of a row.
    pub fn time(&self, row: usize) -> Option<Timestamp> {
        match self.time_quality(row) {
            TimeQuality::Missing => None,
            _ => self.times.get(row).copied().map(Timestamp),
        }
    }

    /// How the time of a row was obtained.
    pub fn time_quality(&self, row: usize) -> TimeQuality {
        self.marks.get(row).and_then(|mark| TimeQuality::from_code(mark & 0x0f)).unwrap_or(TimeQuality::Missing)
    }

    /// Level of a row.
    pub fn level(&self, row: usize) -> Option<Level> {
        self.marks.get(row).and_then(|mark| (mark >> 4).checked_sub(1)).and_then(Level::from_code)
    }

    /// Score of a row, 0 to 1; of a flagged one as it was given, of others in steps of 1/255.
    pub fn score(&self, row: usize) -> f32 {
        if let Some(verdict) = self.verdict(row) {
            return verdict.score;
        }
        self.scores.get(row).map_or(0.0, |steps| *steps as f32 / SCORE_STEPS)
    }

    /// Novelty of a row, 0 to 1; of a flagged one as it was given, of others in steps of 1/255.
    pub fn novelty(&self, row: usize) -> f32 {
        if let Some(verdict) = self.verdict(row) {
            return verdict.novelty;
        }
        self.novelties.get(row).map_or(0.0, |steps| *steps as f32 / SCORE_STEPS)
    }

    /// Template of a row.
    pub fn template(&self, row: usize) -> &str {
        let id = self.template_ids.get(row).copied().unwrap_or(-1);
        usize::try_from(id).ok().and_then(|id| self.templates.get(id)).map_or("", String::as_str)
    }

    /// Layout of a row.
    pub fn layout(&self, row: usize) -> Option<&Layout> {
        let id = self.layout_ids.get(row).copied()?;
        self.layouts.get(usize::try_from(id).ok()?)
    }

    /// Rules that fired on a row.
    pub fn rules(&self, row: usize) -> &[String] {
        let id = self.rule_ids.get(row).copied().unwrap_or(-1);
        usize::try_from(id).ok().and_then(|id| self.rules.get(id)).map_or(&[], Vec::as_slice)
    }

    /// What detection said of a flagged row.
    pub fn verdict(&self, row: usize) -> Option<&Verdict> {
        let at = self.verdicts.binary_search_by_key(&(row as u64), |(row, _)| u64::from(*row)).ok()?;
        self.verdicts.get(at).map(|(_, verdict)| verdict)
    }

    /// Input of a row.
    pub fn input(&self, row: usize) -> Option<InputId> {
        self.run(row).map(|run| run.input)
    }

    /// Where the bytes of a row come from.
    pub fn origin(&self, row: usize) -> Option<Origin> {
        let run = self.run(row)?;
        let (start, end) = (*self.starts.get(row)?, *self.starts.get(row + 1)?);
        let run_start = *self.starts.get(run.row as usize)?;
        let offset = run.offset.checked_add(start.checked_sub(run_start)?)?;
        Some(Origin { input: run.input, offset, length: u32::try_from(end - start).ok()? })
    }

    /// The bytes of a row in the lines of the group.
    pub fn raw<'a>(&self, lines: &'a [u8], row: usize) -> &'a [u8] {
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(start), Some(end)) => lines.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The bytes of the rows from one on up to another, in the lines of the group.
    pub fn raw_of<'a>(&self, lines: &'a [u8], from: usize, to: usize) -> &'a [u8] {
        match (self.starts.get(from), self.starts.get(to)) {
            (Some(start), Some(end)) => lines.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    fn run(&self, row: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.row as usize <= row);
        self.runs.get(after.checked_sub(1)?)
    }
}

/// Unpacks and checks the columns other than lines; `bytes` gives the stored bytes of a section by offset and length.
/// An error says which section is damaged.
pub fn decode_columns<R>(stats: &GroupStats, mut read: R) -> Result<GroupColumns, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let rows = stats.rows as usize;
    let mut integers = |kind, name| -> Result<Vec<i64>, SectionError> {
        let bytes = unpack(stats, kind, name, &mut read)?;
        column::decode(&bytes, rows).ok_or(SectionError::damaged(stats, kind, name, "is no column of that many rows"))
    };
    let lengths = integers(LENGTHS, "lengths")?;
    let times = integers(TIMES, "times")?;
    let scores = integers(SCORES, "scores")?;
    let novelties = integers(NOVELTIES, "novelties")?;
    let template_ids = integers(TEMPLATE_IDS, "template ids")?;
    let layout_ids = integers(LAYOUT_IDS, "layout ids")?;
    let rule_ids = integers(RULE_IDS, "rule ids")?;
    let marks = unpack(stats, MARKS, "marks", &mut read)?;
    let templates = json(stats, TEMPLATES, "templates", &mut read)?;
    let layouts = json(stats, LAYOUTS, "layouts", &mut read)?;
    let rules = json(stats, RULES, "rules", &mut read)?;
    let verdicts = match stats.section(VERDICTS) {
        Some(_) => json(stats, VERDICTS, "verdicts", &mut read)?,
        None => Vec::new(),
    };
    let mut starts = Vec::with_capacity(rows + 1);
    let mut end = 0u64;
    starts.push(0);
    for length in lengths {
        end = u64::try_from(length).ok().and_then(|length| end.checked_add(length)).unwrap_or(u64::MAX);
        starts.push(end);
    }
    if end != stats.raw_bytes || marks.len() != rows {
        return Err(SectionError::damaged(stats, LENGTHS, "lengths", "do not add up to the raw bytes of the group"));
    }
    Ok(GroupColumns {
        times,
        marks,
        scores,
        novelties,
        template_ids,
        templates,
        layout_ids,
        layouts,
        verdicts,
        rule_ids,
        rules,
        starts,
        runs: stats.runs.clone(),
    })
}

/// Unpacks and checks the lines.
pub fn decode_lines<R>(stats: &GroupStats, mut read: R) -> Result<Vec<u8>, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let lines = unpack(stats, LINES, "lines", &mut read)?;
    if lines.len() as u64 != stats.raw_bytes {
        return Err(SectionError::damaged(stats, LINES, "lines", "are not as long as the group says"));
    }
    Ok(lines)
}

/// Why a section can't be used.
#[derive(Debug)]
pub struct SectionError {
    /// Offset of the section from the group's first byte.
    pub at: u64,
    /// What is wrong, or what the operating system said.
    pub what: Result<String, std::io::Error>,
}

impl SectionError {
    fn damaged(stats: &GroupStats, kind: u8, name: &str, what: &str) -> SectionError {
        SectionError { at: stats.section(kind).map_or(0, |section| section.at), what: Ok(format!("the {name} {what}")) }
    }
}

fn json<T, R>(stats: &GroupStats, kind: u8, name: &str, read: &mut R) -> Result<T, SectionError>
where
    T: serde::de::DeserializeOwned,
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let bytes = unpack(stats, kind, name, read)?;
    serde_json::from_slice(&bytes).map_err(|_| SectionError::damaged(stats, kind, name, "are not what was written"))
}

/// No section of an honest group is larger: 16 MiB of one record beyond a full group.
const LARGEST_SECTION: u64 = 256 << 20;

fn unpack<R>(stats: &GroupStats, kind: u8, name: &str, read: &mut R) -> Result<Vec<u8>, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let damaged = |what| SectionError::damaged(stats, kind, name, what);
    let section = stats.section(kind).ok_or_else(|| damaged("are missing"))?;
    if section.len > LARGEST_SECTION || section.raw > LARGEST_SECTION {
        return Err(damaged("are larger than a group can be"));
    }
    let stored = match read(section.at, section.len as usize) {
        Ok(stored) => stored,
        Err(cause) => return Err(SectionError { at: section.at, what: Err(cause) }),
    };
    if format!("{:016x}", xxh3_64(&stored)) != section.sum {
        return Err(damaged("do not have the checksum they were written with"));
    }
    let raw = match section.codec {
        STORED => stored,
        ZSTD => zstd::bulk::decompress(&stored, section.raw as usize).map_err(|_| damaged("can't be unpacked"))?,
        COLUMNAR if kind == LINES => {
            lines::decode(&stored, stats.rows, section.raw).map_err(|_| damaged("can't be unpacked"))?.0
        }
        _ => return Err(damaged("use a codec this version does not know")),
    };
    if raw.len() as u64 != section.raw {
        return Err(damaged("unpack to another length"));
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(format: &str) -> Layout {
        Layout { format: format.to_owned(), ..Layout::default() }
    }

    fn built() -> (EncodedGroup, Vec<Vec<u8>>) {
        let mut builder = GroupBuilder::default();
        let mut offset = 100;
        let mut raws = Vec::new();
        let (csv, json) = (layout("csv"), layout("json"));
        for row in 0..50u32 {
            let raw = if row == 7 { vec![0xff, 0, b'\r', b'\n'] } else { format!("line {row}\n").into_bytes() };
            let verdict =
                Verdict { flagged: row == 9, rules: vec!["sqli".to_owned()], score: 0.777, ..Verdict::default() };
            builder.push(&NewRecord {
                origin: Origin { input: InputId(row / 30), offset, length: raw.len() as u32 },
                raw: &raw,
                time: (row % 10 != 3).then_some(Timestamp(1_000 * i64::from(row))),
                time_quality: TimeQuality::YearInferred,
                level: (row % 2 == 0).then_some(Level::Error),
                layout: if row < 25 { &csv } else { &json },
                template_hash: u64::from(row % 4),
                template: ["a", "b", "c", "d"][row as usize % 4],
                score: 0.5,
                novelty: 1.0,
                verdict: (row == 9).then_some(&verdict),
            });
            offset = if row == 29 { 0 } else { offset + raw.len() as u64 };
            raws.push(raw);
        }
        (builder.encode(3).unwrap(), raws)
    }

    fn reader(bytes: &[u8]) -> impl FnMut(u64, usize) -> std::io::Result<Vec<u8>> + '_ {
        |at, len| Ok(bytes[at as usize..at as usize + len].to_vec())
    }

    #[test]
    fn every_column_of_every_row_comes_back() {
        let (group, raws) = built();
        let columns = decode_columns(&group.stats, reader(&group.bytes)).unwrap();
        let lines = decode_lines(&group.stats, reader(&group.bytes)).unwrap();
        assert_eq!(columns.rows(), 50);
        for (row, raw) in raws.iter().enumerate() {
            assert_eq!(columns.raw(&lines, row), raw);
            assert_eq!(columns.time(row), (row % 10 != 3).then_some(Timestamp(1_000 * row as i64)));
            assert_eq!(columns.level(row), (row % 2 == 0).then_some(Level::Error));
            assert_eq!(columns.layout(row).unwrap().format, if row < 25 { "csv" } else { "json" });
            assert_eq!(columns.template(row), ["a", "b", "c", "d"][row % 4]);
            assert_eq!(columns.verdict(row).is_some(), row == 9);
            assert_eq!(columns.rules(row).is_empty(), row != 9);
            assert_eq!(columns.score(row), if row == 9 { 0.777 } else { 128.0 / 255.0 });
        }
        assert_eq!(columns.origin(0).unwrap().offset, 100);
        assert_eq!(columns.origin(30).unwrap(), Origin { input: InputId(1), offset: 0, length: 8 });
        assert_eq!(group.stats.flagged, 1);
        assert_eq!(group.stats.untimed, 5);
    }

    #[test]
    fn regular_lines_are_kept_in_columns_and_come_back() {
        let mut builder = GroupBuilder::default();
        let (layout, mut raws, mut offset) = (layout("syslog"), Vec::new(), 0);
        for row in 0..2_000u64 {
            let raw = format!(
                "Nov 20 10:{:02}:{:02} web1 sshd[{}]: session {:x} opened\n",
                row / 60 % 60,
                row % 60,
                row / 9,
                row * row * 7_919
            );
            let record = NewRecord {
                origin: Origin { input: InputId(0), offset, length: raw.len() as u32 },
                raw: raw.as_bytes(),
                time: None,
                time_quality: TimeQuality::Missing,
                level: None,
                layout: &layout,
                template_hash: 1,
                template: "t",
                score: 0.0,
                novelty: 0.0,
                verdict: None,
            };
            builder.push(&record);
            offset += raw.len() as u64;
            raws.push(raw);
        }
        let group = builder.encode(3).unwrap();
        assert_eq!(group.stats.section(LINES).map(|section| section.codec), Some(COLUMNAR));
        let columns = decode_columns(&group.stats, reader(&group.bytes)).unwrap();
        let lines = decode_lines(&group.stats, reader(&group.bytes)).unwrap();
        for (row, raw) in raws.iter().enumerate() {
            assert_eq!(columns.raw(&lines, row), raw.as_bytes());
        }
    }

    #[test]
    fn a_flipped_bit_in_any_section_is_found() {
        let (group, _) = built();
        for at in 0..group.bytes.len() {
            let mut bytes = group.bytes.clone();
            bytes[at] ^= 0x10;
            let columns = decode_columns(&group.stats, reader(&bytes)).is_err();
            let lines = decode_lines(&group.stats, reader(&bytes)).is_err();
            assert!(columns || lines, "byte {at}");
        }
    }
}
