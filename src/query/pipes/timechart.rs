//! `timechart`: counts per span of time; records without a time are the last row.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::model::{Timestamp, Zone};

use super::alike::Apart;
use super::pipeline::{Budget, Output, PipeError, Sink};
use super::row::Row;
use super::table::{Cell, Series, Table, rows_in_order};

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

/// When the span of a time begins; `east` is the zone in ns.
pub(super) fn bucket(time: Timestamp, span: i64, east: i64) -> i64 {
    let local = time.saturating_add(east).0;
    time.0.saturating_sub(local.rem_euclid(span))
}

impl Timechart {
    fn east(&self) -> i64 {
        i64::from(self.zone.east) * 1_000_000_000
    }

    /// The counts with the empty spans between them; of a chart that a field splits, of its most frequent values.
    fn series(&self) -> Vec<Series> {
        let timed = || self.counts.iter().filter_map(|((bucket, group), count)| Some(((*bucket)?, group, *count)));
        let (Some(first), Some(last)) = (timed().map(|(at, ..)| at).min(), timed().map(|(at, ..)| at).max()) else {
            return Vec::new();
        };
        let place = |at: i64| at.abs_diff(first) / self.span.unsigned_abs().max(1);
        let merged = (place(last) + 1).div_ceil(Series::LONGEST as u64).max(1);
        let length = (place(last) + 1).div_ceil(merged) as usize;
        let mut totals: HashMap<&Option<Vec<u8>>, u64> = HashMap::new();
        timed().for_each(|(_, group, count)| *totals.entry(group).or_insert(0) += count);
        let mut groups: Vec<(&Option<Vec<u8>>, u64)> = totals.into_iter().collect();
        groups.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        groups.truncate(Series::MOST);
        let mut charts: HashMap<&Option<Vec<u8>>, Vec<u64>> =
            groups.iter().map(|(group, _)| (*group, vec![0; length])).collect();
        for (at, group, count) in timed() {
            let place = (place(at) / merged) as usize;
            if let Some(slot) = charts.get_mut(group).and_then(|counts| counts.get_mut(place)) {
                *slot += count;
            }
        }
        let named = |(group, _): (&Option<Vec<u8>>, u64)| {
            let counts = charts.remove(group).unwrap_or_default();
            Series { name: self.by.is_some().then(|| Cell::of(group.as_deref())), counts }
        };
        groups.into_iter().map(named).collect()
    }
}

impl Sink for Timechart {
    fn push(&mut self, row: &Row, times: u64, budget: &mut Budget) -> Result<(), PipeError> {
        let bucket = row.time.map(|time| bucket(time, self.span, self.east()));
        let group = self.by.and_then(|slot| row.value(slot)).map(<[u8]>::to_vec);
        let size = 64 + group.as_ref().map_or(0, Vec::len);
        let before = self.counts.len();
        *self.counts.entry((bucket, group)).or_insert(0) += times;
        if self.counts.len() > before {
            budget.take("timechart", size)?;
            budget.groups("timechart", self.counts.len())?;
        }
        Ok(())
    }

    fn needs_order(&self) -> bool {
        false
    }

    fn apart(&self) -> Apart {
        Apart::Spans(self.span, self.east())
    }

    fn finish(&mut self, _budget: &mut Budget) -> Result<Output, PipeError> {
        let zone = self.zone;
        let series = self.series();
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
        Ok(Output::Table(Table { columns: std::mem::take(&mut self.columns), rows, series }))
    }
}
