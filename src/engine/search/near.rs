//! Single records by their number, and the neighbours of a record in the same input.

use std::collections::{BTreeSet, HashMap};

use super::{Kept, Search};
use crate::archive::Needs;
use crate::engine::EngineError;
use crate::model::{FieldSet, FoundRecord, InputId, Interpret, RecordId};
use crate::query::{Decoded, PipeError};

/// Most records that `context` hands out.
const MOST: usize = 1_000_000;

impl Search {
    /// One record by its number; `None` where there is none.
    pub fn record(&self, id: u64) -> Result<Option<FoundRecord>, EngineError> {
        let snapshot = &self.snapshot;
        let Some(number) = snapshot.group_of(RecordId(id)) else { return Ok(None) };
        let Some(first) = snapshot.groups().get(number).map(|group| group.first.0) else { return Ok(None) };
        let row = id.saturating_sub(first) as u32;
        let mut decoded = Decoded::open(snapshot, number, Needs::ALL)?;
        decoded.unpack_one(snapshot, row)?;
        let mut fields = FieldSet::default();
        decoded.cut(row as usize, Some(&self.registry as &dyn Interpret), &mut fields);
        Ok(Some(FoundRecord::of(&decoded.view(snapshot, row as usize, &fields))))
    }

    /// Records by their numbers, in the order given; numbers that no record has are left out.
    pub fn records(&self, ids: &[u64]) -> Result<Vec<FoundRecord>, EngineError> {
        let mut kept = Kept::default();
        ids.iter().filter_map(|id| kept.record(RecordId(*id), self).transpose()).collect()
    }

    /// Numbers of the `count` records before and after a record in the same input, in order, itself included.
    pub fn neighbours(&self, id: u64, count: u64) -> Result<Vec<u64>, EngineError> {
        let Some(input) = self.input_of(id) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let mut at = id;
        while (found.len() as u64) < count
            && let Some(run) = at.checked_sub(1).and_then(|before| self.run_of(before))
        {
            if run.input == Some(input) {
                at -= 1;
                found.push(at);
            } else {
                at = run.from;
            }
        }
        found.reverse();
        found.push(id);
        let wanted = found.len() as u64 + count;
        let mut at = id + 1;
        while (found.len() as u64) < wanted
            && let Some(run) = self.run_of(at)
        {
            if run.input == Some(input) {
                found.push(at);
                at += 1;
            } else {
                at = run.until;
            }
        }
        Ok(found)
    }

    /// Numbers of hits and of their neighbours in the same input, in order, each once; none where `is_stopped` says that time is
    /// up before all are known.
    pub(super) fn near(
        &self,
        count: u64,
        hits: &[RecordId],
        is_stopped: &dyn Fn() -> Result<bool, EngineError>,
    ) -> Result<BTreeSet<u64>, EngineError> {
        let mut wanted = BTreeSet::new();
        for hit in hits {
            if is_stopped()? {
                return Ok(BTreeSet::new());
            }
            wanted.extend(self.neighbours(hit.0, count)?);
            if wanted.len() > MOST {
                return Err(PipeError::Groups { pipe: "context", limit: MOST }.into());
            }
        }
        Ok(wanted)
    }

    /// Hands out records by their numbers until `is_stopped` says that time is up; says how many were left.
    pub(super) fn hand_out<'i>(
        &self,
        ids: impl ExactSizeIterator<Item = &'i u64>,
        is_stopped: &dyn Fn() -> Result<bool, EngineError>,
        found: &mut impl FnMut(FoundRecord) -> bool,
    ) -> Result<u64, EngineError> {
        let mut kept = Kept::default();
        let mut left = ids.len() as u64;
        for id in ids {
            if is_stopped()? {
                return Ok(left);
            }
            left -= 1;
            if let Some(record) = kept.record(RecordId(*id), self)?
                && !found(record)
            {
                break;
            }
        }
        Ok(0)
    }

    /// Names of all inputs with their numbers of records, the largest first, ties by name.
    pub fn sources(&self) -> Vec<(String, u64)> {
        let mut counts: HashMap<InputId, u64> = HashMap::new();
        for group in self.snapshot.groups() {
            let ends = group.stats.runs.iter().skip(1).map(|run| run.row).chain([group.stats.rows]);
            for (run, end) in group.stats.runs.iter().zip(ends) {
                *counts.entry(run.input).or_insert(0) += u64::from(end.saturating_sub(run.row));
            }
        }
        let mut named: HashMap<&str, u64> = HashMap::new();
        for (input, count) in counts {
            *named.entry(self.snapshot.input_name(input)).or_insert(0) += count;
        }
        let mut sources: Vec<(String, u64)> = named.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        sources.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        sources
    }

    fn input_of(&self, id: u64) -> Option<InputId> {
        self.run_of(id)?.input
    }

    /// The run of consecutive records of one input that a record stands in, within its row group; `None` beyond the last
    /// record. Numbers that no readable group holds are a run of one without an input.
    fn run_of(&self, id: u64) -> Option<Run> {
        if id >= self.snapshot.records() {
            return None;
        }
        let gone = Run { input: None, from: id, until: id + 1 };
        let number = self.snapshot.group_of(RecordId(id));
        let Some(group) = number.and_then(|number| self.snapshot.groups().get(number)) else { return Some(gone) };
        let row = id.saturating_sub(group.first.0) as u32;
        let runs = &group.stats.runs;
        let behind = runs.partition_point(|run| run.row <= row);
        let Some(run) = behind.checked_sub(1).and_then(|at| runs.get(at)) else { return Some(gone) };
        let end = runs.get(behind).map_or(group.stats.rows, |next| next.row);
        let first = group.first.0;
        Some(Run { input: Some(run.input), from: first + u64::from(run.row), until: first + u64::from(end) })
    }
}

/// Consecutive records of one input.
struct Run {
    input: Option<InputId>,
    from: u64,
    until: u64,
}
