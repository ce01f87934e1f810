//! The sections of a row group -> its columns and lines, each checked before it is used.

use xxhash_rust::xxh3::xxh3_64;

use super::{
    COLUMNAR, GroupStats, LAYOUT_IDS, LAYOUTS, LENGTHS, LINES, MARKS, NOVELTIES, RULE_IDS, RULES, Run, SCORE_STEPS,
    SCORES, STORED, Section, TEMPLATE_IDS, TEMPLATES, TIMES, VERDICTS, ZSTD, derived,
};
use crate::archive::column;
use crate::archive::lines::{self, Outline};
use crate::model::{InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

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
    runs: Vec<Run>,
}

/// The lines of a group.
#[derive(Debug, Clone, Default)]
pub struct GroupLines {
    bytes: Vec<u8>,
    /// Offset of each record in the bytes, and one past the last.
    starts: Vec<u64>,
    runs: Vec<Run>,
}

impl GroupLines {
    /// Number of records.
    pub fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Input of a row.
    pub fn input(&self, row: usize) -> Option<InputId> {
        run_of(&self.runs, row).map(|run| run.input)
    }

    /// Where the bytes of a row come from.
    pub fn origin(&self, row: usize) -> Option<Origin> {
        let run = run_of(&self.runs, row)?;
        let (start, end) = (*self.starts.get(row)?, *self.starts.get(row + 1)?);
        let run_start = *self.starts.get(run.row as usize)?;
        let offset = run.offset.checked_add(start.checked_sub(run_start)?)?;
        Some(Origin { input: run.input, offset, length: u32::try_from(end - start).ok()? })
    }

    /// The bytes of a row.
    pub fn raw(&self, row: usize) -> &[u8] {
        self.raw_of(row, row.saturating_add(1))
    }

    /// The bytes of the rows from one on up to another.
    pub fn raw_of(&self, from: usize, to: usize) -> &[u8] {
        match (self.starts.get(from), self.starts.get(to)) {
            (Some(start), Some(end)) => self.bytes.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Bytes of memory it takes, roughly.
    pub fn memory(&self) -> usize {
        self.bytes.len() + self.starts.len() * 8
    }
}

fn run_of(runs: &[Run], row: usize) -> Option<&Run> {
    let after = runs.partition_point(|run| run.row as usize <= row);
    runs.get(after.checked_sub(1)?)
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

    /// Score of a row, 0 to 1; of a flagged one as it was given, of others in steps.
    pub fn score(&self, row: usize) -> f32 {
        if let Some(verdict) = self.verdict(row) {
            return verdict.score;
        }
        self.scores.get(row).map_or(0.0, |steps| *steps as f32 / SCORE_STEPS)
    }

    /// Novelty of a row, 0 to 1; of a flagged one as it was given, of others in steps.
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
        run_of(&self.runs, row).map(|run| run.input)
    }
}

/// What is said of a section that holds something else than a value for each row.
const NO_COLUMN: &str = "is no column of that many rows";

/// Unpacks and checks the columns other than lines; `bytes` gives the stored bytes of a section by offset and length.
/// An error says which section is damaged.
pub fn decode_columns<R>(stats: &GroupStats, mut read: R) -> Result<GroupColumns, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let rows = stats.rows as usize;
    let mut integers = |kind, name| -> Result<Vec<i64>, SectionError> {
        let bytes = unpack(stats, kind, name, &mut read)?;
        column::decode(&bytes, rows).ok_or(SectionError::damaged(stats, kind, name, NO_COLUMN))
    };
    let scores = integers(SCORES, "scores")?;
    let mut novelties = integers(NOVELTIES, "novelties")?;
    novelties.iter_mut().zip(&scores).for_each(|(novelty, score)| *novelty = score.wrapping_sub(*novelty));
    let layout_ids = integers(LAYOUT_IDS, "layout ids")?;
    let rule_ids = integers(RULE_IDS, "rule ids")?;
    let marks = unpack(stats, MARKS, "marks", &mut read)?;
    if marks.len() != rows {
        return Err(SectionError::damaged(stats, MARKS, "marks", NO_COLUMN));
    }
    let templates = texts(stats, TEMPLATES, "templates", &mut read)?;
    let layouts = json(stats, LAYOUTS, "layouts", &mut read)?;
    let rules = json(stats, RULES, "rules", &mut read)?;
    let verdicts = match stats.section(VERDICTS) {
        Some(_) => texts(stats, VERDICTS, "verdicts", &mut read)?,
        None => Vec::new(),
    };
    let times = unpack(stats, TIMES, "times", &mut read)?;
    let template_ids = unpack(stats, TEMPLATE_IDS, "template ids", &mut read)?;
    let outline = outline(stats, &mut read)?;
    let times = derived::times_of(&times, rows, outline.as_ref())
        .ok_or(SectionError::damaged(stats, TIMES, "times", NO_COLUMN))?;
    let template_ids = derived::template_ids_of(&template_ids, rows, outline.as_ref()).ok_or(SectionError::damaged(
        stats,
        TEMPLATE_IDS,
        "template ids",
        NO_COLUMN,
    ))?;
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
        runs: stats.runs.clone(),
    })
}

