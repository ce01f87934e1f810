//! The sections of a row group -> its columns and lines, each checked before it is used.

use std::ops::BitOr;
use std::sync::{Arc, OnceLock};

use super::section::{COLUMNAR, ReadAt, SectionError, find};
use super::told::Told;
use super::{
    FLAGGED, GroupStats, LAYOUT_IDS, LAYOUTS, LENGTHS, LINES, MARKS, NOVELTIES, RULE_IDS, RULES, Run, SCORE_STEPS,
    SCORES, SHARED_LINES, STARTS, STARTS_STEP, StripeStats, TEMPLATE_IDS, TEMPLATES, TIMES, USUAL_TEMPLATES, VERDICTS,
    derived,
};
use crate::archive::column;
use crate::archive::lines::{Hits, Needle, Outline, Outlined, Stripe};
use crate::model::{InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

/// What is said of a section that holds something else than a value for each row.
const NO_COLUMN: &str = "are no column of that many rows";

/// Which columns of a group are wanted; level, time quality, flag and input are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// None but those that are always there.
    pub const NOTHING: Needs = Needs(0);
    /// Times.
    pub const TIMES: Needs = Needs(1);
    /// Scores and novelties, exact ones of flagged records among them.
    pub const SCORES: Needs = Needs(2 | 16);
    /// Templates.
    pub const TEMPLATES: Needs = Needs(4);
    /// Layouts, from which fields are cut.
    pub const LAYOUTS: Needs = Needs(8);
    /// Verdicts of flagged records.
    pub const VERDICTS: Needs = Needs(16);
    /// Rules that fired.
    pub const RULES: Needs = Needs(32);
    /// All.
    pub const ALL: Needs = Needs(63);

    /// Whether all of the others are wanted too.
    pub fn contains(self, other: Needs) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of the others is wanted too.
    pub fn meets(self, other: Needs) -> bool {
        self.0 & other.0 != 0
    }

    /// What is wanted here and not there.
    pub fn without(self, other: Needs) -> Needs {
        Needs(self.0 & !other.0)
    }
}

impl BitOr for Needs {
    type Output = Needs;

    fn bitor(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }
}

/// What the groups of a stripe share, read when it is first needed.
#[derive(Debug, Default)]
pub struct OpenStripe {
    lines: OnceLock<Arc<Stripe>>,
    usual: OnceLock<Arc<Vec<i64>>>,
    templates: OnceLock<Arc<Vec<String>>>,
    layouts: OnceLock<Arc<Vec<Layout>>>,
    rules: OnceLock<Arc<Vec<Vec<String>>>>,
    verdicts: OnceLock<Arc<Vec<(u32, Verdict)>>>,
}

/// A value that is read once. Two that read it at the same time read the same.
fn once<T>(slot: &OnceLock<Arc<T>>, read: impl FnOnce() -> Result<T, SectionError>) -> Result<Arc<T>, SectionError> {
    match slot.get() {
        Some(value) => Ok(Arc::clone(value)),
        None => {
            let value = Arc::new(read()?);
            Ok(Arc::clone(slot.get_or_init(|| value)))
        }
    }
}

