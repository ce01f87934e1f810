//! What pipes make of records: tables, or the records themselves.

use super::limits::{Budget, PipeError};
use super::pipeline::Sink;
use super::row::Row;
use super::table::Table;
use crate::model::RecordId;

/// Which fields of records are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// Only these, in this order; empty: all.
    pub keep: Vec<String>,
    /// Not these.
    pub drop: Vec<String>,
}

/// A record in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The record.
    pub id: RecordId,
    /// What `extract` found in it.
    pub extracted: Vec<(String, Vec<u8>)>,
}

impl RecordRow {
    /// Bytes of memory it takes, roughly.
    fn size(&self) -> usize {
        32 + self.extracted.iter().map(|(name, value)| 48 + name.len() + value.len()).sum::<usize>()
    }
}

/// What the pipes made of the records.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Rows under columns.
    Table(Table),
    /// Records in the order of the answer.
    Records {
        /// The records.
        rows: Vec<RecordRow>,
        /// Which of their fields are shown.
        shown: Shown,
    },
    /// Hits whose neighbours in the same source are wanted too.
    Context {
        /// How many neighbours on either side.
        count: usize,
        /// The hits, in the order of the answer.
        hits: Vec<RecordId>,
    },
}

/// Keeps the records themselves.
pub(super) struct Records {
    rows: Vec<RecordRow>,
    extracted: Vec<(String, usize)>,
    shown: Shown,
    context: Option<usize>,
}

impl Records {
    /// With what `extract` made, in the slots where it stands, the fields shown and the neighbours wanted.
    pub(super) fn new(extracted: Vec<(String, usize)>, shown: Shown, context: Option<usize>) -> Records {
        Records { rows: Vec::new(), extracted, shown, context }
    }
}

impl Sink for Records {
    fn push(&mut self, row: &Row, _times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let extracted: Vec<(String, Vec<u8>)> = self
            .extracted
            .iter()
            .filter_map(|(name, slot)| row.value(*slot).map(|value| (name.clone(), value.to_vec())))
            .collect();
        let row = RecordRow { id: row.id, extracted };
        budget.take("records", row.size())?;
        self.rows.push(row);
        Ok(())
    }

    fn passed_on(&mut self, budget: &mut Budget) -> Vec<RecordRow> {
        budget.release(self.rows.iter().map(RecordRow::size).sum());
        std::mem::take(&mut self.rows)
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let rows = std::mem::take(&mut self.rows);
        Ok(match self.context {
            Some(count) => Output::Context { count, hits: rows.into_iter().map(|row| row.id).collect() },
            None => Output::Records { rows, shown: std::mem::take(&mut self.shown) },
        })
    }
}
