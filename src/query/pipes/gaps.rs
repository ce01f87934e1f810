//! `gaps`: silences between successive records, in the whole answer or per value of a field.

use hashbrown::HashMap;

use crate::model::Timestamp;

use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table, rows_in_order};

/// Records come newest first, so each is compared with the one before it in its group, which is the later one.
pub(super) struct Gaps {
    span: i64,
    by: Option<usize>,
    columns: Vec<String>,
    last: HashMap<Option<Vec<u8>>, (Timestamp, u64)>,
    rows: Vec<Vec<Cell>>,
}

impl Gaps {
    pub(super) fn new(span: i64, by: Option<usize>, columns: Vec<String>) -> Gaps {
        Gaps { span, by, columns, last: HashMap::new(), rows: Vec::new() }
    }
}

impl Sink for Gaps {
    fn push(&mut self, row: &Row, _times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let Some(time) = row.time else { return Ok(()) };
        let group = self.by.and_then(|slot| row.value(slot)).map(<[u8]>::to_vec);
        let groups = self.last.len();
        let size = 96 + group.as_ref().map_or(0, Vec::len);
        let (later, later_id) = match self.last.entry(group.clone()) {
            hashbrown::hash_map::Entry::Vacant(entry) => {
                entry.insert((time, row.id.0));
                budget.take("gaps", size)?;
                return budget.groups("gaps", groups + 1);
            }
            hashbrown::hash_map::Entry::Occupied(mut entry) => entry.insert((time, row.id.0)),
        };
        if later < time {
            return Err(PipeError::Order { pipe: "gaps" });
        }
        let silence = later.0.saturating_sub(time.0);
        if silence >= self.span {
            budget.take("gaps", size + 64)?;
            budget.groups("gaps", self.rows.len() + 1)?;
            let ids = [Cell::count(row.id.0), Cell::count(later_id), Cell::Int(silence / 1_000_000_000)];
            self.rows.push(std::iter::once(Cell::of(group.as_deref())).chain(ids).collect());
        }
        Ok(())
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        self.rows.sort_by(|a, b| rows_in_order(a, b));
        let rows = std::mem::take(&mut self.rows);
        Ok(Output::Table(Table::new(std::mem::take(&mut self.columns), rows)))
    }
}