impl OpenStripe {
    fn lines(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Stripe>, SectionError> {
        once(&self.lines, || {
            let section = find(&stripe.sections, SHARED_LINES, "shared lines")?;
            let stored = section.stored("shared lines", read)?;
            let raw = stripe.raw_bytes().unwrap_or(u64::MAX);
            Stripe::open(&stored, raw).map_err(|_| section.damaged("shared lines", "can't be unpacked"))
        })
    }

    fn texts<T: serde::de::DeserializeOwned>(
        slot: &OnceLock<Arc<Vec<T>>>,
        stripe: &StripeStats,
        kind: u8,
        name: &str,
        read: &ReadAt<'_>,
    ) -> Result<Arc<Vec<T>>, SectionError> {
        once(slot, || find(&stripe.sections, kind, name)?.texts(name, &[], read))
    }

    fn templates(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Vec<String>>, SectionError> {
        once(&self.templates, || {
            let section = find(&stripe.sections, TEMPLATES, "templates")?;
            let constants = if section.needs_lines() { self.lines(stripe, read)?.constants() } else { Vec::new() };
            section.texts("templates", &constants, read)
        })
    }

    fn verdicts(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Vec<(u32, Verdict)>>, SectionError> {
        once(&self.verdicts, || {
            let told = find(&stripe.sections, VERDICTS, "verdicts")?.texts::<Told>("verdicts", &[], read)?;
            Ok(told.into_iter().map(Told::into_verdict).collect())
        })
    }

    fn usual(&self, stripe: &StripeStats, read: &ReadAt<'_>) -> Result<Arc<Vec<i64>>, SectionError> {
        once(&self.usual, || {
            let name = "usual templates";
            let section = find(&stripe.sections, USUAL_TEMPLATES, name)?;
            column::decode_any(&section.unpack(name, read)?).ok_or_else(|| section.damaged(name, NO_COLUMN))
        })
    }
}

/// The columns of a group other than its lines, as far as they were asked for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct GroupColumns {
    loaded: Needs,
    times: Arc<Vec<i64>>,
    marks: Arc<Vec<u8>>,
    scores: Arc<Vec<i64>>,
    novelties: Arc<Vec<i64>>,
    template_ids: Arc<Vec<u32>>,
    templates: Arc<Vec<String>>,
    layout_ids: Arc<Vec<u32>>,
    layouts: Arc<Vec<Layout>>,
    /// Verdicts of the stripe, by row in it.
    verdicts: Arc<Vec<(u32, Verdict)>>,
    first_row: u32,
    rule_ids: Arc<Vec<u32>>,
    rules: Arc<Vec<Vec<String>>>,
    runs: Vec<Run>,
}

impl GroupColumns {
    /// Number of records.
    pub fn rows(&self) -> usize {
        self.marks.len()
    }

    /// Bytes of memory it takes, roughly, without what groups of a stripe share.
    pub fn memory(&self) -> usize {
        let wide = [&self.times, &self.scores, &self.novelties].map(|column| column.len() * 8);
        let ids = [&self.template_ids, &self.layout_ids, &self.rule_ids].map(|column| column.len() * 4);
        self.marks.len() + wide.into_iter().chain(ids).sum::<usize>() + self.runs.len() * 32
    }

    /// Which columns are there.
    pub fn loaded(&self) -> Needs {
        self.loaded
    }

    /// Time of a row.
    #[inline]
    pub fn time(&self, row: usize) -> Option<Timestamp> {
        match self.time_quality(row) {
            TimeQuality::Missing => None,
            _ => self.times.get(row).copied().map(Timestamp),
        }
    }

    /// How the time of a row was obtained.
    pub fn time_quality(&self, row: usize) -> TimeQuality {
        let code = self.marks.get(row).map(|mark| mark & (FLAGGED - 1));
        code.and_then(TimeQuality::from_code).unwrap_or(TimeQuality::Missing)
    }

    /// Level of a row.
    pub fn level(&self, row: usize) -> Option<Level> {
        self.marks.get(row).and_then(|mark| (mark >> 4).checked_sub(1)).and_then(Level::from_code)
    }

    /// Whether a row is flagged.
    pub fn is_flagged(&self, row: usize) -> bool {
        self.marks.get(row).is_some_and(|mark| mark & FLAGGED != 0)
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
        of(&self.template_ids, &self.templates, row).map_or("", String::as_str)
    }

    /// All templates that rows may have.
    pub fn templates(&self) -> &[String] {
        &self.templates
    }

    /// Place of the template of a row among [`GroupColumns::templates`].
    pub fn template_id(&self, row: usize) -> Option<u64> {
        self.template_ids.get(row).map(|id| u64::from(*id))
    }

    /// Where rows come from.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Layout of a row.
    pub fn layout(&self, row: usize) -> Option<&Layout> {
        of(&self.layout_ids, &self.layouts, row)
    }

    /// The sets of rules that fired on rows of the stripe.
    pub fn rule_sets(&self) -> &[Vec<String>] {
        &self.rules
    }

    /// Rules that fired on a row.
    pub fn rules(&self, row: usize) -> &[String] {
        of(&self.rule_ids, &self.rules, row).map_or(&[], Vec::as_slice)
    }

    /// What detection said of a flagged row.
    pub fn verdict(&self, row: usize) -> Option<&Verdict> {
        if !self.is_flagged(row) {
            return None;
        }
        let row = u64::from(self.first_row) + row as u64;
        let at = self.verdicts.binary_search_by_key(&row, |(row, _)| u64::from(*row)).ok()?;
        self.verdicts.get(at).map(|(_, verdict)| verdict)
    }

    /// Input of a row.
    pub fn input(&self, row: usize) -> Option<InputId> {
        run_of(&self.runs, row).map(|run| run.input)
    }
}

fn of<'a, T>(ids: &[u32], list: &'a [T], row: usize) -> Option<&'a T> {
    list.get(usize::try_from(*ids.get(row)?).ok()?)
}