/// Unpacks and checks the lines.
pub fn decode_lines<R>(stats: &GroupStats, mut read: R) -> Result<GroupLines, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let damaged = |what| SectionError::damaged(stats, LINES, "lines", what);
    let section = section_of(stats, LINES, "lines")?;
    let (bytes, lengths) = if section.codec == COLUMNAR {
        let stored = stored(stats, section, "lines", &mut read)?;
        lines::decode(&stored, stats.rows, section.raw).map_err(|_| damaged("can't be unpacked"))?
    } else {
        let bytes = unpack(stats, LINES, "lines", &mut read)?;
        let lengths = unpack(stats, LENGTHS, "lengths", &mut read)?;
        let lengths = column::decode(&lengths, stats.rows as usize)
            .ok_or(SectionError::damaged(stats, LENGTHS, "lengths", NO_COLUMN))?;
        (bytes, lengths.into_iter().map(|length| u32::try_from(length).unwrap_or(u32::MAX)).collect())
    };
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut end = 0u64;
    starts.push(0);
    for length in lengths {
        end += u64::from(length);
        starts.push(end);
    }
    if end != stats.raw_bytes || bytes.len() as u64 != end {
        return Err(damaged("are not as long as the group says"));
    }
    Ok(GroupLines { bytes, starts, runs: stats.runs.clone() })
}

/// What can be told from lines in columns without reading a line.
fn outline<R>(stats: &GroupStats, read: &mut R) -> Result<Option<Outline>, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let section = section_of(stats, LINES, "lines")?;
    if section.codec != COLUMNAR {
        return Ok(None);
    }
    let stored = stored(stats, section, "lines", read)?;
    let outline = lines::outline(&stored, stats.rows, section.raw);
    outline.map(Some).map_err(|_| SectionError::damaged(stats, LINES, "lines", "can't be unpacked"))
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

/// One JSON text a line.
fn texts<T, R>(stats: &GroupStats, kind: u8, name: &str, read: &mut R) -> Result<Vec<T>, SectionError>
where
    T: serde::de::DeserializeOwned,
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let bytes = unpack(stats, kind, name, read)?;
    let texts = serde_json::Deserializer::from_slice(&bytes).into_iter::<T>().collect::<Result<Vec<T>, _>>();
    texts.map_err(|_| SectionError::damaged(stats, kind, name, "are not what was written"))
}

/// No section of an honest group is larger: one long line or joined record beyond a full group.
const LARGEST_SECTION: u64 = 256 << 20;

fn section_of<'a>(stats: &'a GroupStats, kind: u8, name: &str) -> Result<&'a Section, SectionError> {
    let damaged = |what| SectionError::damaged(stats, kind, name, what);
    let section = stats.section(kind).ok_or_else(|| damaged("are missing"))?;
    if section.len > LARGEST_SECTION || section.raw > LARGEST_SECTION {
        return Err(damaged("are larger than a group can be"));
    }
    Ok(section)
}

/// The stored bytes of a section, checked.
fn stored<R>(stats: &GroupStats, section: &Section, name: &str, read: &mut R) -> Result<Vec<u8>, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let stored = match read(section.at, section.len as usize) {
        Ok(stored) => stored,
        Err(cause) => return Err(SectionError { at: section.at, what: Err(cause) }),
    };
    if format!("{:016x}", xxh3_64(&stored)) != section.sum {
        let what = "do not have the checksum they were written with";
        return Err(SectionError::damaged(stats, section.kind, name, what));
    }
    Ok(stored)
}

fn unpack<R>(stats: &GroupStats, kind: u8, name: &str, read: &mut R) -> Result<Vec<u8>, SectionError>
where
    R: FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
{
    let damaged = |what| SectionError::damaged(stats, kind, name, what);
    let section = section_of(stats, kind, name)?;
    let stored = stored(stats, section, name, read)?;
    let raw = match (section.codec, section.rows) {
        (STORED, _) => stored,
        (ZSTD, _) => zstd::bulk::decompress(&stored, section.raw as usize).map_err(|_| damaged("can't be unpacked"))?,
        (COLUMNAR, Some(rows)) => {
            lines::decode(&stored, rows, section.raw).map_err(|_| damaged("can't be unpacked"))?.0
        }
        _ => return Err(damaged("use a codec this version does not know")),
    };
    if raw.len() as u64 != section.raw {
        return Err(damaged("unpack to another length"));
    }
    Ok(raw)
}
