//! What was read of a row group: columns by row, and lines.

use std::ops::BitOr;
use std::sync::Arc;

use super::{FLAGGED, Run, SCORE_STEPS};
use crate::model::{InputId, Layout, Level, Origin, TimeQuality, Timestamp, Verdict};

/// Which columns of a group are wanted; level, time quality, flag and input are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(pub(super) u8);

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

/// The columns of a group other than its lines, as far as they were asked for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct GroupColumns {
    pub(super) loaded: Needs,
    pub(super) times: Arc<Vec<i64>>,
    pub(super) marks: Arc<Vec<u8>>,
    pub(super) scores: Arc<Vec<i64>>,
    pub(super) novelties: Arc<Vec<i64>>,
    pub(super) template_ids: Arc<Vec<u32>>,
    pub(super) templates: Arc<Vec<String>>,
    pub(super) layout_ids: Arc<Vec<u32>>,
    pub(super) layouts: Arc<Vec<Layout>>,
    /// Verdicts of the stripe, by row in it.
    pub(super) verdicts: Arc<Vec<(u32, Verdict)>>,
    pub(super) first_row: u32,
    pub(super) rule_ids: Arc<Vec<u32>>,
    pub(super) rules: Arc<Vec<Vec<String>>>,
    pub(super) runs: Vec<Run>,
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

    /// Score of a row, 0 to 1; of a flagged one to four digits, of others in steps.
    pub fn score(&self, row: usize) -> f32 {
        if let Some(verdict) = self.verdict(row) {
            return verdict.score;
        }
        self.scores.get(row).map_or(0.0, |steps| *steps as f32 / SCORE_STEPS)
    }

    /// Novelty of a row, 0 to 1; of a flagged one to four digits, of others in steps.
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

/// The lines of a group, or one of them.
#[derive(Debug, Clone, Default)]
pub struct GroupLines {
    /// The row of the first record.
    pub(super) first: usize,
    pub(super) bytes: Vec<u8>,
    /// Offset of each record in the bytes, and one past the last.
    pub(super) starts: Vec<u64>,
    pub(super) runs: Vec<Run>,
    /// The rows that are there, ascending, where these are not all.
    pub(super) only: Option<Vec<u32>>,
}

impl GroupLines {
    /// Number of records.
    pub fn rows(&self) -> usize {
        self.only.as_ref().map_or(self.starts.len().saturating_sub(1), Vec::len)
    }

    /// Whether a row is there.
    pub fn holds(&self, row: usize) -> bool {
        match &self.only {
            Some(only) => u32::try_from(row).is_ok_and(|row| only.binary_search(&row).is_ok()),
            None => row.checked_sub(self.first).is_some_and(|at| at < self.rows()),
        }
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

fn of<'a, T>(ids: &[u32], list: &'a [T], row: usize) -> Option<&'a T> {
    list.get(usize::try_from(*ids.get(row)?).ok()?)
}

/// The run of a row.
pub(super) fn run_of(runs: &[Run], row: usize) -> Option<&Run> {
    let after = runs.partition_point(|run| run.row as usize <= row);
    runs.get(after.checked_sub(1)?)
}