/// Places in a list; what can be none becomes one that no list has.
fn ids_of(ids: Vec<i64>) -> Arc<Vec<u32>> {
    Arc::new(ids.into_iter().map(|id| u32::try_from(id).unwrap_or(u32::MAX)).collect())
}

fn run_of(runs: &[Run], row: usize) -> Option<&Run> {
    let after = runs.partition_point(|run| run.row as usize <= row);
    runs.get(after.checked_sub(1)?)
}

/// A group of a stripe, and how its bytes are read.
pub struct GroupReader<'a> {
    /// What is known of the stripe.
    pub stripe: &'a StripeStats,
    /// What is known of the group.
    pub group: &'a GroupStats,
    /// First row of the group in the stripe.
    pub first_row: u32,
    /// What the groups of the stripe share.
    pub shared: &'a OpenStripe,
    /// Gives the stored bytes of the stripe.
    pub read: &'a ReadAt<'a>,
}

impl GroupReader<'_> {
    /// Unpacks and checks columns other than lines; those of `columns` that are there already are kept. An error says which
    /// section is damaged.
    pub fn columns(&self, needs: Needs, mut columns: GroupColumns) -> Result<GroupColumns, SectionError> {
        let wanted = needs.without(columns.loaded);
        if columns.marks.is_empty() {
            columns.marks = Arc::new(self.unpack(MARKS, "marks")?);
            if columns.marks.len() != self.group.rows as usize {
                return Err(find(&self.group.sections, MARKS, "marks")?.damaged("marks", NO_COLUMN));
            }
            columns.runs.clone_from(&self.group.runs);
            columns.first_row = self.first_row;
        }
        let is_wanted = |need: Needs| wanted.meets(need);
        let (stripe, read) = (self.stripe, self.read);
        if is_wanted(Needs(2)) {
            let scores = self.by_cut(SCORES, "scores")?;
            let mut novelties = self.by_cut(NOVELTIES, "novelties")?;
            novelties.iter_mut().zip(&scores).for_each(|(novelty, score)| *novelty = score.wrapping_sub(*novelty));
            (columns.scores, columns.novelties) = (Arc::new(scores), Arc::new(novelties));
        }
        if is_wanted(Needs::LAYOUTS) {
            columns.layout_ids = ids_of(self.integers(LAYOUT_IDS, "layout ids")?);
            columns.layouts = OpenStripe::texts(&self.shared.layouts, stripe, LAYOUTS, "layouts", read)?;
        }
        if is_wanted(Needs::RULES) {
            columns.rule_ids = ids_of(self.by_cut(RULE_IDS, "rule ids")?);
            columns.rules = OpenStripe::texts(&self.shared.rules, stripe, RULES, "rules", read)?;
        }
        if is_wanted(Needs::VERDICTS) && self.group.flagged > 0 {
            columns.verdicts = self.shared.verdicts(stripe, read)?;
        }
        if is_wanted(Needs::TIMES) || is_wanted(Needs::TEMPLATES) {
            self.derived(is_wanted(Needs::TIMES), is_wanted(Needs::TEMPLATES), &mut columns)?;
        }
        columns.loaded = columns.loaded | needs;
        Ok(columns)
    }

    fn derived(&self, times: bool, templates: bool, columns: &mut GroupColumns) -> Result<(), SectionError> {
        let rows = self.group.rows as usize;
        let times = if times { Some(self.unpack(TIMES, "times")?) } else { None };
        let ids = if templates { Some(self.unpack(TEMPLATE_IDS, "template ids")?) } else { None };
        let by_cut = ids.as_deref().is_some_and(derived::needs_usual);
        let stamp = times.as_deref().and_then(derived::stamp_of);
        let outline =
            if by_cut || stamp.is_some() { Some(self.outline(Outlined { templates: by_cut, stamp })?) } else { None };
        let damaged = |kind, name| match find(&self.group.sections, kind, name) {
            Ok(section) => section.damaged(name, NO_COLUMN),
            Err(missing) => missing,
        };
        if let Some(times) = times {
            let times = derived::times_of(&times, rows, outline.as_ref()).ok_or_else(|| damaged(TIMES, "times"))?;
            columns.times = Arc::new(times);
        }
        if let Some(ids) = ids {
            let usual = if by_cut { self.shared.usual(self.stripe, self.read)? } else { Arc::default() };
            let ids = derived::template_ids_of(&ids, rows, outline.as_ref(), &usual)
                .ok_or_else(|| damaged(TEMPLATE_IDS, "template ids"))?;
            columns.template_ids = ids_of(ids);
            columns.templates = self.shared.templates(self.stripe, self.read)?;
        }
        Ok(())
    }

    /// Unpacks and checks the lines.
    pub fn lines(&self) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let (bytes, lengths) = if section.codec == COLUMNAR {
            let stored = section.stored("lines", self.read)?;
            let stripe = self.shared.lines(self.stripe, self.read)?;
            let decoded = stripe.decode(&stored, self.group.rows, section.raw);
            decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?
        } else {
            let lengths = self.integers(LENGTHS, "lengths")?;
            let lengths = lengths.into_iter().map(|length| u32::try_from(length).unwrap_or(u32::MAX)).collect();
            (section.unpack("lines", self.read)?, lengths)
        };
        let starts = starts_of(&lengths);
        let end = starts.last().copied().unwrap_or(0);
        if end != self.group.raw_bytes || bytes.len() as u64 != end {
            return Err(section.damaged("lines", "are not as long as the group says"));
        }
        Ok(GroupLines { first: 0, bytes, starts, runs: self.group.runs.clone() })
    }

    /// Unpacks and checks some ascending records; others may be empty then, and none says where it comes from.
    pub fn some_lines(&self, rows: &[u32]) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        if section.codec != COLUMNAR {
            return self.lines();
        }
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let decoded = stripe.decode_some(&stored, self.group.rows, section.raw, rows);
        let (bytes, lengths) = decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?;
        Ok(GroupLines { first: 0, bytes, starts: starts_of(&lengths), runs: Vec::new() })
    }

    /// Unpacks and checks one record; where lines are in columns, only the columns that it and some records before it need.
    pub fn line(&self, row: u32) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let nowhere = || section.damaged("lines", "do not say where a record comes from");
        if section.codec != COLUMNAR {
            return self.lines();
        }
        let starts = find(&self.group.sections, STARTS, "starts")?;
        let known = column::decode_any(&starts.unpack("starts", self.read)?);
        let known = known.ok_or_else(|| starts.damaged("starts", NO_COLUMN))?;
        let run = run_of(&self.group.runs, row as usize).ok_or_else(nowhere)?;
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        // From the known start before it; where its run begins later, that place is needed too.
        let read = |row: u32| -> Result<(u64, Vec<u8>), SectionError> {
            let step = row as usize / STARTS_STEP;
            let from = (step * STARTS_STEP) as u32;
            let decoded = stripe.decode_rows(&stored, self.group.rows, section.raw, from..row + 1);
            let (bytes, lengths) = decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?;
            let before: u64 = lengths.iter().rev().skip(1).map(|length| u64::from(*length)).sum();
            let start = known.get(step).and_then(|start| u64::try_from(*start).ok()).ok_or_else(nowhere)?;
            Ok((start.saturating_add(before), bytes.get(before as usize..).unwrap_or_default().to_vec()))
        };
        let (start, bytes) = read(row)?;
        let run_start = if run.row == row {
            start
        } else if run.row == 0 {
            0
        } else {
            read(run.row)?.0
        };
        let offset =
            start.checked_sub(run_start).and_then(|ahead| run.offset.checked_add(ahead)).ok_or_else(nowhere)?;
        let (starts, runs) = (vec![0, bytes.len() as u64], vec![Run { row, input: run.input, offset }]);
        Ok(GroupLines { first: row as usize, bytes, starts, runs })
    }

    /// What can be told from lines in columns without reading a line.
    fn outline(&self, wanted: Outlined) -> Result<Outline, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let outline = stripe.outline(&stored, self.group.rows, section.raw, wanted);
        outline.map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    /// For each needle, which records hold it, without unpacking a line; `None` where lines are not in columns.
    pub fn find(&self, needles: &[Needle]) -> Result<Option<Vec<Hits>>, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        if section.codec != COLUMNAR {
            return Ok(None);
        }
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let hits = stripe.find(&stored, self.group.rows, section.raw, needles);
        hits.map(Some).map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    /// A column that may stand in the order of how the records were cut.
    fn by_cut(&self, kind: u8, name: &str) -> Result<Vec<i64>, SectionError> {
        let bytes = self.unpack(kind, name)?;
        let cuts = if derived::is_by_cut(&bytes) { Some(self.cuts()?) } else { None };
        let values = derived::of_cut(&bytes, self.group.rows as usize, cuts.as_deref());
        values.ok_or_else(|| match find(&self.group.sections, kind, name) {
            Ok(section) => section.damaged(name, NO_COLUMN),
            Err(missing) => missing,
        })
    }

    /// How each record was cut, without reading a line.
    fn cuts(&self) -> Result<Vec<u64>, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let stored = section.stored("lines", self.read)?;
        let cuts = self.shared.lines(self.stripe, self.read)?.cuts(&stored, self.group.rows, section.raw);
        cuts.map_err(|_| section.damaged("lines", "can't be unpacked"))
    }

    fn unpack(&self, kind: u8, name: &str) -> Result<Vec<u8>, SectionError> {
        find(&self.group.sections, kind, name)?.unpack(name, self.read)
    }

    fn integers(&self, kind: u8, name: &str) -> Result<Vec<i64>, SectionError> {
        let section = find(&self.group.sections, kind, name)?;
        let bytes = section.unpack(name, self.read)?;
        column::decode(&bytes, self.group.rows as usize).ok_or_else(|| section.damaged(name, NO_COLUMN))
    }
}

