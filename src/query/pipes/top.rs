//! `top` and `rare`: the most and the least frequent values of a field, ties by value.

use hashbrown::HashMap;

use super::alike::Apart;
use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table};

pub(super) struct Top {
    slot: usize,
    count: usize,
    rare: bool,
    columns: Vec<String>,
    counts: HashMap<Vec<u8>, u64>,
}

impl Top {
    pub(super) fn new(slot: usize, count: usize, rare: bool, columns: Vec<String>) -> Top {
        Top { slot, count, rare, columns, counts: HashMap::new() }
    }
}

impl Sink for Top {
    fn push(&mut self, row: &Row, times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let Some(value) = row.value(self.slot) else { return Ok(()) };
        if let Some(count) = self.counts.get_mut(value) {
            *count += times;
            return Ok(());
        }
        budget.take("top", value.len() + 64)?;
        budget.groups("top", self.counts.len() + 1)?;
        self.counts.insert(value.to_vec(), times);
        Ok(())
    }

    fn apart(&self) -> Apart {
        Apart::Values
    }

    fn needs_order(&self) -> bool {
        false
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let mut counts: Vec<(Vec<u8>, u64)> = self.counts.drain().collect();
        counts.sort_by(|(a, count_a), (b, count_b)| {
            let order = count_a.cmp(count_b);
            (if self.rare { order } else { order.reverse() }).then_with(|| a.cmp(b))
        });
        counts.truncate(self.count);
        let rows = counts.iter().map(|(value, count)| vec![Cell::of(Some(value)), Cell::count(*count)]).collect();
        Ok(Output::Table(Table::new(std::mem::take(&mut self.columns), rows)))
    }
}
