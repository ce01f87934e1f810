//! A few records of a row group with where they come from, read without the others.

use super::columns::{GroupLines, run_of};
use super::read::{GroupReader, NO_COLUMN, starts_of};
use super::section::{COLUMNAR, SectionError, find};
use super::{LINES, Run, STARTS, STARTS_STEP};
use crate::archive::column;

/// Where more than one in so many records would be written out, all are.
const WRITE_ALL: usize = 2;

impl GroupReader<'_> {
    /// Unpacks and checks some ascending records; others may be absent. Where lines are in columns, only the columns that these and some
    /// records before them need.
    pub fn few_lines(&self, rows: &[u32]) -> Result<GroupLines, SectionError> {
        let section = find(&self.group.sections, LINES, "lines")?;
        let nowhere = || section.damaged("lines", "do not say where a record comes from");
        // Where a record starts is known of the first of its step: those up to it are written too, and so for the first of its run.
        let step_of = |row: u32| row as usize / STARTS_STEP;
        let runs: Vec<&Run> = rows.iter().filter_map(|row| run_of(&self.group.runs, *row as usize)).collect();
        let mut wanted: Vec<u32> = rows.iter().copied().chain(runs.iter().map(|run| run.row)).collect();
        wanted.sort_unstable();
        let mut written: Vec<u32> = Vec::new();
        for row in &wanted {
            let from = (step_of(*row) * STARTS_STEP) as u32;
            written.extend(written.last().map_or(from, |last| from.max(last + 1))..=*row);
        }
        if section.codec != COLUMNAR || written.len() * WRITE_ALL > self.group.rows as usize {
            return self.lines();
        }
        let starts = find(&self.group.sections, STARTS, "starts")?;
        let known = column::decode_any(&starts.unpack("starts", self.read)?);
        let known = known.ok_or_else(|| starts.damaged("starts", NO_COLUMN))?;
        let stored = section.stored("lines", self.read)?;
        let stripe = self.shared.lines(self.stripe, self.read)?;
        let decoded = stripe.decode_some(&stored, self.group.rows, section.raw, &written);
        let (bytes, lengths) = decoded.map_err(|_| section.damaged("lines", "can't be unpacked"))?;
        let start_of = |row: u32| -> Result<u64, SectionError> {
            let start = known.get(step_of(row)).and_then(|start| u64::try_from(*start).ok()).ok_or_else(nowhere)?;
            let before = lengths.get(step_of(row) * STARTS_STEP..row as usize).ok_or_else(nowhere)?;
            Ok(before.iter().fold(start, |start, length| start.saturating_add(u64::from(*length))))
        };
        let place = |(row, run): (&u32, &&Run)| -> Result<Run, SectionError> {
            let ahead = start_of(*row)?.checked_sub(start_of(run.row)?);
            let offset = ahead.and_then(|ahead| run.offset.checked_add(ahead)).ok_or_else(nowhere)?;
            Ok(Run { row: *row, input: run.input, offset })
        };
        if runs.len() != rows.len() {
            return Err(nowhere());
        }
        // Each record is a run of its own.
        let runs = rows.iter().zip(&runs).map(place).collect::<Result<_, _>>()?;
        Ok(GroupLines { first: 0, bytes, starts: starts_of(&lengths), runs, only: Some(rows.to_vec()) })
    }
}