/// Where each record starts, and one past the last.
fn starts_of(lengths: &[u32]) -> Vec<u64> {
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut end = 0u64;
    starts.push(0);
    for length in lengths {
        end += u64::from(*length);
        starts.push(end);
    }
    starts
}

/// The lines of a group, or one of them.
#[derive(Debug, Clone, Default)]
pub struct GroupLines {
    /// The row of the first record.
    first: usize,
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

    /// Whether a row is there.
    pub fn holds(&self, row: usize) -> bool {
        row.checked_sub(self.first).is_some_and(|at| at < self.rows())
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the bytes of a row come from.
    pub fn origin(&self, row: usize) -> Option<Origin> {
        let run = run_of(&self.runs, row)?;
        let start = |row: usize| self.starts.get(row.checked_sub(self.first)?).copied();
        let (start, end, run_start) = (start(row)?, start(row.checked_add(1)?)?, start(run.row as usize)?);
        let offset = run.offset.checked_add(start.checked_sub(run_start)?)?;
        Some(Origin { input: run.input, offset, length: u32::try_from(end - start).ok()? })
    }

    /// The bytes of a row.
    pub fn raw(&self, row: usize) -> &[u8] {
        self.raw_of(row, row.saturating_add(1))
    }

    /// The bytes of the rows from one on up to another.
    pub fn raw_of(&self, from: usize, to: usize) -> &[u8] {
        let start = |row: usize| self.starts.get(row.checked_sub(self.first)?).copied();
        match (start(from), start(to)) {
            (Some(start), Some(end)) => self.bytes.get(start as usize..end as usize).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Bytes of memory it takes, roughly.
    pub fn memory(&self) -> usize {
        self.bytes.len() + self.starts.len() * 8
    }
}
