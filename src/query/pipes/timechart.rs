//! `timechart`: counts per span of time; records without a time are the last row.

use std::collections::BTreeMap;

use crate::model::{Timestamp, Zone};

use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Table, rows_in_order};

pub(super) struct Timechart {
    span: i64,
    by: Option<usize>,
    zone: Zone,
    columns: Vec<String>,
    counts: BTreeMap<(Option<i64>, Option<Vec<u8>>), u64>,
}

impl Timechart {
    pub(super) fn new(span: i64, by: Option<usize>, zone: Zone, columns: Vec<String>) -> Timechart {
        Timechart { span: span.max(1), by, zone, columns, counts: BTreeMap::new() }
    }
}

impl Sink for Timechart {
    fn push(&mut self, row: &Row, budget: &mut Budget) -> Result<(), PipeError> {
        let east = i64::from(self.zone.east) * 1_000_000_000;
        let bucket = row.time.map(|time| {
            let local = time.saturating_add(east).0;
            time.0.saturating_sub(local.rem_euclid(self.span))
        });
        let group = self.by.and_then(|slot| row.value(slot)).map(<[u8]>::to_vec);
        let size = 64 + group.as_ref().map_or(0, Vec::len);
        let before = self.counts.len();
        *self.counts.entry((bucket, group)).or_insert(0) += 1;
        if self.counts.len() > before {
            budget.take("timechart", size)?;
            budget.groups("timechart", self.counts.len())?;
        }
        Ok(())
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let zone = self.zone;
        let mut rows: Vec<Vec<Cell>> = std::mem::take(&mut self.counts)
            .into_iter()
            .map(|((bucket, group), count)| {
                let time = bucket.map(|bucket| Timestamp(bucket).display(zone).to_string());
                let mut row = vec![time.map_or(Cell::Null, Cell::Text)];
                if self.by.is_some() {
                    row.push(Cell::of(group.as_deref()));
                }
                row.push(Cell::count(count));
                row
            })
            .collect();
        rows.sort_by(|a, b| rows_in_order(a, b));
        Ok(Output::Table(Table { columns: std::mem::take(&mut self.columns), rows }))
    }
}
