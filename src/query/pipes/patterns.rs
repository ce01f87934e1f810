//! `patterns`: the most frequent templates, each with its count and its first record.

use hashbrown::HashMap;

use super::alike::Apart;
use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table};

pub(super) struct Patterns {
    slot: usize,
    count: usize,
    columns: Vec<String>,
    /// Template -> number of records and least id.
    seen: HashMap<Vec<u8>, (u64, u64)>,
}

impl Patterns {
    pub(super) fn new(slot: usize, count: usize, columns: Vec<String>) -> Patterns {
        Patterns { slot, count, columns, seen: HashMap::new() }
    }
}

impl Sink for Patterns {
    fn push(&mut self, row: &Row, times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let template = row.value(self.slot).unwrap_or_default();
        if let Some((count, first)) = self.seen.get_mut(template) {
            *count += times;
            *first = row.id.0.min(*first);
            return Ok(());
        }
        budget.take("patterns", template.len() + 64)?;
        budget.groups("patterns", self.seen.len() + 1)?;
        self.seen.insert(template.to_vec(), (times, row.id.0));
        Ok(())
    }

    /// Of records that are alike the one with the least id is pushed.
    fn apart(&self) -> Apart {
        Apart::Values
    }

    fn needs_order(&self) -> bool {
        false
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let mut seen: Vec<_> = self.seen.drain().collect();
        seen.sort_by(|(a, (count_a, _)), (b, (count_b, _))| count_b.cmp(count_a).then_with(|| a.cmp(b)));
        seen.truncate(self.count);
        let rows = seen
            .iter()
            .map(|(template, (count, first))| vec![Cell::of(Some(template)), Cell::count(*count), Cell::count(*first)])
            .collect();
        Ok(Output::Table(Table::new(std::mem::take(&mut self.columns), rows)))
    }
}
